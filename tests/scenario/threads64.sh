#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 64 threads at once: every single open is there, each with its library.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

watch threads --policy "$scenario_dir/strict.yaml" -- "$subjects/threads64" data.txt 50
expect_deviations 3200 libopener.so file.read "$cwd/data.txt" '^libopener.so\|threads64'
expect_count libopener.so file.read 3200
expect_no_loss
