#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A program started by naming the dynamic loader: the shim comes along, the process is covered, and a
# static program in the same place still is not.
. "$(dirname "$0")/../lib/scenario.sh"

loader=$(readelf -lW /bin/true | sed -n 's/.*interpreter: \(.*\)]/\1/p')
[ -x "$loader" ] || skip "/bin/true names no loader"
prepare() { echo hello >data.txt; }

watch direct -- "$loader" /usr/bin/cat data.txt
expect_covered
expect_no_deviation
expect "cat did its work" grep -qx hello "$here/out"
has_kernel || expect "the read is there" sh -c '"$1" log show "$2" | grep -q "file.read.*data.txt"' - "$sowatch" "$here/log.swl"

watch spawned -- sh -c "$loader /usr/bin/cat data.txt; echo \$?"
expect_covered
expect_no_deviation

watch static -- "$subjects/evade/evade_plain_static" data.txt
expect_shim_hole evade_plain_static
