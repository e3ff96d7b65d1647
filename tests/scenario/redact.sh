#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `redact` of a policy finds in arguments is hidden before anything is stored: a pattern's group,
# and a glob's whole argument; what the built-in patterns find, too.
. "$(dirname "$0")/../lib/scenario.sh"

cat >"$work/redact.yaml" <<'YAML'
version: 1
redact: ["acme-([0-9a-f]{8})", "glob:--license=[A-Z]*\\?"]
guards: [{name: runs, exec: {run: any}}]
YAML
secrets='0123abcd|LICENSE|hunter2'
watch arguments --policy "$work/redact.yaml" -- /bin/sh -c '/bin/echo "$@" >/dev/null; :' sh \
	acme-0123abcd acme-0123xbcd "--license=LICENSE?" --license=lower --password=hunter2
expect_alert "the pattern's group is hidden, the rest is there" \
	'.object.argv // [] | any(test("^acme-<redacted:[0-9a-f]{8}>$"))'
expect_alert "what it does not find stays" '.object.argv // [] | any(. == "acme-0123xbcd")'
expect_alert "the whole argument of a glob is hidden" \
	'.object.argv // [] | any(test("^<redacted:[0-9a-f]{8}>$"))'
expect_alert "a glob is about case" '.object.argv // [] | any(. == "--license=lower")'
expect "no secret is in the log" test -z "$("$sowatch" log show "$here/log.swl" | grep -E "$secrets" | grep -v " policy ")"
expect "no secret is in alerts" test -z "$(grep -E "$secrets" "$here/alerts.jsonl")"
