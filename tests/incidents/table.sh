#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# table.sh [FACTS]: the table of incidents, as Markdown, from the facts that run.sh left behind in
# $SOWATCH_BUILD/tests/incidents/facts.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
facts=${1-${SOWATCH_BUILD:-$root/build/release}/tests/incidents/facts}
compgen -G "$facts/*" >/dev/null || { echo "no incident has been run: $facts is empty" >&2; exit 1; }
cat <<'MD'
| incident | vantage | healthy twin | verdict | flagged first | by | event | damage |
|---|---|---|---|---|---|---|---|
MD
cat "$facts"/* | awk -F'\t' '{
	printf "| %s | %s | %s | %s | %s | %s | %s | %s |\n", $1, $2, $3, $4, $5, $6, ($7 == "-" ? "-" : $7 " of " $8), $9
}'
cat <<'MD'

*event*: the number of the first event that was flagged, of all events of the run, what the start of the program does included.
*healthy twin*: its verdict, and the holes that make it unknown. *shim-only*: nobody watches who goes round libc. *python*: Python's
frames are read in the process, by the shim; the kernel alone charges the script, and cannot say which package it was.
*damage*: whether that was before the damage, at it, or after it. Verdicts of unknown: the folder's expect.json says why.
MD
