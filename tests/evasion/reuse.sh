#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two programs in two processes of one pid.
. "$(dirname "$0")/lib.sh"

need_root
prepare() { echo hello >data.txt; }
fresh
(cd "$cwd" && "$evade/evade_reuse" data.txt /usr/bin/wc /usr/bin/nl >/dev/null)
[ $? != 3 ] || skip "pids cannot be chosen here"

both_programs()
{
	expect_event wc file.read
	expect_event nl file.read
	expect_covered
	expect_no_deviation
}

observe shim reuse -- "$evade/evade_reuse" data.txt /usr/bin/wc /usr/bin/nl
both_programs
need_vantage both
observe both reuse -- "$evade/evade_reuse" data.txt /usr/bin/wc /usr/bin/nl
both_programs
need_vantage kernel
observe kernel reuse -- "$evade/evade_reuse" data.txt /usr/bin/wc /usr/bin/nl
expect_event wc file.read
expect_event nl file.read
