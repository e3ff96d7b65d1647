#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh LIST: boots Debian's kernel under qemu with the built tree and runs the scripts that LIST
# names, one per line, relative to the repository; both:SCRIPT runs one with that vantage. Ends with 0
# when all passed, 77 when the machine cannot be had; a script that was skipped in there is named, and
# if all were it is 77 as well. A machine that stops fails, with what its kernel says of where.
# SOWATCH_KEEP=1: keep the image and the console's text. QEMU_ACCEL: see README.md before changing it.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${SOWATCH_BUILD:=$root/build/release}"
# One that hangs must not take the others' time.
: "${QEMU_SECONDS:=1700}" "${SCRIPT_SECONDS:=500}"
# The machine says every ten seconds that it lives; so long a silence is no busy host any more.
: "${QEMU_SILENT:=240}" "${QEMU_ACCEL:=tcg,thread=single}"
list=$(readlink -f "$1")
kept=$root/build/qemu
. "$root/tests/qemu/kernel.sh"
. "$root/tests/qemu/image.sh"
. "$root/tests/qemu/machine.sh"

skip() { echo "skip: $*"; exit 77; }

[ "$(uname -m)" = x86_64 ] || skip "the machine is an x86_64 one"
for program in qemu-system-x86_64 busybox gzip; do
	command -v $program >/dev/null || skip "$program is not installed"
done
kernel=$(kernel_get "$kept") || skip "no kernel: $kernel"

work=$(mktemp -d /tmp/sowatch-qemu.XXXXXX)
finish()
{
	machine_stop
	if [ "${SOWATCH_KEEP-}" = 1 ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

mkdir "$work/root"
# What the first process in there reads.
image_extra()
{
	grep -vE '^(#|$)' "$list" >"$staging/scripts"
	printf 'export SOWATCH_BUILD=%q SOWATCH_ROOT=%q SOWATCH_QEMU=1 SOWATCH_KEEP=%q SCRIPT_SECONDS=%q\n' \
		"$SOWATCH_BUILD" "$root" '' "$SCRIPT_SECONDS" >"$staging/environment"
}
image_make "$work/root" "$work/initrd.gz" || { echo "FAILED: no image could be made"; exit 1; }
rm -rf "$work/root"

machine_run "$kernel" "$work"
tr -d '\r' <"$work/console" | grep -av '^@@ alive' >"$work/text"
grep '^@@ booted\|^@@ done' "$work/text" | sed 's/^@@ //'
grep -q '^@@ booted' "$work/text" || {
	echo "FAILED: the machine did not boot; it said"
	tail -n 30 "$work/text" "$work/qemu.err"
	exit 1
}

passed=0 failed=0 skipped=0
machine_judge "$work/text" || failed=1
for script in $(grep -vE '^(#|$)' "$list"); do
	read -r result took < <(sed -n "s|^@@ end $script ||p" "$work/text")
	said=$(awk -v name="$script" '/^@@ begin / { on = $3 == name; next } /^@@ end / { on = 0 } on' "$work/text")
	case $result in
	0) passed=$((passed + 1)) word=passed ;;
	77)
		# This kernel has all that the probes ask for.
		if grep -qE '^skip: .*(kernel refused|cannot be attached|not possible here)' <<<"$said"; then
			failed=$((failed + 1)) word='FAILED (the probes were refused)'
		else
			skipped=$((skipped + 1)) word=skipped
		fi
		;;
	*) failed=$((failed + 1)) word="FAILED (${result:-it never ended})" ;;
	esac
	echo "$word: $script${took:+ ($took s)}"
	[ "$result" = 0 ] && [ "${QEMU_VERBOSE-}" != 1 ] || sed 's/^/    /' <<<"$said"
done
echo "in the machine: $passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ] || exit 1
[ $passed != 0 ] || skip "all of them were skipped in the machine: $(sed -n 's/^skip: //p' "$work/text" | sort -u | head -n 1)"
