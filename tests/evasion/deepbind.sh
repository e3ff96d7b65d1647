#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A library that was loaded with RTLD_DEEPBIND: its open is libc's, not ours.
. "$(dirname "$0")/lib.sh"

prepare() { echo secret >secret.txt; }

observe shim open -- "$evade/evade_deepbind" "$evade/libevade_deepbind.so" secret.txt
expect_invisible libevade_deepbind.so file.read
need_vantage both
observe both open -- "$evade/evade_deepbind" "$evade/libevade_deepbind.so" secret.txt
expect_bypass libevade_deepbind.so file.read "$cwd/secret.txt"
