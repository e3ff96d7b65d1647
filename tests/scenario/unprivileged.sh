#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Without root everything works as it does with the shim alone, and what that cannot see is told: the
# main scenarios once more, as nobody.
. "$(dirname "$0")/../lib/scenario.sh"

need_program setpriv
scenarios='opens chain spawn popens forks200 threads64 tail_call via resolve bash static environment
	exit_status alerts replay daemonise'

as_nobody=()
if [ "$(id -u)" = 0 ]; then
	as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all)
	"${as_nobody[@]}" true 2>/dev/null || as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	"${as_nobody[@]}" true || skip "nobody cannot be had here"
fi

# Where nobody may not go to the tree, it is mounted at its place again below a directory that is open.
reach()
{
	local part='' name
	for name in $(tr / ' ' <<<"$root"); do
		part+=/$name
		"${as_nobody[@]}" test -x "$part" && continue
		mount --bind "$root" "$work/hold" && mount -t tmpfs -o mode=755 tmpfs "$part" &&
			mkdir -p "$root" && mount --move "$work/hold" "$root" || return 1
	done
}
if ! "${as_nobody[@]}" test -x "$root" && [ -z "${reached-}" ]; then
	need_program unshare
	mkdir -p "$work/hold"
	export root work reached=1
	export -f reach
	unshare -m true 2>/dev/null || skip "nobody cannot read the tree, and no mounts can be made"
fi

# as_user COMMAND...
as_user()
{
	if [ -n "${reached-}" ]; then
		as_text=${as_nobody[*]} unshare -m --propagation private bash -c '
			read -ra as_nobody <<<"$as_text"; reach || exit 1; exec "${as_nobody[@]}" "$@"' - "$@"
	else
		"${as_nobody[@]}" "$@"
	fi
}

mkdir "$work/user"
[ "$(id -u)" != 0 ] || chown 65534:65534 "$work/user"
chmod 777 "$work"
quiet() { as_user env SOWATCH_BUILD="$SOWATCH_BUILD" HOME="$work/user" "$@" >"$work/said" 2>&1 </dev/null; }

for name in $scenarios; do
	check
	quiet env SOWATCH_VANTAGE=shim SCENARIO_TEST="scenario.$name" bash "$scenario_dir/$name.sh"
	status=$?
	[ $status = 0 ] || fail "as nobody scenario $name ended with $status" - <"$work/said"
done

# The kernel's side is asked for: it cannot be had, and nothing is run in its place.
for wanted in both kernel; do
	quiet "$sowatch" run --vantage $wanted -o "$work/user/$wanted.swl" -- touch "$work/user/ran"
	status=$?
	expect "--vantage $wanted is refused" test $status = 2
	expect "the reason is told" grep -q -- "--vantage $wanted is not possible here: ." "$work/said"
	expect "the command did not run" test ! -e "$work/user/ran"
done

# It is not asked for: the shim watches, and what that leaves out is said.
quiet "$sowatch" run --vantage auto -o "$work/user/auto.swl" --summary "$work/user/auto.json" -- true
expect "auto runs the command" test $? = 0
expect "auto tells what it took" grep -q 'vantage: shim (..*)' "$work/said"
expect "it is not clean" test "$(jq -r .verdict "$work/user/auto.json")" = unknown
expect "for want of the kernel's side" \
	jq -e '.reasons[] | select(startswith("the kernel side is missing"))' "$work/user/auto.json"
quiet "$sowatch" doctor
expect "doctor says so" grep -qi 'probes.*cannot be attached' "$work/said"
