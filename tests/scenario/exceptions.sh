#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# C++ exceptions across libraries, with hooked calls in the middle and in destructors.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; echo other >other.txt; }

watch throw --policy "$scenario_dir/strict.yaml" -- "$subjects/exceptions" data.txt other.txt 500
expect "all were caught" grep -qx 'caught 500' "$here/out"
expect_deviations 500 libopener.so file.read "$cwd/data.txt" \
	'^libopener.so\|libthrower.so\|libcatcher.so\|exceptions'
# The destructor runs while the stack is being unwound.
expect_deviations 500 libopener.so file.read "$cwd/other.txt" '^libopener.so\|libcatcher.so\|.*exceptions'
