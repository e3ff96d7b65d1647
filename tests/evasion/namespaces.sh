#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Mount and pid namespaces, as containers have them: the file is the one that is seen inside.
. "$(dirname "$0")/lib.sh"

need_root
need_program unshare
prepare()
{
	mkdir outer inner
	echo outer >outer/data.txt
	echo inner >inner/data.txt
}
fresh
(cd "$cwd" && unshare -m -p -f mount --bind inner outer 2>/dev/null) ||
	skip "namespaces cannot be made here"

acts()
{
	observe $1 mounts --policy "$scenario_dir/none.yaml" -- unshare -m sh -c \
		'mount --bind inner outer && exec "$0" open outer/data.txt' "$subjects/open_app"
	expect "the other file was read" grep -qx inner "$here/out"
	expect_deviation libopener.so file.read "$cwd/(outer|inner)/data.txt" '^libopener.so\|open_app'
	observe $1 pids --policy "$scenario_dir/none.yaml" -- unshare -p -f sh -c \
		'echo $$; exec "$0" open outer/data.txt' "$subjects/open_app"
	expect "it was the first process in there" grep -qx 1 "$here/out"
	expect_deviation libopener.so file.read "$cwd/outer/data.txt" '^libopener.so\|open_app'
	expect_alert "its pid outside is told" '.process.pid > 1'
}

acts shim
need_vantage both
acts both
