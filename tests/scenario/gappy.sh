#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Looking for a tail call reads code and what it points to, but never into a hole of the mapping.
. "$(dirname "$0")/../lib/scenario.sh"

need_subject gappy_app
prepare() { echo hello >data.txt; }

watch gappy --policy "$scenario_dir/strict.yaml" --status 0 -- "$subjects/gappy_app" data.txt
expect_deviations 1 libgappy.so file.read "$cwd/data.txt" '^libgappy.so\|gappy_app'
