#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Threads and children that begin on a stack of their own act for the library that made them.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }
strict=$scenario_dir/strict.yaml

# A thread of a thread: libmaker made both, and maker_app asked it to.
watch threads --policy "$strict" -- "$subjects/maker_app" threads data.txt
expect_deviations 1 libmaker.so exec.run '.*/(da|ba)?sh' \
	'^libmaker.so\|libc.so.6\|libmaker.so\|libc.so.6\|libmaker.so\|maker_app'

# Threads that are over before anybody could have looked at them, under numbers used before.
watch many --policy "$strict" -- "$subjects/maker_app" many data.txt
expect_deviations 1500 libmaker.so file.read "$cwd/data.txt" \
	'^libmaker.so\|libc.so.6\|libmaker.so\|maker_app'
expect_no_loss

# What a child does inside libc before its program runs, no shim tells: it is libc's inner work.
watch redirected --policy "$strict" -- "$subjects/maker_app" redirected data.txt
expect_deviations 1 libmaker.so exec.run '.*/cat' '^libmaker.so\|maker_app'
! has_kernel || expect_deviations 1 libmaker.so file.read "$cwd/data.txt" '^libmaker.so\|maker_app'

watch helper --policy "$strict" -- "$subjects/maker_app" helper data.txt
! has_kernel || expect_deviation libmaker.so file.read "$cwd/data.txt" \
	'^libmaker.so\|.*maker_app'

# A thread that libc made for a public function is inside that function.
watch resolve --policy "$strict" -- "$subjects/maker_app" resolve localhost
expect_no_deviation libmaker.so
