#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `sowatch policy test` and `policy explain` at the command line: what they print and answer, a log as
# a case, and that what an explanation proposes silences the very deviation in a replay.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }
watch opened --policy "$scenario_dir/strict.yaml" -- "$subjects/traps_app" itself
expect_deviation libtraps.so file.read /etc/passwd
log=$here/log.swl
policies=(-p "$root/policies" -p "$scenario_dir/strict.yaml")

# answers STATUS COMMAND...: its output in $work/said
answers()
{
	local want=$1 got
	shift
	check
	"$@" >"$work/said" 2>&1
	got=$?
	[ "$got" = "$want" ] || fail "$* answers $got, not $want" - <"$work/said"
}
says() { check; grep -qE -- "$1" "$work/said" || fail "expected '$1'" - <"$work/said"; }

# --- explain -----------------------------------------------------------------------------------------
id=$(jq -r 'select(.action == "file.read") | .id' "$here/alerts.jsonl" | head -n 1)
fingerprint=$(jq -r 'select(.action == "file.read") | .fingerprint' "$here/alerts.jsonl" | head -n 1)
number=$("$sowatch" log show --action file.read "$log" | sed -nE 's/.*passwd .* #([0-9]+)$/\1/p' | head -n 1)
expect "the event has a number ($number)" test -n "$number"
for event in "$id" "$fingerprint" "$number" "#$number"; do
	answers 0 "$sowatch" policy explain "$log" "$event"
	says 'deviates: library libtraps.so; allowed is file: none'
	says 'charged +library libtraps.so'
	says 'skipped +library libc.so.6|charged +library libtraps.so'
	says 'asked +subject-libraries by path'
	says 'near +grant: /etc/passwd; it holds only inside getpw'
done
answers 0 "$sowatch" policy explain "${policies[@]}" --format json "$log" "$number"
expect "the JSON is whole" jq -e '.v == 1 and .event.object.path == "/etc/passwd"
	and .outcomes[0].outcome == "deviates" and (.chain | length) > 0 and (.rules | length) > 0' "$work/said"
jq -r .mend "$work/said" >"$work/mend.yaml"
answers 0 "$sowatch" policy check "$root/policies" "$scenario_dir/strict.yaml" "$work/mend.yaml"
"$sowatch" replay -q "${policies[@]}" -p "$work/mend.yaml" --accept shim-only --alerts "$work/mended" "$log"
expect "with it the deviation is gone" sh -c '! grep -q /etc/passwd "$1"' - "$work/mended"

answers 2 "$sowatch" policy explain "$log" 999999
says 'is not among them'
answers 2 "$sowatch" policy explain "$log" 0123456789abcdef0123456789abcdef
says 'no alert of .* has the id or fingerprint'
answers 2 "$sowatch" policy explain "$log" first
answers 2 "$sowatch" policy explain "$log"
answers 2 "$sowatch" policy explain "$work/none.swl" 1
head -c 300 "$log" >"$work/torn.swl"
answers 2 "$sowatch" policy explain "$work/torn.swl" 1
says 'has 0 events'
head -c 5000 /dev/zero >"$work/zero.swl"
answers 3 "$sowatch" policy explain "$work/zero.swl" 1

# --- cases -----------------------------------------------------------------------------------------
mkdir "$work/cases"
cp "$log" "$work/cases/one.swl"
cat >"$work/cases/log.yaml" <<'YAML'
version: 1
cases:
  - name: the recorded run
    log: one.swl
    expect:
      verdict: deviates
      alerts:
        - {subject: libtraps.so, action: file.read, object: /etc/pass*, profile: subject-libraries, count: 1}
YAML
answers 0 "$sowatch" policy test -v "${policies[@]}" "$work/cases"
says 'log.yaml:3:5: passed: the recorded run'
sed -i 's/verdict: deviates/verdict: clean/' "$work/cases/log.yaml"
answers 1 "$sowatch" policy test "${policies[@]}" "$work/cases"
says 'log.yaml:3:5: failed: the recorded run'
says 'the verdict is deviates'
sed -i 's/verdict: clean/verdict: deviates/; s/count: 1/count: 2/' "$work/cases/log.yaml"
answers 1 "$sowatch" policy test "${policies[@]}" "$work/cases"
says 'no alert is as line [0-9]+ expects'
sed -i 's/one.swl/two.swl/' "$work/cases/log.yaml"
answers 2 "$sowatch" policy test "${policies[@]}" "$work/cases"
says 'two.swl'

cat >"$work/one.yaml" <<'YAML'
version: 1
cases:
  - name: liblzma reads
    chain: [liblzma.so.5, app]
    action: file.read
    object: /etc/passwd
    expect: allowed
YAML
answers 1 "$sowatch" policy test -p "$root/policies" "$work/one.yaml"
says 'one.yaml:3:5: failed: liblzma reads'
says 'expected: +allowed'
says 'actual: +deviates: library liblzma.so.5; profile liblzma at .*compression.yaml:[0-9]+'
answers 1 "$sowatch" policy test --format json "$work/one.yaml"
expect "the report says so" jq -e '.failed == 1 and .cases[0].line == 3' "$work/said"
sed -i 's/liblzma.so.5/liblzma.so.55/' "$work/one.yaml"
answers 2 "$sowatch" policy test "$work/one.yaml"
says 'no profile matches library "liblzma.so.55"'
sed -i 's/action:/acton:/' "$work/one.yaml"
answers 2 "$sowatch" policy test "$work/one.yaml"
says 'one.yaml:5:5: error: unknown key "acton" \(did you mean "action"\?\)'
answers 2 "$sowatch" policy test "$work/nothing"
mkdir "$work/empty"
answers 2 "$sowatch" policy test "$work/empty"
mkfifo "$work/pipe.yaml"
answers 2 timeout 10 "$sowatch" policy test "$work/pipe.yaml"
answers 0 "$sowatch" policy test
says '^[0-9]+ passed, 0 failed$'
