#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One file through many doors: open, fopen, syscall(2), and the fortified twins.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

for way in open fopen syscall fortified fortified-at; do
	watch $way --policy "$scenario_dir/strict.yaml" -- "$subjects/open_app" $way data.txt
	expect_deviations 1 libopener.so file.read "$cwd/data.txt" '^libopener.so\|open_app'
	expect "it read the file" grep -qx hello "$here/out"

	watch $way-missing --policy "$scenario_dir/strict.yaml" -- "$subjects/open_app" $way missing.txt
	expect "it was told ENOENT" grep -qx 'errno 2' "$here/out"
	expect_clean
done
