#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A working directory whose name is too long to be told: a relative path is then below nobody knows
# what, and never /data.txt. The probes see the file itself as long as its name fits.
. "$(dirname "$0")/../lib/scenario.sh"

cat >"$work/far.sh" <<'END'
set -e
name=$(printf '%0250d' 0)
for i in $(seq "$1"); do
	mkdir -p "$name" && cd -P "$name" 2>/dev/null || cd "$name"
done
echo hello >data.txt
exec "$2" open data.txt
END

far()
{
	watch "far$1" --policy "$scenario_dir/strict.yaml" --no-bare -- \
		bash "$work/far.sh" "$1" "$subjects/open_app"
	check
	grep -qx hello "$here/out" || fail "the file was not read" - <"$here/err"
	expect_deviations 0 libopener.so file.read '/data.txt'
	expect_deviations 1 libopener.so file.read "$2" '^libopener.so\|open_app'
}

expect_unreadable()
{
	check
	jq -e --arg exe "$subjects/open_app" '.reasons[] | tostring |
		select(contains("could not be read or resolved") and endswith($exe))' \
		"$here/summary.json" >/dev/null ||
		fail "the hole is not told" - < <(jq -c '.reasons' "$here/summary.json" 2>&1)
}

far 5 "(.*/0{250}/)?data.txt"
has_kernel || expect_unreadable
far 20 '.*'
expect_unreadable
