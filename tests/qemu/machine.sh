# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# machine_run KERNEL DIRECTORY: the emulated machine, from its start to its end; DIRECTORY/initrd.gz is
# its image, DIRECTORY/console what it says. machine_judge TEXT: whether it ended by itself.
# machine_stop: not a moment later.
#
# A locked-up machine must be seen, and say where: a processor that its watchdog misses for a minute, or
# that RCU waits for, makes the kernel panic with the stacks of all; one that has stopped listening
# altogether goes silent, and gets an interrupt it cannot refuse, which is a panic as well.

qemu_pid=
machine_stop()
{
	[ -z "$qemu_pid" ] || kill "$qemu_pid" 2>/dev/null
	[ -z "$qemu_pid" ] || wait "$qemu_pid" 2>/dev/null
	qemu_pid=
}

machine_start() # KERNEL DIRECTORY
{
	local tell='softlockup_panic=1 softlockup_all_cpu_backtrace=1 watchdog_thresh=30'
	tell+=' rcupdate.rcu_cpu_stall_timeout=60 sysctl.kernel.panic_on_rcu_stall=1 unknown_nmi_panic'
	mkfifo "$2/monitor.in" "$2/monitor.out"
	# Open at both ends: nobody waits for the other.
	exec 7<>"$2/monitor.in" 8<>"$2/monitor.out"
	qemu-system-x86_64 -accel "$QEMU_ACCEL" -cpu max -smp 2 -m 2048 -nographic -no-reboot -nodefaults \
		-serial stdio -chardev "pipe,id=monitor,path=$2/monitor" -mon chardev=monitor \
		-kernel "$1" -initrd "$2/initrd.gz" \
		-append "console=ttyS0 quiet loglevel=3 panic=-1 rdinit=/init mitigations=off $tell" \
		</dev/null >"$2/console" 2>"$2/qemu.err" 7>&- 8>&- &
	qemu_pid=$!
}

machine_run() # KERNEL DIRECTORY
{
	local started=$SECONDS heard=$SECONDS bytes=0 now
	machine_start "$1" "$2"
	while kill -0 "$qemu_pid" 2>/dev/null && [ $((SECONDS - started)) -lt "$QEMU_SECONDS" ]; do
		sleep 0.5
		now=$(stat -c %s "$2/console")
		[ "$now" = "$bytes" ] || bytes=$now heard=$SECONDS
		[ $((SECONDS - heard)) -ge "$QEMU_SILENT" ] || continue
		echo "FAILED: the machine was silent for $QEMU_SILENT s"
		echo nmi >&7
		sleep 15 # for its last words
		break
	done
	kill "$qemu_pid" 2>/dev/null && [ $((SECONDS - started)) -ge "$QEMU_SECONDS" ] &&
		echo "FAILED: the machine was still running after $QEMU_SECONDS s"
	machine_stop
	exec 7>&- 8>&-
}

machine_judge() # TEXT
{
	local bad='^\[ *[0-9.]+\].*(Kernel panic|soft lockup|detected stalls|self-detected stall|BUG:|Oops)'
	if grep -qE "$bad" "$1"; then
		echo "FAILED: the machine's kernel said"
		awk -v bad="$bad" '$0 ~ bad { on = 1 } on && n++ < 120' "$1" | sed 's/^/    /'
		return 1
	fi
	grep -q '^@@ done' "$1" || { echo "FAILED: the machine ended before its scripts"; return 1; }
}
