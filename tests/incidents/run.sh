#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh NAME [VANTAGE]...: one incident, acted out by its healthy and its compromised twin under
# every vantage (shim, kernel, both), live and replayed; what sowatch tells is held against
# NAME/expect.json. README.md says how a folder is made up.
# SOWATCH_RECORD=1: keep the log of the compromised twin under `both` in logs/NAME.swl.
# (Root's: it runs in a UTS namespace, so that no log holds the host's name.)
incident=${1:?run.sh NAME [VANTAGE]...}
shift
SCENARIO_TEST=incident.$incident
if [ -n "${SOWATCH_RECORD-}" ] && [ "${SOWATCH_RECORD#/}" = "$SOWATCH_RECORD" ]; then
	SOWATCH_RECORD=$(cd "$(dirname "$0")" && pwd)/logs exec unshare --uts bash "$0" "$incident" "$@"
fi
record=${SOWATCH_RECORD-}
. "$(dirname "${BASH_SOURCE[0]}")/../lib/scenario.sh"
. "$scenario_dir/lib/incident.sh"
. "$folder/incident.sh"

[ $# -gt 0 ] || set -- shim kernel both
incident_begin
for vantage; do
	[ "$profile" != learned ] || incident_learn
	incident_healthy
	incident_dormant
	incident_compromised
done
