#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A megabyte of arguments arrives whole; the record of it is cut, not the call.
. "$(dirname "$0")/../lib/scenario.sh"

code='import os; os.execv("/bin/echo", ["echo"] + ["x%07d" % i + "y" * 90 for i in range(10000)])'

watch echo -- "$python" -c "$code"
expect "all of it was printed" test "$(wc -w <"$here/out")" = 10000
if can_tell python; then
	expect_event -c exec.run # the text's own act, not its interpreter's
else
	expect_event "$(basename "$(readlink -f "$python")")" exec.run
fi
expect_covered
