#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The healthy uploader is silent; the compromised one is told apart by its peer and by env, both
# charged to the script; the logs judge the same again, also when the scripts are gone.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/act.sh"

failures=0 checks=0
check()
{
	local text=$1
	shift
	checks=$((checks + 1))
	"$@" >"$act_work/check" 2>&1 && return
	failures=$((failures + 1))
	echo "FAILED: $text"
	head -n 20 "$act_work/check" | sed 's/^/    /'
}
# holds FILE JQ-FILTER: for all lines of FILE as one list
holds() { jq -se --arg rogue "$ROGUE_PORT" "$2" "$1" >/dev/null || { cat "$1"; return 1; }; }
has() { grep -qE -- "$1" "$2" || { cat "$2"; return 1; }; }
is() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'"; return 1; }; }

act_begin
out=$act_work/out
mkdir "$out"
(cd "$act_work/project" && bash "$act_dir/healthy/codecov") >"$out/bare" 2>&1
bare=$?
check "bare, the uploader works" is $bare 0

for twin in healthy compromised; do
	act_run $twin "$out" >"$out/$twin.out" 2>"$out/$twin.err"
	check "$twin: exit status as bare" is $? $bare
	check "$twin: output as bare" diff "$out/bare" "$out/$twin.out"
	check "$twin: the vendor got its report" test "$(act_received vendor)" -gt 100
	cp "$act_work/received" "$out/$twin.received"
done

check "healthy: no alert" test ! -s "$out/healthy.jsonl"
check "healthy: clean, nothing missed" holds "$out/healthy.json" \
	'.[0] | .verdict == "clean" and .deviations == 0 and .events > 20'
check "healthy: its connection and programs are its own" holds "$out/healthy.json" \
	'.[0].subjects | any(.kind == "script" and .name == "codecov"
		and .actions["net.connect"] == 1 and .actions["exec.run"] >= 10)'
check "healthy: the rogue got nothing" is "$(grep -c rogue "$out/healthy.received")" 0

check "compromised: the rogue was reached" has '^rogue [1-9]' "$out/compromised.received"
check "compromised: deviates" holds "$out/compromised.json" \
	'.[0] | .verdict == "deviates" and .deviations == 2'
check "compromised: the peer, by curl, charged to the script" holds "$out/compromised.jsonl" \
	'any(.kind == "deviation" and .action == "net.connect" and .subject.kind == "script"
		and .subject.name == "codecov" and .object.address == "127.0.0.66"
		and (.object.port | tostring) == $rogue and .severity == "high"
		and .rule.profile == "codecov-uploader" and (.rule.file | test("codecov")) and .rule.line > 1
		and (.process.exe | endswith("/curl"))
		and ([.chain[].name] | index("curl") < index("codecov")))'
check "compromised: env, charged to the script" holds "$out/compromised.jsonl" \
	'any(.kind == "deviation" and .action == "exec.run" and .subject.kind == "script"
		and .subject.name == "codecov" and (.object.program | endswith("/env"))
		and (.rule.file | endswith("profiles/codecov.yaml")))'
check "compromised: nobody else deviates" holds "$out/compromised.jsonl" \
	'all(.subject.name == "codecov")'
check "compromised: the sentence names script, peer and place" has \
	'codecov.*127\.0\.0\.66.*(codecov|loopback)\.yaml:[0-9]+' "$out/compromised.err"

# Fetched instead of stored it has no name: the same is found, charged to what came from the vendor.
findings()
{
	jq -r '.kind + " " + .subject.kind + " " + .action + " " + (.object.program // .object.address)
		+ " " + .severity + " " + .rule.profile' "$1" | sort
}
findings "$out/compromised.jsonl" >"$out/findings"
for form in substitution pipe; do
	mkdir "$out/$form"
	for twin in healthy compromised; do
		ACT_FORM=$form act_run $twin "$out/$form" >"$out/$form/$twin.out" 2>"$out/$form/$twin.err"
		check "$form, $twin: exit status as bare" is $? $bare
		check "$form, $twin: output as bare" diff "$out/bare" "$out/$form/$twin.out"
		act_replay $twin "$out/$form" >/dev/null 2>&1
		check "$form, $twin: the replay says the same" \
			cmp "$out/$form/$twin.jsonl" "$out/$form/$twin.replay.jsonl"
	done
	check "$form, healthy: no alert" test ! -s "$out/$form/healthy.jsonl"
	check "$form, healthy: clean" holds "$out/$form/healthy.json" '.[0].verdict == "clean"'
	findings "$out/$form/compromised.jsonl" >"$out/$form/findings"
	check "$form, compromised: the file's findings" diff "$out/findings" "$out/$form/findings"
	check "$form, compromised: it came from the vendor" holds "$out/$form/compromised.jsonl" \
		"all(.subject.origin == \"127.0.0.10:$CODECOV_PORT\")"
done

# The log is enough: neither scripts nor policies of the run are asked again.
mv "$act_work/project" "$act_work/gone"
unset CODECOV_PORT
for twin in healthy compromised; do
	act_replay $twin "$out" >"$out/$twin.replay.out" 2>"$out/$twin.replay.err"
	check "$twin: the replay's status tells the verdict" is $? $([ $twin = healthy ] && echo 0 || echo 1)
	check "$twin: the same alerts, byte for byte" cmp "$out/$twin.jsonl" "$out/$twin.replay.jsonl"
	check "$twin: the same summary, byte for byte" cmp "$out/$twin.json" "$out/$twin.replay.json"
done
grep -F 'codecov.yaml:' "$out/compromised.err" | sort >"$out/said"
grep -F 'codecov.yaml:' "$out/compromised.replay.err" | sort >"$out/said.replay"
check "the replay says the same sentences" cmp "$out/said" "$out/said.replay"
check "there are sentences" test -s "$out/said"

if [ $failures != 0 ]; then
	echo "$failures of $checks checks failed"
	echo "repeat: ./test '^incident\\.codecov\$'"
	exit 1
fi
