#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A log stands alone: it replays without the watched files, and under another policy.
. "$(dirname "$0")/../lib/scenario.sh"

prepare()
{
	echo hello >data.txt
	mkdir -p tests/subjects
	cp "$subjects/chain_app" "$subjects/libmid.so" "$subjects/libleaf.so" tests/subjects/
}

watch original --policy "$scenario_dir/strict.yaml" -- env LD_LIBRARY_PATH="$cwd/tests/subjects" \
	"$cwd/tests/subjects/chain_app" open data.txt
expect_deviations 1 libleaf.so file.read "$cwd/data.txt"
rm -rf "$cwd" "$work/home"
expect_replay_same
rm -f "$here/replay.jsonl"
expect_replay_same

# Another policy, another answer, from the same log.
cat >"$work/allow.yaml" <<YAML
version: 1
profiles:
  - name: everything
    match: {library: "**/tests/subjects/**.so"}
    reason: allows what strict.yaml forbids
    file: any
    exec: any
YAML
"$sowatch" replay "$here/log.swl" -p "$root/policies" -p "$work/allow.yaml" --accept shim-only \
	--summary "$work/other.json" >/dev/null 2>"$work/other.err"
status=$?
expect "the other policy finds nothing (exit $status)" test $status = 0
expect "its summary says so" jq -e '.deviations == 0 and .verdict == "clean"' "$work/other.json"
"$sowatch" replay "$here/log.swl" -p "$root/policies" -p "$scenario_dir/strict.yaml" --accept shim-only \
	--alerts "$work/same.jsonl" >/dev/null 2>&1
expect "the policy of the day, given by hand, finds the same" \
	cmp <(jq -c '[.fingerprint, .subject.name, .object]' "$here/alerts.jsonl") \
	<(jq -c '[.fingerprint, .subject.name, .object]' "$work/same.jsonl")

# Verbs that look at a log.
"$sowatch" log verify "$here/log.swl" >"$work/verify" 2>&1
expect "verify is content" test $? = 0
"$sowatch" log show "$here/log.swl" >"$work/show" 2>&1
expect "show names the library and the file" grep -qE 'libleaf\.so.*data\.txt|data\.txt.*libleaf\.so' "$work/show"
"$sowatch" log stats "$here/log.swl" >"$work/stats" 2>&1
expect "stats counts" grep -q '[1-9]' "$work/stats"

# Damage is found, a torn tail is cut off and told.
size=$(stat -c %s "$here/log.swl")
cp "$here/log.swl" "$work/damaged.swl"
printf 'XXXXXXXX' | dd of="$work/damaged.swl" bs=1 seek=$((size / 2)) conv=notrunc status=none
"$sowatch" replay "$work/damaged.swl" --accept shim-only >/dev/null 2>"$work/damaged.err"
status=$?
expect "a damaged log is called damaged (exit $status)" test $status = 3
"$sowatch" log verify "$work/damaged.swl" >/dev/null 2>&1
status=$?
expect "verify finds it too (exit $status)" test $status = 3
head -c $((size - 7)) "$here/log.swl" >"$work/torn.swl"
"$sowatch" replay "$work/torn.swl" --accept shim-only --summary "$work/torn.json" >/dev/null 2>"$work/torn.err"
status=$?
expect "a torn log is never clean (exit $status)" test $status = 4 -o $status = 1
expect "the summary names the hole" jq -e 'any(.holes[]; .kind == "torn")' \
	"$work/torn.json"
