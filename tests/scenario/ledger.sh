#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The ledger says what was lost: of which family, in whose ring, how many and when; and which process
# ran without the shim, why, and who started it. For programs and for people.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

# hole KIND JQ-FILTER: one hole of that kind for which the filter holds, noticed during the run.
hole()
{
	check
	jq -e --arg k "$1" --arg began "$began" --arg over "$(date -u +%Y-%m-%dT%H:%M:%S.999999999Z)" \
		'[.holes[] | select(.kind == $k) | select('"$2"')
		| select($began <= .first and .first <= .last and .last <= $over)] | length >= 1' \
		"$here/summary.json" >/dev/null || fail "expected a hole $1: $2" - < <(jq -c '.holes[]' "$here/summary.json")
}

began=$(date -u +%Y-%m-%dT%H:%M:%S.000000000Z)
moment='20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-9:.]+Z'

if has_shim && ! has_kernel; then
	watch lost --ring 64 --wait 0 --any-stderr -- "$subjects/flood" data.txt 4 100000
	expect_verdict unknown
	hole lost '.family == "file" and .count > 0 and .pid > 0 and (.exe | endswith("/flood"))'
	expect_said "records were lost because the ring was full, [0-9]+ times, family file, in process [0-9]+ .*/flood, (at|from) $moment"
	check
	[ "$(jq '[.holes[] | select(.kind == "lost") | .count] | add' "$here/summary.json")" = "$(lost_count)" ] ||
		fail "the sum is another" - < <(jq -c '.coverage, .holes' "$here/summary.json")
fi

if has_shim; then
	watch uncovered -- "$subjects/evade/evade_scrub" libc "$subjects/evade/evade_plain_static" data.txt
	hole uncovered '.reason == "static" and (.what | endswith("/evade_plain_static"))'
	check
	jq -e '[.coverage.uncovered_processes[] | select(.reason == "static" and .pid > 0
		and .started_by.kind == "library" and .started_by.name == "libevade_scrub.so")] | length == 1' \
		"$here/summary.json" >/dev/null || fail "who started it?" - < <(jq -c .coverage "$here/summary.json")
	has_kernel || expect_said 'a process ran without the shim: .*/evade_plain_static \(static\), started by library libevade_scrub.so'
else
	watch kernel -- "$subjects/evade/evade_plain_static" data.txt
	expect_clean
fi
