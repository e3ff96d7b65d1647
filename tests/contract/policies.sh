#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every shipped profile has cases: of something it lets pass and of something it flags. And the
# cases are about the policy: with a profile taken away, those that named it no longer pass.
. "$(dirname "$0")/../lib/scenario.sh"

need_program jq
policies=$root/policies

"$sowatch" policy check "$policies" >"$work/check" 2>&1
expect "the shipped policies load" test $? = 0
"$sowatch" policy test -p "$policies" --format json >"$work/report.json" 2>"$work/err"
check
[ "$(jq '.failed + .broken' "$work/report.json")" = 0 ] ||
	fail "cases do not pass" - < <("$sowatch" policy test -p "$policies" 2>&1)
expect "there are profiles" test "$(jq '.profiles | length' "$work/report.json")" -ge 40
for column in allows flags; do
	check
	jq -r --arg c $column '.profiles[] | select(.[$c] == 0) | .name' "$work/report.json" >"$work/bare"
	[ ! -s "$work/bare" ] || fail "profiles without a case that says what it ${column%s}s" - <"$work/bare"
done

# Every profile that the files hold is one that the report tells of.
sed -nE 's/^  - name: ([^ ]+).*/\1/p' "$policies"/profiles/*.yaml | sort -u >"$work/written"
jq -r '.profiles[].name' "$work/report.json" | sort -u >"$work/told"
check
cmp -s "$work/written" "$work/told" || fail "the report's profiles are not the files'" - < <(
	diff "$work/written" "$work/told")

# Without libpng's profile its cases are broken, the others pass.
cp -r "$policies" "$work/policies"
awk '/^  - name:/ { on = $3 != "libpng" } /^[a-z#]/ { on = 1 } on' "$policies/profiles/images.yaml" \
	>"$work/policies/profiles/images.yaml"
expect "something was taken away" test "$(wc -l <"$work/policies/profiles/images.yaml")" -lt \
	"$(wc -l <"$policies/profiles/images.yaml")"
"$sowatch" policy test -p "$work/policies" --format json >"$work/less.json" 2>"$work/err"
expect "a profile that is gone is noticed" test $? = 2
check
jq -e '[.cases[] | select(.result == "broken") | .problem | test("libpng")] | length > 0 and all' \
	"$work/less.json" >/dev/null || fail "others than libpng's cases are broken" - < <(
		jq -c '.cases[] | select(.result != "passed")' "$work/less.json")

# A profile that allows more fails the cases of what it flagged.
printf 'version: 1\nprofiles: [{name: liblzma, extends: liblzma, exec: {run: any}}]\n' >"$work/more.yaml"
"$sowatch" policy test -p "$policies" -p "$work/more.yaml" "$policies/tests" >"$work/more" 2>&1
expect "a profile that allows more is noticed" test $? = 1
expect "and where" grep -q 'compression.yaml:[0-9]*:5: failed: liblzma runs nothing' "$work/more"
