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
