#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A library's own thread: charged to the library; a function of the app on it: to that.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }
strict=$scenario_dir/strict.yaml

watch own --policy "$strict" -- "$subjects/worker_app" own data.txt
# The chain goes on through the thread's origin: libworker made the thread when worker_app asked.
expect_deviations 1 libworker.so file.read "$cwd/data.txt" \
	'^libworker.so\|libc.so.6\|libworker.so\|worker_app'

watch mine --policy "$strict" -- "$subjects/worker_app" mine data.txt
expect_deviations 1 libopener.so file.read "$cwd/data.txt" \
	'^libopener.so\|worker_app\|libworker.so\|libc.so.6\|libworker.so\|worker_app'
expect_no_deviation libworker.so
