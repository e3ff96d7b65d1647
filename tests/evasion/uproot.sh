#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A library closes every descriptor, or unmaps, locks or covers the shim's shared memory. There is no
# descriptor to close, and where Linux can seal memory (6.10) there is no memory to take: then what it
# does next is told as ever. Elsewhere the shim may be deaf from then on, which never looks clean.
. "$(dirname "$0")/lib.sh"

prepare() { echo secret >secret.txt; }

# Without seals, memory that is gone is the end of whoever touches it: nobody is told from a crash.
ways='close dup over'
printf '6.10\n%s\n' "$(uname -r)" | sort -C -V && ways="$ways unmap protect readonly"

# the_open VANTAGE: it deviates, or the verdict says that nobody knows.
the_open()
{
	if grep -qx refused "$here/err" || [ "$way" = close ] || [ "$way" = dup ]; then
		expect_deviation libevade_uproot.so file.read "$cwd/secret.txt"
		expect_verdict deviates
		return
	fi
	expect "the memory was taken" grep -qx taken "$here/err"
	check
	[ "$(jq -r .verdict "$here/summary.json")" != clean ] || fail "the verdict is clean"
	[ "$1" = shim ] || expect_logged 1 " file.read $cwd/secret.txt = "
}

for way in $ways; do
	observe shim $way --policy "$scenario_dir/none.yaml" -- "$evade/evade_uproot" $way secret.txt
	the_open shim
done

# By libc's functions, where nothing can be sealed.
innocents="libc-unmap libc-protect libc-readonly libc-over libc-away"
innocent_acts()
{
	local sealing=$sowatch

	printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$evade/evade_unsealed" "$sealing" >"$work/unsealing"
	chmod +x "$work/unsealing"
	for way in $innocents; do
		sowatch=$work/unsealing
		observe $1 $way --policy "$scenario_dir/none.yaml" -- "$evade/evade_uproot" $way secret.txt
		sowatch=$sealing
		expect "the memory was taken" grep -qx taken "$here/err"
		expect_deviation libevade_uproot.so file.read "$cwd/secret.txt"
		expect_verdict deviates
	done
}
innocent_acts shim

need_vantage both
innocent_acts both
for way in $ways; do
	observe both $way --policy "$scenario_dir/none.yaml" -- "$evade/evade_uproot" $way secret.txt
	the_open both
done
for way in $ways; do
	observe kernel $way --policy "$scenario_dir/none.yaml" -- "$evade/evade_uproot" $way secret.txt
	expect_deviation libevade_uproot.so file.read "$cwd/secret.txt"
done
