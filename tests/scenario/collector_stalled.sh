#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The collector is stopped while the service floods: the service goes on, every loss is counted.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }
fresh
here=$work/run
mkdir -p "$here"
(cd "$cwd" && exec "$sowatch" run --vantage shim --accept shim-only -p "$root/policies" -p "$scenario_dir/strict.yaml" \
	-o "$here/log.swl" --alerts "$here/alerts.jsonl" --summary "$here/summary.json" \
	-- "$subjects/ticker" data.txt "$here/output" "$here/go") >"$here/out" 2>"$here/err" </dev/null &
collector=$!
background+=($collector)
expect "the service begins" wait_until 10 grep -q begin "$here/output"
kill -STOP $collector
began=$(date +%s%N)
touch "$here/go"
wait_until 20 grep -q 'child' "$here/output"
took_ms=$((($(date +%s%N) - began) / 1000000))
kill -CONT $collector
wait $collector
status=$?
echo "100 000 opens beside a stopped collector took $took_ms ms"
expect "it was not slowed down by more than a few seconds ($took_ms ms)" test $took_ms -lt 5000
expect "it did all of its work" cmp -s "$here/output" <(printf 'begin\nchild 42\nshell 7\ndone\n')
expect "its exit status came through ($status)" test $status = 0

seen=$(seen_count libopener.so file.read) lost=$(lost_count)
echo "seen $seen, lost $lost"
expect "something was lost, or this shows nothing" test "$lost" -gt 0
expect "seen ($seen) and lost ($lost) make at least what libopener did" test $((seen + lost)) -ge 100002
expect_hole
expect_said 'lost'
expect_replay_same
