#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Stacks made by hand: whatever lies above the first frame, the walk ends before it does harm.
. "$(dirname "$0")/../lib/scenario.sh"

need_subject handmade
prepare() { echo hello >data.txt; }

for how in none zero garbage code; do
	watch $how --policy "$scenario_dir/strict.yaml" --status 0 -- "$subjects/handmade" $how data.txt
	expect_deviations 3 libopener.so file.read "$cwd/data.txt" '^libopener.so\|handmade'
done
watch overflow --policy "$scenario_dir/strict.yaml" --status 7 -- "$subjects/handmade" overflow data.txt
expect_deviations 1 libopener.so file.read "$cwd/data.txt" '^libopener.so\|handmade'
