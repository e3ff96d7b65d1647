#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Functions fetched with dlsym from libc's own handle.
. "$(dirname "$0")/lib.sh"

prepare() { echo secret >secret.txt; }
listen

acts()
{
	observe $1 open -- "$evade/evade_handle" open secret.txt
	$2 libevade_handle.so file.read "$cwd/secret.txt"
	observe $1 connect -- "$evade/evade_handle" connect "$port"
	$2 libevade_handle.so net.connect "127.0.0.1:$port"
}

acts shim expect_invisible
need_vantage both
acts both expect_bypass
