#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Programs built with sanitizers: AddressSanitizer refuses to come second, ThreadSanitizer acts
# before libc is initialised.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

for kind in address thread; do
	[ -e "$subjects/sanitized_$kind" ] || continue
	"$subjects/sanitized_$kind" /proc/self/stat >/dev/null 2>&1 || continue
	watch $kind --status 0 -- "$subjects/sanitized_$kind" data.txt
	expect_covered
	expect_count sanitized_$kind file.read 3
	expect_event sanitized_$kind exec.run 2
	expect_event sanitized_$kind net.resolve
done
[ $checks -gt 0 ] || skip "no sanitizer works here"
