#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Killed right after an act: the act is in the log.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

for round in 1 2 3 4 5; do
	watch killed-$round --policy "$scenario_dir/strict.yaml" --status 137 --any-stderr -- \
		"$subjects/sigkill" data.txt
	expect_deviations 1 libopener.so file.read "$cwd/data.txt" '^libopener.so\|sigkill'
done
