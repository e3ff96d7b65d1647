#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# dlclose, then another library in its place: each act is charged to the one that was there.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { for number in 1 2; do echo hello >data.$number; done; }

watch reload --policy "$scenario_dir/strict.yaml" -- "$subjects/reload_app" data 40 notes.txt \
	"$subjects/libreload_a.so" "$subjects/libreload_b.so"
expect "the second was loaded where the first had been" grep -q same "$cwd/notes.txt"
expect_deviations 20 libreload_a.so file.read "$cwd/data.1" '^libreload_a.so\|reload_app'
expect_deviations 20 libreload_b.so file.read "$cwd/data.2" '^libreload_b.so\|reload_app'
expect_deviations 0 libreload_a.so file.read "$cwd/data.2"
expect_deviations 0 libreload_b.so file.read "$cwd/data.1"
