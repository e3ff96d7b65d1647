#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A library's constructor acts before ours may have run: seen, or counted as early.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

watch constructor --policy "$scenario_dir/strict.yaml" -- env EARLY_FILE="$cwd/data.txt" "$subjects/early_app"
expect "the constructor ran" grep -qx 'early calls 1' "$here/out"
seen=$(deviation_count libearly.so file.read "$cwd/data.txt")
[ "$seen" = 1 ] || expect_hole
