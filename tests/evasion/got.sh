#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# open in the program's GOT, pointed at a library's function.
. "$(dirname "$0")/lib.sh"

prepare() { echo secret >secret.txt; echo mine >mine.txt; }

observe shim open -- "$evade/evade_got" secret.txt mine.txt
expect_invisible libevade_got.so file.read
need_vantage both
observe both open -- "$evade/evade_got" secret.txt mine.txt
expect_finding 'bypass|tamper' libevade_got.so file.read "$cwd/secret.txt"
expect_blame libevade_got.so
expect_verdict deviates
