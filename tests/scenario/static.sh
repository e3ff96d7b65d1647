#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A static program cannot be watched from inside: it is named, and the verdict is unknown unless the
# kernel saw what it did.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

for program in fixed_static fixed_static_pie fixed_musl; do
	[ -e "$subjects/$program" ] || { [ $program = fixed_musl ] && continue; fail "$program is not built"; }
	watch $program --status 5 -- "$subjects/$program" data.txt
	expect "it did its work" grep -qx hello "$here/out"
	expect_shim_hole $program
	expect_no_deviation

	watch $program-child --status 5 -- /bin/sh -c "$subjects/$program data.txt"
	expect_shim_hole $program
done

if [ -x /usr/bin/busybox ] && ! ldd /usr/bin/busybox >/dev/null 2>&1; then
	watch busybox -- /usr/bin/busybox cat data.txt
	expect_shim_hole busybox
fi

# And a covered program says nothing of the kind.
watch covered --status 5 -- "$subjects/fixed" data.txt
expect_covered
expect_verdict clean
