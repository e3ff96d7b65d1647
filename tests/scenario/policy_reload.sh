#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The policy changes while it judges: in place, by another file in its place, by a new file in a
# directory, by a link that is turned. No event is lost, a broken file changes nothing, and a replay
# changes over where the run did.
. "$(dirname "$0")/../lib/scenario.sh"

need_program "$python" jq

# forbid NAME FILE: guards that forbid reading that file to everybody.
forbid() { printf 'version: 1\nguards: [{name: %s, file: {read: ["**/%s"]}}]\n' "$1" "$2"; }

prepare()
{
	echo 1 >one; echo 2 >two; echo 3 >three
	cat >act.py <<'PY'
import os, time
rounds = 0
while not os.path.exists("stop"):
    for name in "one", "two", "three":
        with open(name) as file:
            file.read()
    rounds += 1
    if rounds % 20 == 0:
        time.sleep(0.002)
print(rounds)
PY
}

# told TEXT N: waits until sowatch has said so more than N times.
told()
{
	local i
	for i in $(seq 100); do
		[ "$(grep -c -- "$1" "$here/err")" -gt "$2" ] && return 0
		sleep 0.1
	done
	fail "sowatch never said \"$1\"" - <"$here/err"
}

# The policy is a directory with a link in it, so that all ways of changing it can be tried.
mkdir -p "$work/policy/.sets/a" "$work/policy/.sets/b"
forbid first one >"$work/policy/main.yaml"

change_it()
{
	local i
	for i in $(seq 100); do
		[ -s "$here/alerts.jsonl" ] && break
		sleep 0.1
	done
	sleep 0.3
	forbid second two >"$work/policy/main.yaml"
	told 'the policy has changed: from here on' 0
	sleep 0.3
	printf 'version: 1\nguards: [{nmae: x}]\n' >"$work/policy/main.yaml"
	told 'is broken' 0
	sleep 0.3
	forbid third three >"$work/policy/.new"
	mv "$work/policy/.new" "$work/policy/main.yaml"
	told 'the policy has changed: from here on' 1
	sleep 0.3
	forbid fourth one >"$work/policy/more.yaml"
	told 'the policy has changed: from here on' 2
	sleep 0.3
	touch "$cwd/stop"
}

here=$work/run-changed
rm -rf "$here"
mkdir -p "$here"
: >"$here/err"
fresh
change_it &
background+=($!)
watched=changed
(cd "$cwd" && exec timeout --foreground -k 5 100 "$sowatch" run --accept shim-only -o "$here/log.swl" \
	--alerts "$here/alerts.jsonl" --summary "$here/summary.json" --vantage "$vantage" \
	-p "$work/policy" -- "$python" act.py) >"$here/out" 2>"$here/err"
status=$?
wait "${background[0]}"
background=()
vantage_got
expect "the command went on undisturbed (exit $status)" test $status = 0
rounds=$(cat "$here/out")
expect "it did something ($rounds)" test "$rounds" -gt 100
expect "nothing was lost" jq -e '.coverage.lost == 0' "$here/summary.json"
expect "every event of the log was judged" test \
	"$(jq '[.subjects[].actions["file.read"] // 0] | add' "$here/summary.json")" = \
	"$("$sowatch" log show --action file.read "$here/log.swl" | wc -l)"
for file in one two three; do
	expect "every reading of $file is in the log" test \
		"$("$sowatch" log show --action file.read "$here/log.swl" | grep -c "/cwd/$file ")" = "$rounds"
done

# Each guard is told, under a hash of its own, one after the other; the first and the fourth forbid
# the same, which is one fingerprint and two policies.
expect "every policy was told of in its turn" diff - <(
	jq -r .rule.id "$here/alerts.jsonl" | uniq | awk '!seen[$0]++') <<<'first
second
third
fourth'
expect "alerts carry the hash of the policy that judged" jq -se '
	[.[] | {id: .rule.id, hash: .policy_hash}] | unique | (map(select(.id == "first")) | length == 1)
	and (map(select(.id == "second")) | length == 1) and (map(.hash) | unique | length == 4)' \
	"$here/alerts.jsonl"
expect "nothing is told twice: counts add up to the deviations" jq -se --slurpfile s "$here/summary.json" '
	(map(.count) | add) == $s[0].deviations' "$here/alerts.jsonl"
expect "the broken file was told like a compiler does" grep -qE \
	'/main\.yaml:2:[0-9]+: error: unknown key "nmae"' "$here/err"
expect "and that it was not taken" grep -q 'the one from before stays in force' "$here/err"
expect_replay_same

# With a policy given by hand that one judges throughout.
forbid first one >"$work/first.yaml"
"$sowatch" replay "$here/log.swl" -p "$work/first.yaml" --accept shim-only \
	--alerts "$work/by-hand.jsonl" --summary "$work/by-hand.json" 2>/dev/null
expect "a policy by hand judges throughout" jq -e --argjson n "$rounds" '.deviations == $n' "$work/by-hand.json"
expect "and is the only one" test "$(jq -r .policy_hash "$work/by-hand.jsonl" | sort -u | wc -l)" = 1
"$sowatch" log verify "$here/log.swl" >"$work/verify" 2>&1
expect "the log is whole" test $? = 0

# A link in the place of the file, as configuration systems do it; and --reload off.
forbid first one >"$work/policy/.sets/a/p.yaml"
forbid second two >"$work/policy/.sets/b/p.yaml"
rm "$work/policy"/*.yaml
ln -sfn .sets/a "$work/policy/..data"
ln -sfn ..data/p.yaml "$work/policy/p.yaml"
turn_link()
{
	local i
	for i in $(seq 200); do
		[ -s "$work/link-$1" ] && break
		sleep 0.1
	done
	ln -sfn .sets/b "$work/policy/..new"
	mv -T "$work/policy/..new" "$work/policy/..data"
	for i in $(seq 50); do
		grep -q second "$work/link-$1" && break
		[ "$1" = on ] || [ "$i" -lt 15 ] || break
		sleep 0.1
	done
	touch "$cwd/stop"
}
for reload in on off; do
	ln -sfn .sets/a "$work/policy/..data"
	fresh
	turn_link $reload &
	background=($!)
	(cd "$cwd" && exec timeout --foreground -k 5 100 "$sowatch" run -q --reload $reload --vantage "$vantage" \
		-o "$work/link.swl" --alerts "$work/link-$reload" -p "$work/policy" -- "$python" act.py) >/dev/null 2>&1
	wait "${background[0]}"
	background=()
	rm -f "$work/link.swl"
done
expect "a link that is turned is noticed" diff - <(jq -r .rule.id "$work/link-on" | uniq) <<<'first
second'
expect "--reload off keeps the first policy" test "$(jq -r .rule.id "$work/link-off" | sort -u)" = first
