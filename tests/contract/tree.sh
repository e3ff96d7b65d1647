#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No tracked file names this checkout's place, and every source file says its licence.
. "$(dirname "$0")/../lib/scenario.sh"

need_program git
cd "$root"
git rev-parse --git-dir >/dev/null 2>&1 || skip "not a git checkout"
git ls-files | grep -vE '^LICENSE$' >"$work/files"
expect "there are files" test "$(wc -l <"$work/files")" -gt 50
check
xargs -d '\n' grep -lIF -- "$root/" <"$work/files" 2>/dev/null >"$work/places" &&
	fail "these files name $root" - <"$work/places"
check
grep -E '\.(c|h|cc|sh|py)$' "$work/files" | xargs -d '\n' grep -L 'SPDX-License-Identifier: Apache-2.0' \
	2>/dev/null >"$work/bare"
[ ! -s "$work/bare" ] || fail "these files do not say their licence" - <"$work/bare"
check
grep -E '\.(c|h|cc)$' "$work/files" | grep -v '^tests/contract/' |
	xargs -d '\n' grep -nwE 'TO[D]O|FIX[M]E|XX[X]' 2>/dev/null >"$work/later"
[ ! -s "$work/later" ] || fail "these lines put something off" - <"$work/later"
# policies/schema.json is made by the program, contract.schema sees to it.
expect "the policies are data only" test -z "$(grep '^policies/' "$work/files" | grep -vxE '.*\.(yaml|yml|md)|policies/schema\.json')"
