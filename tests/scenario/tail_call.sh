#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The same chain at -O2, where libmid and libleaf both end in a jump: neither has a frame.
. "$(dirname "$0")/../lib/scenario.sh"

need_program objdump
prepare() { echo hello >data.txt; }
strict=$scenario_dir/strict.yaml

# Without the jumps this would show nothing.
for pair in libmid_tail:leaf_open libmid_tail:leaf_system libleaf_tail:open libleaf_tail:system; do
	expect "${pair%:*}.so jumps to ${pair#*:}" grep -qE "jmp .*<${pair#*:}@plt>" \
		<(objdump -d --no-show-raw-insn "$subjects/${pair%:*}.so")
done

watch open --policy "$strict" -- "$subjects/chain_tail_app" open data.txt
expect_deviations 1 libleaf_tail.so file.read "$cwd/data.txt" \
	'^libleaf_tail.so\|libmid_tail.so\|chain_tail_app'
expect_attribution inferred

watch system --policy "$strict" -- "$subjects/chain_tail_app" system 'exit 3'
expect_deviations 1 libleaf_tail.so exec.run '.*/(da|ba)?sh' \
	'^libleaf_tail.so\|libmid_tail.so\|chain_tail_app'

# Called through a pointer, both are gone without a trace: the program that called them is not to be
# taken for the one that opened the file. (The shim sees no more than its own caller.)
watch pointer --policy "$strict" -- "$subjects/chain_tail_app" pointer data.txt
has_shim || expect_verdict unknown
