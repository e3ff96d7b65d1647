#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A mount namespace of one's own, in which a shell lies over a debugger that may look into other
# processes: it is called by another name than the debugger and gets none of its exemptions. A file
# that is the same in there keeps its name and its package.
. "$(dirname "$0")/lib.sh"

need_program unshare
need_program strace
debugger=$(readlink -f "$(type -P strace)")
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
	echo hello >data.txt
}

# expect_log REGEX
expect_log()
{
	check
	grep -qE -- "$1" "$here/shown" || fail "no line of the log is like '$1'; it has" - < <(
		grep -E '^(process|object) ' "$here/shown")
}

acts()
{
	observe $1 pose --any-stderr -- unshare $as_root -m sh pose.sh "$debugger"
	"$sowatch" log show "$here/log.swl" >"$here/shown"
	expect "the shell ran" grep -qx hello "$here/out"
	expect_log "^process [0-9]+ .* elsewhere:$debugger argv: $debugger"
	expect_log "^object [0-9]+ elsewhere:$debugger "
	expect "none is the debugger" sh -c "! grep -E '^object [0-9]+ $debugger ' '$here/shown'"
	expect_finding deviation strace file.read '/proc/[0-9]+/mem'
	expect_verdict deviates
	expect_log "^process [0-9]+ .* started by process [0-9]+ /usr/bin/cat argv: cat"
	expect_log "^object [0-9]+ /usr/bin/cat .* package coreutils"
}

acts shim
need_vantage both
acts both
