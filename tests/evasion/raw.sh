#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A syscall instruction in a library: open, connect, unlink.
. "$(dirname "$0")/lib.sh"

prepare() { echo secret >secret.txt; echo victim >victim.txt; }
listen

acts()
{
	observe $1 open -- "$evade/evade_raw" open secret.txt
	$2 libevade_raw.so file.read "$cwd/secret.txt"
	observe $1 connect -- "$evade/evade_raw" connect "$port"
	$2 libevade_raw.so net.connect "127.0.0.1:$port"
	observe $1 unlink -- "$evade/evade_raw" unlink victim.txt
	$2 libevade_raw.so file.delete "$cwd/victim.txt"
}

acts shim expect_invisible
need_vantage both
acts both expect_bypass
