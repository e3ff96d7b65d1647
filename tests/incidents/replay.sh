#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The recorded logs, judged again by the policy in them: the findings of NAME/expect.json, whatever
# machine this is and wherever the twins are. Who has no log yet is named, and fails.
SCENARIO_TEST=incident.logs
. "$(dirname "${BASH_SOURCE[0]}")/../lib/scenario.sh"
vantage=both
for expect in "$scenario_dir"/*/expect.json; do
	incident=$(basename "$(dirname "$expect")")
	. "$scenario_dir/lib/incident.sh"
	watched=$incident
	log=$scenario_dir/logs/$incident.swl
	expect "there is a log" test -s "$log" || continue
	"$sowatch" replay -q --alerts "$work/alerts.jsonl" --summary "$work/summary.json" "$log" \
		>"$work/out" 2>&1 </dev/null
	status=$?
	check
	[ ! -s "$work/out" ] || fail "replay complains" - <"$work/out"
	incident_findings "$work/alerts.jsonl" "$work/summary.json"
	case $(jq -r .verdict "$work/summary.json") in deviates) want=1 ;; unknown) want=4 ;; *) want=0 ;; esac
	expect "its status is $want" test $status = $want
	"$sowatch" log verify "$log" >"$work/out" 2>&1
	expect "the log is whole" test $? = 0
done
