#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A program that ran out of descriptors or address space sees what it would see without us.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

watch nofile --policy "$scenario_dir/strict.yaml" -- "$subjects/limits" nofile data.txt
expect_deviations 1 libopener.so file.read "$cwd/data.txt" '^libopener.so\|limits'

# Seen or counted as missed, but never silently absent.
watch address-space --policy "$scenario_dir/strict.yaml" -- "$subjects/limits" as data.txt
seen=$(deviation_count libopener.so file.read "$cwd/data.txt")
[ "$seen" = 1000 ] || expect_hole
