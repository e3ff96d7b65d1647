#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An act inside a public libc function is known to be `via` it, and no act after it is.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; echo charset >charset.txt; }
environment=(env GCONV_PATH="$subjects/gconv" GCONV_FILE="$cwd/charset.txt")

watch no-grant --policy "$scenario_dir/strict.yaml" -- "${environment[@]}" "$subjects/iconv_app" data.txt
expect_deviations 1 libsowatchtest.so file.read "$cwd/charset.txt"
expect_deviations 1 libopener.so file.read "$cwd/data.txt"

watch granted --policy "$scenario_dir/strict.yaml" -p "$scenario_dir/via.yaml" -- \
	"${environment[@]}" "$subjects/iconv_app" data.txt
expect_event libsowatchtest.so file.read
expect_no_deviation libsowatchtest.so
expect_deviations 1 libopener.so file.read "$cwd/data.txt"
