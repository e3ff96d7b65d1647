#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A signal handler on an alternate stack of 8 KiB, with an inaccessible page below.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

watch alternate --policy "$scenario_dir/strict.yaml" -- "$subjects/altstack" data.txt
expect_deviations 100 libopener.so file.read "$cwd/data.txt" '^libopener.so\|altstack'
