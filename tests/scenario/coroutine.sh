#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Coroutines on stacks of their own.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

watch turns --policy "$scenario_dir/strict.yaml" -- "$subjects/coroutine" data.txt 100
expect_deviations 1600 libopener.so file.read "$cwd/data.txt" '^libopener.so\|coroutine'
