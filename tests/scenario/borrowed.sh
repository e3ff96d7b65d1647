#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a child does in borrowed memory is not its parent's doing.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

watch borrowed --policy "$scenario_dir/strict.yaml" --status 0 -- "$subjects/borrowed" data.txt
expect_event borrowed net.send
expect_deviations 2 libopener.so file.read "$cwd/data.txt" '^libopener.so\|borrowed'
