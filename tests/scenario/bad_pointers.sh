#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Arguments that cannot be read give the program its error, not a crash of ours.
. "$(dirname "$0")/../lib/scenario.sh"

watch bad-pointers --status 0 -- "$subjects/bad_pointers"
expect "the calls failed one by one" test "$(grep -c 'errno' "$here/out")" -gt 40
