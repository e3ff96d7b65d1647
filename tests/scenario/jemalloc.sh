#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A program linked with jemalloc, which makes raw system calls before main.
. "$(dirname "$0")/../lib/scenario.sh"

need_subject jemalloc_app
prepare() { echo hello >data.txt; }

watch churn --policy "$scenario_dir/strict.yaml" -- "$subjects/jemalloc_app" data.txt
expect_deviations 4000 libopener.so file.read "$cwd/data.txt" '^libopener.so\|jemalloc_app'
expect_no_deviation libjemalloc.so.2
