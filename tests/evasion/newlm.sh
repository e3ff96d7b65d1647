#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A second libc, loaded by dlmopen into a namespace of its own.
. "$(dirname "$0")/lib.sh"

prepare() { echo secret >secret.txt; }

observe shim open -- "$evade/evade_newlm" secret.txt
expect_invisible libevade_newlm.so file.read
need_vantage both
observe both open -- "$evade/evade_newlm" secret.txt
expect_bypass libevade_newlm.so file.read "$cwd/secret.txt"
