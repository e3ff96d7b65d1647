#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A fork bomb of 2 000 processes that are all alive at once.
. "$(dirname "$0")/lib.sh"

[ -n "$evade_emulated" ] && count=200 || count=2000
prepare() { echo hello >data.txt; }

everyone()
{
	expect "all of them came to be" grep -qx "did it: $count" "$here/out"
	expect_deviations $count libopener.so file.read "$cwd/data.txt" '^libopener.so\|evade_bomb'
	expect_covered
	expect "nothing was lost" test "$(lost_count)" = 0
}

observe shim bomb --policy "$scenario_dir/none.yaml" -- "$evade/evade_bomb" $count data.txt
everyone
need_vantage both
observe both bomb --policy "$scenario_dir/none.yaml" -- "$evade/evade_bomb" $count data.txt
everyone
