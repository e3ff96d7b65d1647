#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Constructors, destructors, main and plugins are told apart by what is on the stack: which of three
# guards, one a phase, holds for each file.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { for name in app linked loaded; do for when in ctor act dtor; do echo >$name.$when; done; done; }
cat >"$work/phase.yaml" <<'YAML'
version: 1
guards:
  - {name: load, phase: load, file: {read: ["**/cwd/*.ctor", "**/cwd/*.act", "**/cwd/*.dtor"]}}
  - {name: startup, phase: startup, file: {read: ["**/cwd/*.ctor", "**/cwd/*.act", "**/cwd/*.dtor"]}}
  - {name: steady, phase: [steady], file: {read: ["**/cwd/*.ctor", "**/cwd/*.act", "**/cwd/*.dtor"]}}
YAML

# phases FILE PHASES: in which it was opened.
phases()
{
	local got
	check
	got=$(jq -r --arg path "$cwd/$1" 'select(.object.path == $path) | .rule.id' "$here/alerts.jsonl" |
		sort | tr '\n' ' ')
	[ "${got% }" = "$2" ] || fail "$1 was opened in '${got% }', expected '$2'"
}

watch phases --policy "$work/phase.yaml" -- "$subjects/phase_app" "$subjects/libphase_loaded.so"
phases app.ctor "load startup"
phases app.act steady
phases app.dtor steady
phases linked.act steady
phases linked.dtor steady
phases loaded.ctor load
phases loaded.dtor steady
# It may come before the shim's own constructor: then it is counted as early.
if [ "$vantage" != shim ] || grep -q linked.ctor "$here/alerts.jsonl"; then
	phases linked.ctor "load startup"
else
	expect_hole
fi
