#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every alert has every field, ids are unique, fingerprints are stable from run to run.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }
strict=$scenario_dir/strict.yaml
shape='.v == 1
	and (.id | test("^[0-9a-f]{8,}$")) and (.fingerprint | test("^[0-9a-f]{16,}$"))
	and (.message | length > 20) and (.expected | length > 0) and (.service | type == "string")
	and (.host | length > 0) and (.uid | type == "number") and (.tid | type == "number")
	and (.policy_hash | test("^[0-9a-f]{32}$"))
	and (.time | test("^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-9:.]+(Z|[+-][0-9:]+)$"))
	and (.kind | IN("deviation", "bypass", "exchange", "sequence", "tamper", "coverage"))
	and (.subject | has("kind") and has("name") and has("path") and has("build_id") and has("package"))
	and (.action | test("^(net|file|exec|env)\\.[a-z]+$")) and (.object | type == "object")
	and (.result | type == "number")
	and (.rule | has("profile") and has("file") and has("line") and has("id"))
	and (.severity | IN("low", "medium", "high", "critical"))
	and (.chain | length > 0 and all(.[]; has("kind") and has("name") and has("offset")))
	and (.call_stack_summary | contains("|"))
	and (.process | (.pid | type == "number") and has("start") and (.exe | startswith("/"))
		and (.argv | type == "array") and (.lineage | type == "array"))
	and .vantage == "shim" and (.attribution | has("method") and has("confidence") and has("reason"))
	and (.count | type == "number" and . >= 1)'

for round in one two; do
	watch $round --service "my service" --policy "$strict" -- \
		"$subjects/spawn_app" system 'cat data.txt; cat data.txt >/dev/null'
	expect "all alerts have all fields" jq -se "length > 1 and all(.[]; $shape)" "$here/alerts.jsonl"
	expect "ids are unique" jq -se '(map(.id) | unique | length) == length' "$here/alerts.jsonl"
	expect "the service has its name" jq -se 'all(.[]; .service == "my service")' "$here/alerts.jsonl"
	expect "the rule points at a line of the policy" jq -se --arg f strict.yaml \
		'all(.[]; (.rule.file | endswith($f)) and .rule.line > 4)' "$here/alerts.jsonl"
	expect_said 'libspawner\.so.*strict\.yaml:[0-9]+'
done
expect "fingerprints are the same in both runs" \
	cmp <(jq -r .fingerprint "$work/run-one/alerts.jsonl" | sort -u) \
	<(jq -r .fingerprint "$work/run-two/alerts.jsonl" | sort -u)
expect "the summary has all fields" jq -e '.v == 1 and (.reasons | type == "array")
	and (.events | type == "number") and .deviations > 0
	and (.coverage | has("lost") and has("uncovered_processes") and has("partial_stacks") and .vantage == "shim")
	and (.unprofiled | type == "array") and (.subjects | length > 0 and all(.[]; has("kind") and has("name") and has("actions")))' \
	"$here/summary.json"

# Known deviations can be silenced by their fingerprints.
jq -r .fingerprint "$here/alerts.jsonl" | sort -u >"$work/baseline"
watch known --policy "$strict" --baseline "$work/baseline" --no-replay -- \
	"$subjects/spawn_app" system 'cat data.txt; cat data.txt >/dev/null'
expect "nothing is told any more" test ! -s "$here/alerts.jsonl"

# What a hostile name contains reaches no terminal.
prepare() { printf hello >$'evil\x1b[31m\nname'; }
watch hostile --policy "$strict" -- "$subjects/open_app" open $'evil\x1b[31m\nname'
expect "an alert was written" test -s "$here/alerts.jsonl"
expect "no escape byte is on standard error" sh -c '! grep -q "$(printf "\033")" "$1"' - "$here/err"
expect "the name is in the alert as it is" jq -se 'any(.[]; .object.path | endswith("evil\u001b[31m\nname"))' \
	"$here/alerts.jsonl"
