#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A forked child that never says hello: the parent told of it, so its silence is a hole. The kernel's
# side sees what it did, and whom it cannot name.
. "$(dirname "$0")/lib.sh"

prepare() { echo secret >secret.txt; }

for way in killed starved; do
	observe shim $way --accept shim-only --no-replay -- "$evade/evade_mute" $way secret.txt
	expect_replay_same
	expect_verdict unknown
	expect_uncovered evade_mute
	check
	jq -e '[.holes[] | select(.kind == "uncovered" and .reason == "no hello")] | length == 1' \
		"$here/summary.json" >/dev/null || fail "one child never spoke" - < <(jq -c .holes "$here/summary.json")
done

need_vantage both
observe both killed -- "$evade/evade_mute" killed secret.txt
expect_no_deviation
observe both starved -- "$evade/evade_mute" starved secret.txt
expect_logged 1 " file.read $cwd/secret.txt = "
expect_verdict unknown
need_vantage kernel
observe kernel starved -- "$evade/evade_mute" starved secret.txt
expect_logged 1 " file.read $cwd/secret.txt = "
expect_event libopener.so file.read
