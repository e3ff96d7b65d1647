#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A static program cannot be watched from inside: it is named, and the verdict is unknown.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

for program in fixed_static fixed_static_pie fixed_musl; do
	[ -e "$subjects/$program" ] || { [ $program = fixed_musl ] && continue; fail "$program is not built"; }
	watch $program --status 5 -- "$subjects/$program" data.txt
	expect "it did its work" grep -qx hello "$here/out"
	expect_uncovered $program
	expect_verdict unknown
	expect_no_deviation

	watch $program-child --status 5 -- /bin/sh -c "$subjects/$program data.txt"
	expect_uncovered $program
	expect_verdict unknown
done

if [ -x /usr/bin/busybox ] && ! ldd /usr/bin/busybox >/dev/null 2>&1; then
	watch busybox -- /usr/bin/busybox cat data.txt
	expect_uncovered busybox
	expect_verdict unknown
fi

# And a covered program says nothing of the kind.
watch covered --status 5 -- "$subjects/fixed" data.txt
expect_covered
expect_verdict clean
