#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs inside the machine: its kernel patches its own text (what attaching a program does as well)
# while the other processor runs it. An emulator that keeps a translation of what has been patched away
# locks up here within seconds, with nothing of ours loaded: see README.md.
set -u
keys=/proc/sys/kernel
for key in sched_schedstats timer_migration; do
	[ -w $keys/$key ] || { echo "FAILED: no $keys/$key"; exit 1; }
done
for _ in 1 2; do
	(while :; do /bin/busybox true | /bin/busybox true; done) &
done
for ((i = 0; i < 100; i++)); do
	echo 1 >$keys/sched_schedstats
	echo 0 >$keys/timer_migration
	echo 0 >$keys/sched_schedstats
	echo 1 >$keys/timer_migration
done
kill %1 %2
echo "patched $((4 * i)) times"
