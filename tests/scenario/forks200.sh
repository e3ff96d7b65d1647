#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 200 forked children: each one re-attaches and is seen.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

watch forks --policy "$scenario_dir/strict.yaml" -- "$subjects/forks200" data.txt
expect_deviations 200 libopener.so file.read "$cwd/data.txt" '^libopener.so\|forks200'
expect_covered
expect_no_loss
