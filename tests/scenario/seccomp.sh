#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A filter that kills on anything but read, write, open, close and exit.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }
"$subjects/seccomp" /dev/null 1 >/dev/null 2>&1
[ $? = 6 ] || skip "seccomp filters do not work here"

for first in "" warm; do
	watch filter${first:+-$first} --policy "$scenario_dir/strict.yaml" --status 6 -- \
		"$subjects/seccomp" data.txt 1000 $first
	expect "it survived" grep -qx survived "$here/out"
	seen=$(deviation_count libopener.so file.read "$cwd/data.txt")
	[ "$seen" = $((1000 + ${#first} / 4)) ] || expect_hole
done
