#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A limit on the size of files is not meant for our memory: nothing dies of it.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

watch soft --status 3 -- bash -c 'ulimit -S -f 8; wc data.txt; sh -c "ulimit -f; wc data.txt"; exit 3'
expect_covered
expect_event wc file.read 2
watch hard --status 3 -- bash -c 'ulimit -f 8; cat data.txt; (ulimit -f; cat data.txt); exit 3'
expect "both were read" test "$(grep -c hello "$here/out")" = 2
