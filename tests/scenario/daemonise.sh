#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A daemon that closes all descriptors keeps being watched, and has the low numbers to itself.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

for way in closefrom close_range loop; do
	watch $way --policy "$scenario_dir/strict.yaml" -- "$subjects/daemonise" $way data.txt marker
	expect "the daemon came through" grep -qx 'the daemon was here' "$here/out"
	expect_deviations 1 libopener.so file.read "$cwd/data.txt" '^libopener.so\|daemonise'
	expect_covered
done
