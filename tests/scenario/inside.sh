#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# chroot, and giving up root: watched before and after. What is in a jail is recorded where it
# really is: the jail's /usr/bin/gdb must not pass for ours.
. "$(dirname "$0")/../lib/scenario.sh"

need_root
prepare()
{
	local file from
	mkdir -p jail/usr/bin
	echo hello >jail/data.txt
	cp jail/data.txt data.txt
	cp "$subjects/open_app" jail/usr/bin/gdb
	for file in $(ldd "$subjects/open_app" "$SOWATCH_BUILD"/lib/libsowatch.so | grep -oE '/[^ :]+' | sort -u) \
		"$SOWATCH_BUILD"/lib/libsowatch.so; do
		[ -e "jail$file" ] || install -D "$file" "jail$file"
	done
}

watch chroot --policy "$scenario_dir/strict.yaml" -- "$subjects/inside" chroot jail /data.txt
expect_deviations 2 libopener.so file.read "$cwd/jail/data.txt" '^libopener.so\|inside'
expect_covered

watch jail --policy "$scenario_dir/strict.yaml" -- chroot jail /usr/bin/gdb open data.txt
expect_deviations 1 libopener.so file.read "$cwd/jail/data.txt" '^libopener.so\|gdb'
expect_alert "the program is the jail's" \
	'.subject.name == "libopener.so" and .process.exe == $cwd + "/jail/usr/bin/gdb"'
expect_alert "nothing in the jail is taken for deleted" \
	'.subject.name == "libopener.so" and ([.. | strings | select(endswith("(deleted)"))] == [])'

watch uid --policy "$scenario_dir/strict.yaml" -- "$subjects/inside" uid 65534 data.txt
expect_deviations 2 libopener.so file.read "$cwd/data.txt" '^libopener.so\|inside'
expect_covered
