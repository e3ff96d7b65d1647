#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A mount namespace of one's own, in which a shell lies over a debugger that may look into other
# processes: it is called by another name than the debugger and gets none of its exemptions. Nor is a
# library over an allocator that is known to call the kernel by itself excused for doing so, nor is a
# module over one of Python's own a part of Python. A file that is the same in there keeps its name
# and its package. All of that also where sowatch comes to look when the processes, and their mounts with
# them, are long gone: it is stopped while they act.
. "$(dirname "$0")/lib.sh"

need_program unshare
need_program strace
debugger=$(readlink -f "$(type -P strace)")
allocator=$(readlink -f /usr/lib/*/libjemalloc.so.2 | head -n1)
as_root=''
[ "$(id -u)" = 0 ] || as_root=--map-root-user
unshare $as_root -m true 2>/dev/null || skip "mount namespaces cannot be made here"

prepare()
{
	cp "$(readlink -f "$(type -P bash)")" shell
	cat >pose.sh <<-'SH'
		mount --bind ./shell "$1"
		"$1" -c 'read -r x <"/proc/$PPID/mem"; read -r x <data.txt; echo "$x"'
		cat data.txt
	SH
	cat >late.sh <<-'SH'
		echo $PPID >watcher
		kill -STOP $PPID
		"$@"
		status=$?
		echo over >over
		exit $status
	SH
	cat >replace.sh <<-'SH'
		mount --bind "$1" "$2"
		shift 2
		exec "$@"
	SH
	mkdir lib
	ln -s "$allocator" lib/libevade_raw.so
	echo 'open("data.txt").read()' >module.py
	echo hello >data.txt
}

# expect_log REGEX
expect_log()
{
	check
	grep -qE -- "$1" "$here/shown" || fail "no line of the log is like '$1'; it has" - < <(
		grep -E '^(process|object) ' "$here/shown")
}

# A library that enters the kernel by itself, from under an allocator's name. What it calls itself
# is only known while it can be read.
poser=libevade_raw.so
raw_acts()
{
	[ -e "$allocator" ] || return 0
	observed $1 raw env LD_LIBRARY_PATH="$cwd/lib" unshare $as_root -m sh replace.sh \
		"$evade/libevade_raw.so" "$allocator" "$evade/evade_raw" open data.txt
	$2 $poser file.read "$cwd/data.txt"
}

# Not by the name of Python's own library, which opens what it is told for others.
python_acts()
{
	module=$(python3 -c 'import this' >/dev/null && python3 -c '
import importlib.util; print(importlib.util.find_spec("this").origin)') || return 0
	observed $1 python unshare $as_root -m sh replace.sh ./module.py "$module" \
		env PYTHONDONTWRITEBYTECODE=1 PYTHONPYCACHEPREFIX="$cwd" python3 -c 'import this'
	"$sowatch" log show "$here/log.swl" >"$here/shown"
	expect_log "^object [0-9]+ elsewhere:$module( |$)"
}

pose_acts()
{
	observed $1 pose unshare $as_root -m sh pose.sh "$debugger"
	"$sowatch" log show "$here/log.swl" >"$here/shown"
	expect "the shell ran" grep -qx hello "$here/out"
	expect_log "^process [0-9]+ .* elsewhere:$debugger argv: $debugger"
	expect_log "^object [0-9]+ elsewhere:$debugger( |$)"
	expect "none is the debugger" sh -c "! grep -E '^object [0-9]+ $debugger( |\$)' '$here/shown'"
	expect "nobody has its package" sh -c "! grep -E '^object .* package strace( |\$)' '$here/shown'"
	expect_finding deviation strace file.read '/proc/[0-9]+/mem'
	expect_verdict deviates
	# What is the same there keeps its name, and with it what it is trusted with.
	expect_log "^process [0-9]+ .* started by process [0-9]+ (uncovered )?/usr/bin/cat argv: cat"
	expect_log "^object [0-9]+ /usr/bin/cat .* package coreutils"
	expect_log "^object [0-9]+ [^ ]*/libc.so.6 .* package libc6"
	expect "nothing else is elsewhere" sh -c \
		"! grep -E '^object [0-9]+ elsewhere:' '$here/shown' | grep -vE ' elsewhere:$debugger( |\$)'"
}

# observed VANTAGE NAME CMD...: as it goes, or by a sowatch that comes late.
observed()
{
	observe $1 $2 --any-stderr -- "${@:3}"
}

# A watcher that is stopped before CMD begins and goes on when all of it is over.
come_late()
{
	observed()
	{
		rm -rf "$cwd"
		(
			until [ -e "$cwd/over" ]; do sleep 0.1; done
			kill -CONT "$(cat "$cwd/watcher")"
		) &
		background+=($!)
		observe $1 $2-late --any-stderr --no-bare --status 0 -- sh late.sh "${@:3}"
		expect "it was over before anybody looked" test -e "$cwd/over"
	}
}

pose_acts shim
raw_acts shim expect_invisible
python_acts shim
need_vantage both
pose_acts both
raw_acts both expect_bypass
python_acts both
need_vantage kernel
pose_acts kernel
come_late
pose_acts shim
raw_acts shim expect_invisible
python_acts shim
pose_acts both
poser=${allocator##*/}
raw_acts both expect_bypass
python_acts both
pose_acts kernel
