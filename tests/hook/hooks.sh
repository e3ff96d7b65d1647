#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One call of every hooked function: it behaves as ever, and its event is charged to its caller.
. "$(dirname "$0")/../lib/scenario.sh"

app=$SOWATCH_BUILD/tests/hook/hook_app
"$app" list >"$work/list"
prepare()
{
	local name
	while read -r name _; do
		case $name in
		exec* | fexecve | posix_spawn* | system | popen | _IO_popen) cp /bin/true $name ;;
		*) echo "some content" >"$name" ;;
		esac
		mkdir "$name.d"
		echo inner >"$name.d/inner"
	done <"$work/list"
	rm rmdir.d/inner
	cp "$subjects/libplugin.so" libdlopen.so
	cp "$subjects/libplugin.so" libdlmopen.so
}

watch all --policy "$scenario_dir/hooks.yaml" --any-stderr -- "$app" run
expect "most calls succeed (or this would show nothing)" \
	test "$(grep -c failed "$here/out")" -le 8
while read -r name action object; do
	[ "$action" != - ] && can_see "$action" || continue
	grep -q "^$name failed, errno \(38\|1\|95\)$" "$here/bare.out" && {
		echo "$name is refused by this machine"
		continue
	}
	check
	[ "$(deviation_count libhooked.so "$action" "${object//@/$cwd}" 'libhooked.so\|hook_app')" -gt 0 ] ||
		fail "$name: expected $action ${object//@/$cwd} by libhooked.so"
done <"$work/list"
[ $failures = 0 ] || { echo "told were"; alerts_told; }
expect_no_deviation hook_app
