#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A call slot that names somebody else's chain.
. "$(dirname "$0")/lib.sh"

prepare() { echo secret >secret.txt; echo mine >mine.txt; }
listen

# once VANTAGE EXPECT...: acts that weigh more are checked every time, not one in so many; also in
# children that nobody was told of.
once()
{
	observe $1 write -- "$evade/evade_forge" write new.txt mine.txt
	expect "the slot was forged" grep -qx forged "$here/err"
	$2 libevade_forge.so file.write "$cwd/new.txt"
	observe $1 connect -- "$evade/evade_forge" connect "$port" mine.txt
	$2 libevade_forge.so net.connect "127.0.0.1:$port"
	observe $1 child -- "$evade/evade_forge" child new.txt mine.txt
	$2 libevade_forge.so file.write "$cwd/new.txt"
	for way in run guest; do
		observe $1 $way -- "$evade/evade_forge" $way /bin/true mine.txt
		$2 libevade_forge.so exec.run '.*/true'
	done
}

expect_forged()
{
	expect_finding 'bypass|tamper' "$@"
	expect_blame libevade_forge.so
	expect_verdict deviates
}

for way in raw libc; do
	observe shim $way -- "$evade/evade_forge" $way secret.txt mine.txt
	expect "the slot was forged" grep -qx forged "$here/err"
	expect_invisible libevade_forge.so file.read
done

once shim expect_invisible

need_vantage both
for way in raw libc; do
	observe both $way -- "$evade/evade_forge" $way secret.txt mine.txt
	expect "the slot was forged" grep -qx forged "$here/err"
	expect_finding 'bypass|tamper' libevade_forge.so file.read "$cwd/secret.txt"
	expect_blame libevade_forge.so
	expect_verdict deviates
done
once both expect_forged
# Reading is one in so many, unless a rule in force says that it weighs as much.
observe both read --policy "$scenario_dir/forge.yaml" -- "$evade/evade_forge" read secret.txt mine.txt
expect_finding tamper libevade_forge.so file.read "$cwd/secret.txt"
expect_verdict deviates
