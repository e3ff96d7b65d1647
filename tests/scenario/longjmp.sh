#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Left by longjmp, a hooked call must not leave anything behind that explains a later act.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

watch jump --policy "$scenario_dir/strict.yaml" -p "$scenario_dir/longjmp.yaml" -- \
	"$subjects/longjmp" data.txt
expect_deviations 3 libopener.so file.read "$cwd/data.txt" '^libopener.so\|longjmp'
