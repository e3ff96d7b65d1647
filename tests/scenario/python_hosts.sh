#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Python inside a C program: its own strings are the program's, packages are packages; so they are in
# a sub-interpreter. An interpreter that was shut down and started again is a hole.
. "$(dirname "$0")/../lib/scenario.sh"
. "$root/tests/lib/python.sh"
need_program openssl
need_subject python_host

library=$(ls /usr/lib/x86_64-linux-gnu/libpython3.1[0-9].so.1.0 2>/dev/null | head -n 1)
[ -n "$library" ] || skip "no libpython is installed"
site=$work/env/lib/python3/site-packages
dist_install "$site" flow-demo 1.0 flow_demo
echo secret >"$work/secret"
host() { watch "$1" --no-bare --status 0 --policy "$scenario_dir/python.yaml" -- \
	"$subjects/python_host" "$1" "$site" "$work/secret" "$library"; }

for way in string call sub; do
	host "$way"
	has_shim || continue
	expect_deviations 1 flow-demo file.read "$work/secret"
	expect_chain file.read "$work/secret" '^libpython3[^|]*\|flow-demo\|.*python_host'
	expect_no_deviation python_host
done
# What a string of the host's does is the host's.
! has_shim || expect_event python_host file.read

host twice
if has_shim; then
	expect_deviation flow-demo file.read "$work/secret"
	check
	jq -e '[.holes[]? // .coverage.holes[]? | select(.hole == "python" or .kind == "python")] | length > 0' \
		"$here/summary.json" >/dev/null || fail "the second interpreter is no hole" - < <(jq -c . "$here/summary.json")
fi

# An interpreter that exports nothing to read its frames by is only known by its name.
cp /bin/true "$work/python3"
watch nameless --no-bare --status 0 -- "$work/python3"
expect_verdict unknown
expect_said 'Python code ran whose frames were not told.*(does not export|no shim)'
