#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The Codecov uploader, acted out on loopback: once as the vendor wrote it, once with the shape of
# the line that was added to it in 2021. Same name, same job, same exit status; sowatch tells them
# apart, says how, and says the same again from the log. Nothing leaves this machine.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/act.sh"

state=${XDG_STATE_HOME:-${HOME:-/tmp}/.local/state}/sowatch
logs=$state/codecov-$(date +%Y%m%d-%H%M%S)-$$
mkdir -p "$logs" || exit 1
act_begin

bold='' plain=''
[ ! -t 1 ] || bold=$'\033[1m' plain=$'\033[0m'
title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
fail() { printf '\nfailed: %s\nlogs: %s\n' "$*" "$logs" >&2; exit 1; }
deviations() { jq .deviations "$logs/$1.json" 2>/dev/null; }

title "1. The uploader as its vendor wrote it"
echo "It lists the repository, finds coverage.xml and posts both to the vendor, here 127.0.0.10:$CODECOV_PORT."
echo "Where the kernel's probes attach (root) they watch too; where not, --accept shim-only says it is known."
echo
act_run healthy "$logs" || fail "the healthy uploader ended with $?"
[ "$(deviations healthy)" = 0 ] || fail "the healthy uploader should not deviate"
echo
echo "No deviation; verdict $(jq -r .verdict "$logs/healthy.json") over $(jq .events "$logs/healthy.json") events."

title "2. The same uploader with one more line"
grep -n -A1 'ENV \$(env' "$act_dir/compromised/codecov" | sed 's/^/    /'
echo
act_run compromised "$logs" || fail "the compromised uploader ended with $?"
[ "$(deviations compromised)" -gt 0 ] || fail "the compromised uploader was not noticed"
echo
echo "It ended like the healthy one, its report was accepted, and $(act_received rogue) bytes went to 127.0.0.66:$ROGUE_PORT."
echo "What gave it away, from the alerts:"
jq -r '"    " + .action + " charged to " + .subject.kind + " " + .subject.name + ", not on the list at "
	+ (.rule.file | split("/")[-3:] | join("/")) + ":\(.rule.line)"' "$logs/compromised.jsonl" | sort | uniq

title "3. The log, judged again"
act_replay compromised "$logs"
status=$?
[ $status = 1 ] || fail "the replay ended with $status, not with 1 (deviates)"
cmp "$logs/compromised.jsonl" "$logs/compromised.replay.jsonl" || fail "the replay says something else"
echo
echo "The replay's alerts are the live run's, byte for byte."
echo
echo "logs: $logs"
echo "again: $act_sowatch replay $logs/compromised.swl --accept shim-only"
