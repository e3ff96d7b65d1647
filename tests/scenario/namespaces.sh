#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Programs that move into namespaces of their own are still watched.
. "$(dirname "$0")/../lib/scenario.sh"

need_program unshare
prepare() { echo hello >data.txt; }
root_of=''
[ "$(id -u)" = 0 ] || root_of=--map-root-user
unshare $root_of -p -f -n -m true 2>/dev/null || skip "namespaces cannot be made here"

for kind in pid:-pf net:-n mount:-m all:-pfnmiu; do
	watch ${kind%:*} --policy "$scenario_dir/strict.yaml" -- \
		unshare $root_of ${kind#*:} "$subjects/open_app" open data.txt
	expect_deviations 1 libopener.so file.read "$cwd/data.txt" '^libopener.so\|open_app'
	expect_covered
done

# A fork inside, seen by its pid outside.
watch forks --policy "$scenario_dir/strict.yaml" -- unshare $root_of -pf "$subjects/forks200" data.txt
expect_deviations 200 libopener.so file.read "$cwd/data.txt" '^libopener.so\|forks200'
expect_covered
