#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The path is rewritten, or a symlink swapped, while the file is being opened: what is recorded is what was opened.
. "$(dirname "$0")/lib.sh"

rounds=4000
prepare() { echo decoy >name.a; echo secret >name.b; }

# truth: what the subject really got, as it says itself by the contents; sets $decoy and $secret
truth()
{
	read -r _ decoy _ secret < <(grep '^decoy ' "$here/err")
	check
	[ "$((decoy + secret))" = $rounds ] || fail "the subject told no truth" - <"$here/err"
}

acts()
{
	observe $1 path --any-stderr --policy "$scenario_dir/none.yaml" -- \
		"$evade/evade_phantom" path name.a name.b $rounds
	truth
	$2
	observe $1 link --any-stderr --policy "$scenario_dir/none.yaml" -- \
		"$evade/evade_phantom" link name.a name.b $rounds name.link
	truth
	$2
}

# The shim sees the argument, not the file: no wrong word about it, as long as it is not clean.
not_clean()
{
	check
	[ "$(jq -r .verdict "$here/summary.json")" != clean ] || fail "the verdict is clean"
}

exact()
{
	expect_deviations "$decoy" libevade_phantom.so file.read "$cwd/name.a"
	expect_deviations "$secret" libevade_phantom.so file.read "$cwd/name.b"
	expect_count libevade_phantom.so file.read $rounds
}

acts shim not_clean
need_vantage both
acts both exact
expect "both files were opened in the race" test "$decoy" -gt 0 -a "$secret" -gt 0
need_vantage kernel
acts kernel exact
