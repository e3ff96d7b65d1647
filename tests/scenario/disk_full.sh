#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The disk fills while logging: the service goes on, and the loss is told.
. "$(dirname "$0")/../lib/scenario.sh"

code='import os
for i in range(20000):
    name = os.urandom(12).hex()
    open(name, "w").close()
    os.unlink(name)
print("wrote 20000")'

# No room for the first byte: refused before anything starts.
"$sowatch" run -o /dev/full -- touch "$work/ran" 2>"$work/err"
status=$?
expect "a log that cannot be begun is an error (exit $status)" test $status = 2
expect "it says why" grep -q '/dev/full.*No space left' "$work/err"
expect "the command was not run" test ! -e "$work/ran"

need_root
mkdir "$work/small"
mount -t tmpfs -o size=64k none "$work/small" 2>/dev/null || skip "no tmpfs can be mounted here"
tear_down() { umount "$work/small"; }
watch tmpfs --no-replay -o "$work/small/log.swl" -- "$python" -c "$code"
expect_verdict unknown
expect_said '[Ll]og.*(space|full|written)'
"$sowatch" replay "$work/small/log.swl" --accept shim-only >/dev/null 2>"$work/replay.err"
replayed=$?
expect "what was written before is readable, and known to be cut (exit $replayed)" \
	test $replayed = 4 -o $replayed = 1
