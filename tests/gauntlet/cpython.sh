#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# CPython's own test modules have the same outcome, test by test, bare and watched. The modules are
# those given, or the quick ones; see CMakeLists.txt for the long ones.
. "$(dirname "$0")/lib.sh"

[ $# -gt 0 ] || set -- test_os test_threading test_subprocess
[ "$(readlink -f "$python")" = /usr/bin/python3.11 ] || skip "Debian's python3.11 is not here"
"$python" -c 'import test.support.testresult, test.libregrtest' 2>/dev/null ||
	skip "libpython3.11-testsuite is not installed"

watch vantage --status 0 -- true
# Away from the sources, where it would leave its compiled self.
mkdir "$work/runner"
cp "$scenario_dir/cpython/__main__.py" "$work/runner/"

for module; do
	watched=$module here=$work/$module
	mkdir -p "$here"
	check
	"$python" "$scenario_dir/cpython/compare.py" "$here" "$python" "$work/runner" "$module" \
		"$sowatch" run --accept shim-only --vantage "$vantage" -o "{}.swl" --summary "{}.json" \
		-- >"$here/told" 2>&1
	case $? in
	0) cat "$here/told" ;;
	77) fail "$(cat "$here/told")" ;;
	*) fail "not the same outcomes bare and watched" - <"$here/told" ;;
	esac
	check
	jq -e .verdict "$here"/2-watched/watched-1.json >/dev/null 2>&1 || fail "no summary was written"
done
