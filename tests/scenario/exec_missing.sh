#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Programs that are not there, or are none: the same errors, and no exec is told.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo 'not a program' >data.txt; }

watch missing --policy "$scenario_dir/strict-app.yaml" -- "$subjects/exec_missing" data.txt
# Only the shell of the one system() ran.
expect_deviations 1 exec_missing exec.run '.*'
expect_deviation exec_missing exec.run '.*/(da|ba)?sh'
watch shell --status 127 -- sh -c 'no-such-program-anywhere 2>/dev/null'
