#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 10 000 frames of recursion, then an act.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

watch deep --policy "$scenario_dir/strict.yaml" -- "$subjects/deep" data.txt 10000
expect_deviations 1 libopener.so file.read "$cwd/data.txt" '^libopener.so\|deep'
