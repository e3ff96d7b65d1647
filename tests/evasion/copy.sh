#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A library with a libc of its own linked into it.
. "$(dirname "$0")/lib.sh"

need_subject evade/evade_copy
prepare() { echo secret >secret.txt; }
listen

acts()
{
	observe $1 open -- "$evade/evade_copy" open secret.txt
	$2 libevade_copy.so file.read "$cwd/secret.txt"
	observe $1 connect -- "$evade/evade_copy" connect "$port"
	$2 libevade_copy.so net.connect "127.0.0.1:$port"
}

acts shim expect_invisible
need_vantage both
acts both expect_bypass
