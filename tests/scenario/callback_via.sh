#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a library's own function does when libc calls it back is not libc's work for that library. The
# shim's slot still says that the thread is inside the public function; a stack shows who acts.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { mkdir dir; echo entry >dir/entry; echo hello >data.txt; }

watch scandir --policy "$scenario_dir/strict.yaml" -p "$scenario_dir/callback_via.yaml" -- \
	"$subjects/lister_app" dir data.txt
expect_event liblister.so file.read
expect_deviations 1 liblister.so file.read "$cwd/data.txt" '^liblister.so\|'
expect_no_deviation lister_app

watch nftw --policy "$scenario_dir/strict.yaml" -p "$scenario_dir/callback_via.yaml" -- \
	"$subjects/lister_app" dir data.txt walk
expect_deviations 1 liblister.so file.read "$cwd/data.txt" '^liblister.so\|'
expect_no_deviation lister_app
