#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A library writes into the shim's shared memory.
. "$(dirname "$0")/lib.sh"

prepare() { echo secret >secret.txt; }

for way in header data; do
	# Not even for those who accept that the kernel's side is missing.
	observe shim $way --accept shim-only --no-replay --policy "$scenario_dir/none.yaml" -- \
		"$evade/evade_scribble" $way secret.txt
	expect "the memory was overwritten" grep -qx scribbled "$here/err"
	expect_verdict unknown
done

need_vantage both
for way in header data; do
	observe both $way --policy "$scenario_dir/none.yaml" -- "$evade/evade_scribble" $way secret.txt
	expect "the memory was overwritten" grep -qx scribbled "$here/err"
	check
	[ "$(jq -r .verdict "$here/summary.json")" != clean ] || fail "the verdict is clean"
	# The open is the kernel's word, whatever became of the ring.
	expect "the file is in the log" sh -c '"$1" log show "$2" | grep -q "file.read.*secret.txt"' - "$sowatch" "$here/log.swl"
done
