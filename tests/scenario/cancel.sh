#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Threads cancelled inside hooked calls.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

watch cancel --policy "$scenario_dir/strict.yaml" -- "$subjects/cancel" data.txt
expect_deviations 21 libopener.so file.read "$cwd/data.txt" '^libopener.so\|cancel'
expect_event cancel net.bind 20
