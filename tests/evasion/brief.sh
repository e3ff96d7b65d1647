#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A process that ends right after the act: its memory map may be gone before anybody could look.
# The act is the kernel's word all the same, and who did it is told or owned up to as unknown.
. "$(dirname "$0")/lib.sh"

prepare() { echo secret >secret.txt; }

observe shim open -- "$evade/evade_brief" open secret.txt
expect_invisible libevade_handle.so file.read
need_vantage both
for try in 1 2 3 4 5; do
	observe both open$try -- "$evade/evade_brief" open secret.txt
	expect_logged 1 " file.read $cwd/secret.txt = "
	if [ "$(finding_count bypass libevade_handle.so file.read "$cwd/secret.txt")" = 0 ]; then
		expect_verdict unknown
		expect_no_deviation
	else
		expect_bypass libevade_handle.so file.read "$cwd/secret.txt"
	fi
done
