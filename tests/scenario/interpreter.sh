#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A script runs where its interpreter can: musl's loader would end with 127 over our preload.
. "$(dirname "$0")/../lib/scenario.sh"

need_subject fixed_musl
prepare()
{
	printf '#!%s\n' "$subjects/fixed_musl" >direct
	printf '#! %s/direct arg\n' "$cwd" >indirect
	chmod +x direct indirect
}

watch interpreter -- bash -c './direct; echo $?; ./indirect; echo $?'
expect "both ran" test "$(grep -cx 127 "$here/out")" = 0
# From outside it is the script that was started; the kernel knows what ran in the end.
has_kernel && ran=fixed_musl || ran=direct
expect_uncovered $ran
