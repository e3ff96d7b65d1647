#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# libc's syscall(2) through a pointer, with openat2.
. "$(dirname "$0")/lib.sh"

prepare() { echo secret >secret.txt; }

observe shim open -- "$evade/evade_pointer" secret.txt
expect_invisible libevade_pointer.so file.read
need_vantage both
observe both open -- "$evade/evade_pointer" secret.txt
expect_bypass libevade_pointer.so file.read "$cwd/secret.txt"
