#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The collector is killed while the service runs: the service must not be harmed.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }
fresh
mkdir -p "$work/run"
(cd "$cwd" && exec "$sowatch" run --vantage shim -p "$root/policies" -p "$scenario_dir/strict.yaml" \
	-o "$work/run/log.swl" -- "$subjects/ticker" data.txt "$work/run/output" "$work/run/go") \
	>"$work/run/out" 2>"$work/run/err" </dev/null &
collector=$!
expect "the service begins" wait_until 10 grep -q begin "$work/run/output"
sleep 0.3
kill -KILL $collector
wait $collector 2>/dev/null
started=$(date +%s%N)
touch "$work/run/go"
expect "the service ends properly" wait_until 30 grep -q done "$work/run/output"
took_ms=$((($(date +%s%N) - started) / 1000000))
echo "100 000 opens without a collector took $took_ms ms"
expect "it was not slowed down by more than a second or so ($took_ms ms)" test $took_ms -lt 3000
expect "it did all of its work" cmp -s "$work/run/output" <(printf 'begin\nchild 42\nshell 7\ndone\n')
# What was written until then replays, and says that the end is missing.
"$sowatch" replay "$work/run/log.swl" --accept shim-only --summary "$work/run/summary.json" \
	2>"$work/run/replay.err" >/dev/null
replayed=$?
here=$work/run
expect_event libopener.so file.read
expect "replay does not call it clean (exit $replayed)" test $replayed = 1 -o $replayed = 4
expect "the log says it was cut off" grep -qiE 'torn|cut|end' "$work/run/replay.err"
