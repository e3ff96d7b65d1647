#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A process that ends right after the act: its memory map may be gone before anybody could look.
# Who did it is told all the same.
. "$(dirname "$0")/lib.sh"

prepare() { echo secret >secret.txt; }

observe shim open -- "$evade/evade_brief" open secret.txt
expect_invisible libevade_handle.so file.read
need_vantage both
for try in 1 2 3 4 5; do
	observe both open$try -- "$evade/evade_brief" open secret.txt
	expect_logged 1 " file.read $cwd/secret.txt = "
	expect_bypass libevade_handle.so file.read "$cwd/secret.txt"
done
