#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# unsetenv, then a program with an empty environment: by libc's execve the shim comes along, by a system call of one's own it does not.
. "$(dirname "$0")/lib.sh"

prepare() { echo secret >secret.txt; }

# Through libc nothing is evaded.
observe shim dynamic -- "$evade/evade_scrub" libc /usr/bin/cat secret.txt
expect_event libevade_scrub.so exec.run
expect_covered
expect_verdict unknown
observe shim static -- "$evade/evade_scrub" libc "$evade/evade_plain_static" secret.txt
expect_event libevade_scrub.so exec.run
expect_uncovered evade_plain_static
expect_verdict unknown
for program in /usr/bin/cat "$evade/evade_plain_static"; do
	observe shim "raw-${program##*/}" -- "$evade/evade_scrub" raw "$program" secret.txt
	expect_invisible libevade_scrub.so exec.run
done

need_vantage both
observe both dynamic -- "$evade/evade_scrub" libc /usr/bin/cat secret.txt
expect_event libevade_scrub.so exec.run
expect_event cat file.read
expect_honest
observe both static -- "$evade/evade_scrub" libc "$evade/evade_plain_static" secret.txt
expect_event libevade_scrub.so exec.run
expect_event evade_plain_static file.read
expect_uncovered evade_plain_static
expect_no_deviation
for program in /usr/bin/cat "$evade/evade_plain_static"; do
	observe both "raw-${program##*/}" -- "$evade/evade_scrub" raw "$program" secret.txt
	expect_finding bypass libevade_scrub.so exec.run ".*/${program##*/}"
	expect_uncovered "${program##*/}"
	expect_event "${program##*/}" file.read
	expect_verdict deviates
	expect "it says who started the uncovered process" grep -q libevade_scrub.so "$here/summary.json"
done
