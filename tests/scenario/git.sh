#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# git: a local repository made, cloned and changed, under the shipped policies.
. "$(dirname "$0")/../lib/scenario.sh"

need_program git
# prepare runs bare, before each run
prepare()
{
	export GIT_AUTHOR_DATE=2024-01-01T00:00:00Z GIT_COMMITTER_DATE=2024-01-01T00:00:00Z
	git config --global user.name Tester
	git config --global user.email tester@example.org
	git config --global init.defaultBranch main
	git init -q origin
	for number in 1 2 3; do
		echo "file $number" >origin/file$number
		git -C origin add .
		git -C origin commit -q -m "commit $number"
	done
}

watch clone -- git clone -q origin copy
expect_event git file.write 5
expect_event git exec.run
expect_clean
expect_covered

watch clone-protocol -- git clone -q --no-local origin copy
expect_event git exec.run
expect_clean

watch work -- sh -c 'cd origin && echo more >>file1 && git add -A && git commit -q -m more && git log --format="%s %an" && git diff HEAD~1 && git status --short && git gc -q'
expect_event git file.write 3
expect_clean
