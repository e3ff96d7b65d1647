#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every verb is in --help with its line, and has a --help of its own.
. "$(dirname "$0")/../lib/scenario.sh"

"$sowatch" --help >"$work/help" 2>"$work/help.err"
expect "--help succeeds" test $? = 0
expect "--help speaks on standard output" test -s "$work/help"
"$sowatch" --version >"$work/version" 2>&1
expect "--version succeeds" test $? = 0
expect "--version has a number" grep -qE '[0-9]+\.[0-9]+' "$work/version"
count=0
while IFS='|' read -r verb line; do
	count=$((count + 1))
	expect "$verb is in --help with its line" grep -qE "^ *$verb +${line:0:30}" "$work/help"
	"$sowatch" "$verb" --help >"$work/verb" 2>&1
	expect "$verb --help succeeds" test $? = 0
	expect "$verb --help names the verb" grep -q "sowatch $verb" "$work/verb"
	for option in $(sed -nE 's/^ *(-[a-z], )?(--[a-z-]+).*/\2/p' "$work/verb"); do
		"$sowatch" "$verb" $option-wrong >/dev/null 2>"$work/wrong"
		expect "$verb rejects $option-wrong" test $? = 2
	done
done < <(sed -nE 's/^VERB\(([a-z]+), [a-z_]+, "(.*)"\)/\1|\2/p' "$root/collector/cli/verbs.tbl.h")
expect "the table of verbs was read" test $count -ge 5
for option in policy vantage alerts summary fail-on accept service; do
	expect "run has --$option" grep -q -- "--$option" <("$sowatch" run --help 2>&1)
done
for option in policy alerts summary; do
	expect "replay has --$option" grep -q -- "--$option" <("$sowatch" replay --help 2>&1)
done
