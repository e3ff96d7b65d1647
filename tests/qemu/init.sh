#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# The machine's first process: runs each script of /scripts and tells the serial console how it
# ended, then ends the machine.
busybox=/bin/busybox
export PATH=/usr/sbin:/usr/bin
$busybox mount -t proc proc /proc
$busybox mount -t sysfs sys /sys
$busybox mount -t devtmpfs dev /dev
# Not a mount of its own: the tree may lie below it.
$busybox chmod 1777 /tmp
$busybox mount -t tmpfs run /run
$busybox mount -t cgroup2 cgroup /sys/fs/cgroup 2>/dev/null
$busybox mount -t securityfs security /sys/kernel/security
$busybox mount -t tracefs tracing /sys/kernel/tracing
$busybox mount -t bpf bpf /sys/fs/bpf
$busybox ln -sf /proc/self/fd /dev/fd
$busybox mkdir -p /dev/shm && $busybox mount -t tmpfs shm /dev/shm
$busybox ifconfig lo 127.0.0.1 up
. /environment
echo
echo "@@ booted $($busybox uname -r) after $($busybox cut -d ' ' -f 1 /proc/uptime) s"
(while :; do
	$busybox sleep 10
	echo "@@ alive $($busybox cut -d ' ' -f 1 /proc/uptime)"
done) &
while read -r script; do
	echo "@@ begin $script"
	read -r began _ </proc/uptime
	vantage=${script%:*}
	[ "$vantage" != "$script" ] || vantage=
	SOWATCH_VANTAGE=$vantage $busybox timeout "$SCRIPT_SECONDS" \
		/bin/bash "$SOWATCH_ROOT/${script#*:}" </dev/null >/tmp/said 2>&1
	status=$?
	$busybox cat /tmp/said
	read -r ended _ </proc/uptime
	echo "@@ end $script $status $((${ended%.*} - ${began%.*}))"
done </scripts
echo "@@ done after $($busybox cut -d ' ' -f 1 /proc/uptime) s"
$busybox sync
$busybox reboot -f
