#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bad input gets a clear error and the promised exit status, and the command does not run.
. "$(dirname "$0")/../lib/scenario.sh"

fresh
cd "$cwd"
mkdir "$work/run"
here=$work/run
: >"$here/summary.json"

# try STATUS REGEX ARG...: sowatch ARG... ends so, and says so.
try()
{
	local want=$1 said=$2 got
	shift 2
	watched="sowatch $*"
	"$sowatch" "$@" >"$here/out" 2>"$here/err" </dev/null
	got=$?
	check
	[ $got = "$want" ] || fail "exit status $got, expected $want" - <"$here/err"
	expect_said "$said"
}

try 127 'no-such-command' run -o log1 -- no-such-command
try 127 '/nonexistent/command' run -o log2 -- /nonexistent/command
touch not-executable
try 126 'not-executable' run -o log3 -- ./not-executable
try 2 'command|usage|Usage' run
try 2 'frobnicate' frobnicate
try 2 'frobnicate' run --frobnicate -- touch ran
try 2 'sometimes' run --fail-on sometimes -- touch ran
try 2 'no-such-policy.yaml' run -p no-such-policy.yaml -- touch ran
try 2 '/nonexistent/dir/log.swl' run -o /nonexistent/dir/log.swl -- touch ran
try 2 '/nonexistent/dir/alerts' run -o log4 --alerts /nonexistent/dir/alerts -- touch ran
try 2 '/nonexistent/dir/summary' run -o log5 --summary /nonexistent/dir/summary -- touch ran
try 2 'no-such-log.swl' replay no-such-log.swl
try 2 'log|usage|Usage' replay
head -c 4096 /dev/urandom >garbage.swl
try 3 'garbage.swl' replay garbage.swl
: >empty.swl
"$sowatch" replay empty.swl >/dev/null 2>"$here/err"
expect "an empty log is not clean" test $? != 0

# All errors of a policy in one go, each with place, source line and caret.
cat >broken.yaml <<'YAML'
version: 1
profiles:
  - name: first
    match: {library: "libfoo.so*"}
    netwerk: none
  - name: second
    match: {library: "libbar.so*"}
    network:
      connect:
        - {to: ["10.0.0.0/99"], ports: [99999]}
YAML
try 2 '^broken.yaml:5:5: error: .*netwerk' run -p broken.yaml -- touch ran
expect_said 'did you mean .?network'
expect_said '^broken.yaml:10:[0-9]+: error: .*10\.0\.0\.0/99'
expect_said '^broken.yaml:10:[0-9]+: error: .*99999'
expect_said '^ *(5 *\|)? *netwerk: none'
expect_said '^[ |]*\^'
try 2 '^broken.yaml:5:5: error' policy check broken.yaml
printf 'version: 1\nprofiles: [\n' >torn.yaml
try 2 '^torn.yaml:[0-9]+:[0-9]+: error' run -p torn.yaml -- touch ran
printf 'version: 1\n\xff\xfe\n' >bytes.yaml
try 2 '^bytes.yaml:[0-9]+' run -p bytes.yaml -- touch ran
printf 'version: 1\nprofiles:\n  - &a {name: x, match: {library: y}}\n  - *a\n' >alias.yaml
try 2 '^alias.yaml:[0-9]+:[0-9]+: error' run -p alias.yaml -- touch ran
printf 'version: 1\nversion: 1\n' >twice.yaml
try 2 '^twice.yaml:2:1: error' run -p twice.yaml -- touch ran
printf 'version: 1\nprofiles:\n  - name: v\n    match: {library: x}\n    file: {read: ["${SCENARIO_NOT_SET}/x"]}\n' >unset.yaml
try 2 '^unset.yaml:5:[0-9]+: error: .*SCENARIO_NOT_SET' run -p unset.yaml -- touch ran
expect "none of the commands was run" test ! -e ran

# What never ran was never judged.
"$sowatch" run -o "$here/no/such/directory/log.swl" --summary "$here/unstarted.json" -- /bin/true 2>/dev/null
expect "a summary of nothing is not clean" bash -c "! grep -q '\"clean\"' '$here/unstarted.json' 2>/dev/null"
