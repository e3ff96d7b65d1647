#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# After a filter was installed nothing of ours meets it: not in new threads, forks, daemons or the
# programs it starts. Those run without the shim, and are named.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }
"$subjects/seccomp" /dev/null 1 >/dev/null 2>&1
[ $? = 6 ] || skip "seccomp filters do not work here"

watch sandbox --policy "$scenario_dir/strict.yaml" --status 0 -- "$subjects/sandbox" data.txt
expect "all went on" test "$(grep -c ' 0$' "$here/out")" = 9
# A thread, a fork and its thread; the daemon's ring may be gone with its parent, which says so.
seen=$(deviation_count libopener.so file.read "$cwd/data.txt" '^libopener.so\|')
expect "3 or 4 reads were seen, not $seen" test "$seen" -ge 3 -a "$seen" -le 4
expect_said 'passed through unrecorded'
expect_uncovered dash
