#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No descriptor, signal handler or signal mask of ours is visible.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

watch alone -- "$subjects/descriptors"
watch after-an-act --policy "$scenario_dir/strict.yaml" -- "$subjects/descriptors" data.txt
expect_deviations 1 libopener.so file.read "$cwd/data.txt"
watch child -- sh -c "$subjects/descriptors data.txt"
watch listing -- sh -c 'ls /proc/self/fd'
