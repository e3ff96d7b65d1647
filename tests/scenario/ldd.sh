#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ldd has the loader list what a program would load: we must not be on that list, and a program that
# is only listed is not one that ran without the shim.
. "$(dirname "$0")/../lib/scenario.sh"

watch list --accept shim-only -- bash -c 'ldd /bin/true | sed "s/ (0x.*//"'
expect "the list is there" grep -q libc.so.6 "$here/out"
expect "the shim is not on it" bash -c "! grep -q sowatch '$here/out'"
expect_verdict clean
