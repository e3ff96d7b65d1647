#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh NAME [VANTAGE]...: one incident, acted out by its healthy and its compromised twin under
# every vantage (shim, kernel, both), live and replayed; what sowatch tells is held against
# NAME/expect.json. README.md says how a folder is made up.
# SOWATCH_RECORD=1: keep the log of the compromised twin under `both` in logs/NAME.swl.
incident=${1:?run.sh NAME [VANTAGE]...}
shift
SCENARIO_TEST=incident.$incident
record=${SOWATCH_RECORD-}
. "$(dirname "${BASH_SOURCE[0]}")/../lib/scenario.sh"
. "$scenario_dir/lib/incident.sh"
. "$folder/incident.sh"

[ $# -gt 0 ] || set -- shim kernel both
incident_begin
[ "$profile" != learned ] || incident_learn
for vantage; do
	incident_healthy
	incident_compromised
done
