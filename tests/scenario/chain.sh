#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# app -> libmid -> libleaf -> call: the innermost library is charged, the chain names all three.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }
strict=$scenario_dir/strict.yaml

watch open --policy "$strict" -- "$subjects/chain_app" open data.txt
expect_deviations 1 libleaf.so file.read "$cwd/data.txt" '^libleaf.so\|libmid.so\|chain_app'
expect_no_deviation libmid.so
expect_verdict deviates

watch unlink --policy "$strict" -- "$subjects/chain_app" unlink data.txt
expect_deviations 1 libleaf.so file.delete "$cwd/data.txt" '^libleaf.so\|libmid.so\|chain_app'

watch system --policy "$strict" -- "$subjects/chain_app" system 'exit 3'
expect_deviations 1 libleaf.so exec.run '.*/(da|ba)?sh' '^libleaf.so\|libmid.so\|chain_app'
expect_covered
