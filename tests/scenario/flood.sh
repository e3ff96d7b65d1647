#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A million opens from four threads: every one is seen or counted as lost.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

watch flood --policy "$scenario_dir/strict.yaml" -- "$subjects/flood" data.txt 4 250000
seen=$(seen_count libopener.so file.read) lost=$(lost_count)
echo "seen $seen, lost $lost"
expect "seen ($seen) and lost ($lost) make a million" test $((seen + lost)) = 1000000
if [ "$lost" != 0 ]; then
	expect_hole
	expect_said lost
fi

# With the smallest ring and no patience there is loss, and the count of it is right.
watch small --ring 64 --wait 0 --policy "$scenario_dir/strict.yaml" -- "$subjects/flood" data.txt 4 100000
seen=$(seen_count libopener.so file.read) lost=$(lost_count)
echo "seen $seen, lost $lost"
expect "something was lost, or this shows nothing" test "$lost" -gt 0
expect "seen ($seen) and lost ($lost) make all of them" test $((seen + lost)) -ge 400000
expect "nothing was counted twice ($seen)" test "$seen" -le 400000
expect_hole
expect_said lost
