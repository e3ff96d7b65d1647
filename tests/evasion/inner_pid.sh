#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A pid namespace: the pid is told both ways, as the host sees it and as the process itself does.
. "$(dirname "$0")/lib.sh"

need_root
need_program unshare
prepare() { echo hello >data.txt; }
fresh
unshare -p -f true 2>/dev/null || skip "pid namespaces cannot be made here"

need_vantage both
observe both inner --policy "$scenario_dir/none.yaml" -- unshare -p -f "$evade/evade_handle" open data.txt
expect_alert "the pid outside is told" '.process.pid > 1'
expect_alert "the pid inside is told" '.process.inner_pid == 1'
