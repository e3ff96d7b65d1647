#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The command's own exit status goes through; --fail-on lets the verdict speak instead.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }
strict=$scenario_dir/strict.yaml

for wanted in 0 1 2 42 255; do
	watch exit-$wanted --status $wanted -- sh -c "exit $wanted"
done
watch term --status 143 --any-stderr -- sh -c 'kill -TERM $$'
watch segv --status 139 --any-stderr -- sh -c 'kill -SEGV $$'
watch fail-clean --fail-on deviates --status 0 -- true
watch fail-deviates --fail-on deviates --policy "$strict" --no-bare --status 1 -- \
	"$subjects/open_app" open data.txt
watch fail-unknown --fail-on unknown --no-bare --status 4 -- "$subjects/fixed_static" data.txt
watch fail-missed --fail-on deviates --no-bare --status 5 -- "$subjects/fixed_static" data.txt

# Without --accept the missing kernel side alone makes it unknown.
fresh
here=$work/run-shim-only
mkdir "$here"
"$sowatch" run --vantage shim -o "$here/log.swl" --summary "$here/summary.json" -- true 2>"$here/err"
expect_verdict unknown

# Standard input and output belong to the command.
head -c 300000 /dev/urandom >"$work/input"
watch stdin --stdin "$work/input" -- sh -c 'cat; echo error >&2'
expect "what went in came out" cmp -s "$work/input" "$here/out"

# A signal to sowatch reaches the command.
"$sowatch" run --vantage shim -o "$work/log-term.swl" -- \
	sh -c 'trap "exit 9" TERM; echo up >"$1"; while :; do sleep 0.05; done' - "$work/up" 2>/dev/null &
pid=$!
wait_until 10 test -s "$work/up"
kill -TERM $pid
wait $pid
status=$?
expect "the command was told to end, and its status came through ($status)" test $status = 9
