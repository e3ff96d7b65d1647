#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is taken when nobody says who shall watch: both where the probes attach, else the shim alone,
# with the reason, and the command runs either way.
. "$(dirname "$0")/lib.sh"

need_root
need_program setpriv
bounded=(setpriv --bounding-set=-sys_admin,-bpf,-perfmon --inh-caps=-all)
"${bounded[@]}" true 2>/dev/null || skip "capabilities cannot be taken away here"

# take NAME WANTED [WRAPPER]...: the command does its work, WANTED watched, and stderr says so.
take()
{
	watched=$1 here=$work/run-$1
	local wanted=$2
	mkdir -p "$here"
	shift 2
	(cd "$here" && "$@" "$sowatch" run -o log.swl --summary summary.json -- sh -c 'echo done; exit 3') \
		>"$here/out" 2>"$here/err" </dev/null
	expect "the command's status is its own" test $? = 3
	expect "the command ran" grep -qx 'done' "$here/out"
	expect "$wanted watched" test "$(jq -r .coverage.vantage "$here/summary.json")" = "$wanted"
	expect "it is said" grep -qE "^sowatch: vantage: $wanted( \(..*\))?\$" "$here/err"
}

take bounded shim "${bounded[@]}"
expect "with the reason" grep -qE '^sowatch: vantage: shim \(..*\)$' "$here/err"
expect_verdict unknown
need_vantage both
take free both env
expect_verdict clean
