#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every way a library can start a program: charged to it, and the child is watched.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }
strict=$scenario_dir/strict.yaml

for way in posix_spawn posix_spawnp vfork fork empty; do
	watch $way --policy "$strict" -- "$subjects/spawn_app" $way /usr/bin/cat data.txt
	expect "the child did its work" grep -qx hello "$here/out"
	expect_deviations 1 libspawner.so exec.run '.*/cat' '^libspawner.so\|spawn_app'
	# cat carries what it does for its caller.
	expect_deviation libspawner.so file.read "$cwd/data.txt" '^cat\|.*libspawner.so\|spawn_app'
	expect_covered

	watch $way-missing --policy "$strict" -- "$subjects/spawn_app" $way /nonexistent/program
	expect_deviations 0 libspawner.so exec.run '.*'
done

for way in system popen; do
	watch $way --policy "$strict" --status 3 -- "$subjects/spawn_app" $way 'cat data.txt; exit 3'
	expect "the child did its work" grep -qx hello "$here/out"
	expect_deviations 1 libspawner.so exec.run '.*/(da|ba)?sh' '^libspawner.so\|spawn_app'
	expect_deviations 1 libspawner.so exec.run '.*/cat' '(da|ba)?sh\|.*libspawner.so\|spawn_app'
	expect_covered
done
