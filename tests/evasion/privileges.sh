#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The process that parses and logs keeps none of root's privileges but those that looking takes; the
# command keeps all of its own.
. "$(dirname "$0")/lib.sh"

need_root
kept=$(printf '%016x' $((1 << 2 | 1 << 5 | 1 << 19))) # DAC_READ_SEARCH KILL SYS_PTRACE

# The command looks at its parent, which is sowatch: what it has once it has settled.
cat >"$work/look.sh" <<'SH'
for i in $(seq 100); do
	state=$(grep -E '^(Cap|NoNewPrivs)' /proc/$PPID/status)
	case $state in *"CapEff:"*"$1"*) break ;; esac
	sleep 0.05
done
cat /proc/$PPID/comm
echo "$state"
echo "own $(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)"
echo "new $(sed -n 's/^NoNewPrivs:[[:space:]]*//p' /proc/self/status)"
SH
own=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)

acts()
{
	observe $1 look --no-bare --any-stderr -- bash "$work/look.sh" "$kept"
	expect "the parent is sowatch" grep -qx sowatch "$here/out"
	for set in CapEff CapPrm; do
		expect "$set is what looking takes" grep -qxP "$set:\\t$kept" "$here/out"
	done
	for set in CapInh CapAmb; do
		expect "$set is empty" grep -qxP "$set:\\t0{16}" "$here/out"
	done
	expect "it gets no new ones" grep -qxP 'NoNewPrivs:\t1' "$here/out"
	expect "the command has what was given to it" grep -qx "own $own" "$here/out"
	expect "the command may get new ones" grep -qx 'new 0' "$here/out"
}

acts shim
need_vantage both
acts both
need_vantage kernel
acts kernel
