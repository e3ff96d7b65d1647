#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real programs: no bypass is found where there is none.
. "$(dirname "$0")/lib.sh"

prepare() { for number in 1 2 3; do echo hello >data.$number; done; }

none()
{
	check
	[ "$(jq -s '[.[] | select(.kind == "bypass" or .kind == "tamper")] | length' "$here/alerts.jsonl")" = 0 ] ||
		fail "nobody evades here; told were" - < <(alerts_told)
	check
	[ "$(jq .coverage.lost "$here/summary.json")" = 0 ] || fail "something was lost" - < <(
		jq -c .coverage "$here/summary.json")
}

need_vantage both
observe both bash -- bash -c 'cat data.* | sort -u; for i in 1 2 3; do (echo $i); done; ls >/dev/null; echo $(head -n 1 data.1)'
none
observe both python --any-stderr -- "$python" -c 'import json, ssl, sqlite3, subprocess, threading, tempfile
t = threading.Thread(target=lambda: open("data.1").read()); t.start(); t.join()
tempfile.TemporaryFile().write(b"x")
print(subprocess.run(["cat", "data.2"], capture_output=True).stdout)'
none
if command -v git >/dev/null; then
	observe both git --any-stderr --filter 's/[0-9a-f]{7,}/HASH/g' -- sh -c 'git init -q . && git add data.1 &&
		git -c user.name=a -c user.email=a@b commit -q -m one && git log --oneline && git status --short'
	none
fi
if command -v curl >/dev/null; then
	observe both curl --any-stderr -- curl -s -o /dev/null -w '%{http_code}\n' "http://localhost:9/"
	none
fi
