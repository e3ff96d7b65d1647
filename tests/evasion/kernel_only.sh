#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The probes alone: programs the shim cannot enter, and libraries told apart by unwinding the stack.
. "$(dirname "$0")/lib.sh"

prepare() { echo hello >data.txt; mkdir -p outer; ln -s ../data.txt outer/link.txt; }

need_vantage kernel
observe kernel static -- "$evade/evade_plain_static" data.txt
expect_event evade_plain_static file.read
expect_no_deviation
observe kernel busybox -- /bin/busybox cat data.txt
expect_event busybox file.read
observe kernel scrubbed -- env -i /usr/bin/cat data.txt
expect_event cat file.read
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	cp "$subjects/fixed" "$work/fixed-setuid"
	chmod 4755 "$work/fixed-setuid"
	observe kernel at_secure --status 5 -- \
		setpriv --reuid 65534 --regid 65534 --clear-groups "$work/fixed-setuid" data.txt
	expect_event fixed-setuid file.read
fi

observe kernel library --policy "$scenario_dir/none.yaml" -- "$evade/evade_handle" open data.txt
expect_deviations 1 libevade_handle.so file.read "$cwd/data.txt" '^libevade_handle.so\|evade_handle'
observe kernel raw --policy "$scenario_dir/none.yaml" -- "$evade/evade_raw" open data.txt
expect_deviations 1 libevade_raw.so file.read "$cwd/data.txt" '^libevade_raw.so\|evade_raw'
# The file, not the name: a symlink, a relative way, and /proc/self/root.
for name in outer/link.txt outer/../data.txt "/proc/self/root$cwd/data.txt" /proc/self/cwd/data.txt; do
	observe kernel "name-${name//[^a-z]/-}" --policy "$scenario_dir/none.yaml" -- \
		"$evade/evade_handle" open "$name"
	expect_deviations 1 libevade_handle.so file.read "$cwd/data.txt" '^libevade_handle.so\|evade_handle'
done
