#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 10 000 short-lived processes: none is lost, none is taken for another.
. "$(dirname "$0")/lib.sh"

[ -n "$evade_emulated" ] && count=2000 programs=50 || count=10000 programs=500
prepare() { for letter in a b c d; do echo hello >data.$letter; done; }

everyone()
{
	for letter in a b c d; do
		expect_deviations $((count / 4)) libopener.so file.read "$cwd/data.$letter" '^libopener.so\|evade_crowd'
	done
	expect_count libopener.so file.read $count
	expect_covered
	expect "nothing was lost" test "$(lost_count)" = 0
}

# The same with programs.
programs()
{
	observe $1 programs -- sh -c 'i=0; while [ $i -lt '$programs' ]; do /usr/bin/cat data.a; i=$((i + 1)); done'
	expect_logged $programs " file.read $cwd/data.a = [0-9]+ .*\\bcat\\|"
	expect_logged $programs ' exec.run [^ ]*/cat '
	expect_covered
	expect "nothing was lost" test "$(lost_count)" = 0
}

observe shim crowd --policy "$scenario_dir/none.yaml" -- "$evade/evade_crowd" $count 20 data
everyone
programs shim
need_vantage both
observe both crowd --policy "$scenario_dir/none.yaml" -- "$evade/evade_crowd" $count 20 data
everyone
programs both
