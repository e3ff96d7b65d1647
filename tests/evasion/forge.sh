#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A call slot that names somebody else's chain.
. "$(dirname "$0")/lib.sh"

prepare() { echo secret >secret.txt; echo mine >mine.txt; }

for way in raw libc; do
	observe shim $way -- "$evade/evade_forge" $way secret.txt mine.txt
	expect "the slot was forged" grep -qx forged "$here/err"
	expect_invisible libevade_forge.so file.read
done

need_vantage both
for way in raw libc; do
	observe both $way -- "$evade/evade_forge" $way secret.txt mine.txt
	expect "the slot was forged" grep -qx forged "$here/err"
	expect_finding 'bypass|tamper' libevade_forge.so file.read "$cwd/secret.txt"
	expect_blame libevade_forge.so
	expect_verdict deviates
done
