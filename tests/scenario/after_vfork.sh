#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a thread does after its vfork child's exec is not announced by that exec any more.
. "$(dirname "$0")/../lib/scenario.sh"

watch after --status 0 -- "$subjects/after_vfork"
expect "it did its work" grep -qx done "$here/out"
expect_event after_vfork exec.run
expect "nothing is told as forged" test "$(grep -c '"kind":"\(tamper\|bypass\)"' "$here/alerts.jsonl")" = 0
