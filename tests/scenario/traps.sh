#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What libc and the loader do in the name of a library that may do nothing: not one deviation. The
# same acts by the library itself are told. policies/README.md says which grant answers which trap.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

for trap in resolve resolve_old users all_users times locales convert tell processors trace cancel \
	arena temporary semaphore login randomness; do
	watch "$trap" --policy "$scenario_dir/strict.yaml" -- "$subjects/traps_app" "$trap"
	expect_no_deviation libtraps.so
	expect_no_deviation
done
watch all --policy "$scenario_dir/strict.yaml" -- "$subjects/traps_app" all
expect_no_deviation
expect "all of them were sprung" grep -qx '16 sprung' "$here/out"
# Something was there to be granted: or else nothing was seen at all.
if has_kernel; then
	expect_event libtraps.so file.read 5
	expect_event libtraps.so file.write
fi

# The same files read by a library itself, outside of any of libc's functions.
watch itself --policy "$scenario_dir/strict.yaml" -- "$subjects/traps_app" itself
expect_deviation libtraps.so file.read /etc/passwd
