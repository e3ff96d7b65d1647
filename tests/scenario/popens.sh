#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# popen, pclose and system keep every promise of libc's.
. "$(dirname "$0")/../lib/scenario.sh"

watch popens --status 0 --filter 's|/proc/self/fd/([0-9]+)|\1|g' -- "$subjects/popens"
expect_event popens exec.run 20
expect_not_said 'passed through unrecorded'
