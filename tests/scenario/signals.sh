#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A handler opens files while the main code is inside hooked calls.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; echo other >other.txt; }

watch storm --policy "$scenario_dir/strict.yaml" -- "$subjects/signals" data.txt other.txt 20000 notes.txt
. "$cwd/notes.txt"
expect "the timer fired often enough to mean something (${handler:-0} times)" test "${handler:-0}" -ge 20
expect_deviations "$main" libopener.so file.read "$cwd/data.txt" '^libopener.so\|signals'
expect_deviations "$handler" libopener.so file.read "$cwd/other.txt" '^libopener.so\|signals'
expect_no_loss
