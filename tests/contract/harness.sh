#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The tests' own tools: every expectation holds where it should, and fails where it should.
. "$(dirname "$0")/../lib/scenario.sh"

here=$work/run
mkdir -p "$here"
cat >"$here/summary.json" <<'JSON'
{"v":1,"verdict":"deviates","reasons":[],"events":9,"deviations":5,
 "coverage":{"lost":0,"uncovered_processes":[{"exe":"/x/static-one"}],"partial_stacks":0,"vantage":"shim"},
 "subjects":[{"kind":"library","name":"libone.so","actions":{"file.read":4}},
  {"kind":"library","name":"libone.so","actions":{"file.read":1,"net.connect":2}}]}
JSON
cat >"$here/alerts.jsonl" <<'JSON'
{"kind":"deviation","subject":{"name":"libone.so"},"action":"file.read","object":{"path":"/data"},"chain":[{"name":"libone.so"},{"name":"app"}],"attribution":{"method":"exact"},"count":1}
{"kind":"deviation","subject":{"name":"libone.so"},"action":"file.read","object":{"path":"/data"},"chain":[{"name":"libone.so"},{"name":"app"}],"attribution":{"method":"exact"},"count":3}
{"kind":"deviation","subject":{"name":"libone.so"},"action":"net.connect","object":{"address":"127.0.0.1","port":80},"chain":[{"name":"libone.so"}],"attribution":{"method":"inferred"},"count":1}
{"kind":"coverage","subject":{"name":"libtwo.so"},"action":"file.read","object":{"path":"/other"},"chain":[],"attribution":{"method":"exact"},"count":1}
JSON
echo "sowatch: a sentence" >"$here/err"

# failed COMMAND...: how often the expectation said FAILED; its own counters stay in the subshell.
failed() { ("$@") 2>&1 | grep -c '^FAILED'; }
holds() { check; [ "$(failed "$@")" = 0 ] || fail "this should hold: $*"; }
breaks() { check; [ "$(failed "$@")" = 1 ] || fail "this should fail: $*"; }
trap - EXIT # not in the subshells above
trap_back() { trap scenario_end EXIT; }

holds expect_event libone.so file.read 5
breaks expect_event libone.so file.read 6
breaks expect_event libtwo.so file.read
holds expect_count libone.so file.read 5
breaks expect_count libone.so file.read 4
holds expect_no_event libtwo.so file.read
breaks expect_no_event libone.so net.connect
holds expect_deviation libone.so file.read /data
holds expect_deviation libone.so net.connect 127.0.0.1:80
breaks expect_deviation libone.so file.read /dat
breaks expect_deviation libone.so file.read /data '^app'
breaks expect_deviation libtwo.so file.read /other
holds expect_deviations 4 libone.so file.read /data '^libone.so\|app'
breaks expect_deviations 3 libone.so file.read /data
breaks expect_deviations 5 libone.so file.read /data
breaks expect_no_deviation
breaks expect_no_deviation libone.so
holds expect_no_deviation libtwo.so
holds expect_alert "a port is there" '.object.port == 80'
breaks expect_alert "another port is there" '.object.port == 81'
breaks expect_alert "the filter is valid" '.object.port =='
breaks expect_attribution exact
holds expect_verdict deviates
breaks expect_verdict clean
holds expect_uncovered static-one
breaks expect_uncovered static-two
breaks expect_covered
breaks expect_hole
holds expect_said 'a sentence'
breaks expect_said 'another'
breaks expect_not_said 'a sentence'
holds expect "true is true" true
breaks expect "false is true" false

# Without any output of the product nothing but absence may hold.
here=$work/nothing
mkdir -p "$here"
breaks expect_event libone.so file.read
breaks expect_deviation libone.so file.read /data
breaks expect_no_deviation
breaks expect_verdict clean
breaks expect_covered
breaks expect_hole

# watch sees every difference a watched command could notice.
sowatch=$work/fake
pretend()
{
	printf '#!/bin/bash\n%s\n' "$1" >"$sowatch"
	chmod +x "$sowatch"
	(watch pretend --no-replay -- sh -c 'echo out; echo error >&2; exit 3') 2>&1 | grep -c '^FAILED'
}
run='[ "$1" = run ] || exit 9; for a; do [ "$p" != --summary ] || echo "{\"verdict\":\"clean\",\"coverage\":{\"vantage\":\"${took:-shim}\"}}" >"$a"; p=$a; done;'
expect "a faithful run passes" test "$(pretend "$run echo out; echo error >&2; exit 3")" = 0
expect "another status is seen" test "$(pretend "$run echo out; echo error >&2; exit 4")" = 1
expect "other output is seen" test "$(pretend "$run echo out2; echo error >&2; exit 3")" = 1
expect "missing errors are seen" test "$(pretend "$run echo out; exit 3")" = 1
expect "a missing summary is seen" test "$(pretend "echo out; echo error >&2; exit 3")" = 1
expect "another vantage than the one asked for is seen" \
	test "$(pretend "took=both; $run echo out; echo error >&2; exit 3")" = 1
refusal='echo "sowatch: --vantage both is not possible here: no probes" >&2; exit 2'
asked()
{
	(vantage_wanted=both; trap - EXIT; pretend "$1" >/dev/null; watch asked -- true >/dev/null 2>&1; echo 0)
}
asked "$refusal" >/dev/null
expect "that the probes cannot be had is a reason to skip" test $? = 77
expect "to fail over something else is none" test "$(asked 'exit 2')" = 0

# Under the kernel alone what it cannot see is not asked for, all else is; losses are made up for.
here=$work/run
vantage=kernel
holds expect_event libone.so env.read
breaks expect_event libone.so file.read 6
holds expect_covered
breaks expect_deviations 5 libone.so file.read /data
breaks expect_deviations 3 libone.so file.read /data
sed -i 's/"lost":0/"lost":1/' "$here/summary.json"
holds expect_deviations 5 libone.so file.read /data
breaks expect_deviations 6 libone.so file.read /data
breaks expect_deviations 3 libone.so file.read /data
vantage=both
breaks expect_event libone.so env.read
breaks expect_deviations 5 libone.so file.read /data
holds expect_shim_hole static-one
sed -i 's/"verdict":"deviates"/"verdict":"unknown"/' "$here/summary.json"
breaks expect_shim_hole static-one
vantage=shim
holds expect_shim_hole static-one
watched='' here=$work
trap_back
