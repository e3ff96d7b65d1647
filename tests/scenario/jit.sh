#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Code made at run time is its maker's, and who called it is found by its frame pointer; where that
# leads elsewhere, or the maker is not known, nobody is accused and nothing is called clean.
. "$(dirname "$0")/../lib/scenario.sh"
export SCENARIO_SUBJECTS=$subjects

prepare()
{
	echo hello >data.txt
	cat >hot.js <<-'END'
		"use strict";
		const fs = require("fs");
		let body = "let x = n;";
		for (let i = 0; i < 200; i++)
			body += `x = (x * 31 + ${i}) | 0; if (x === ${i}) x += n;`;
		for (let i = 0; i < 40; i++) {
			const hot = new Function("fs", "n", `${body}
				if (n % 500 === 499) fs.closeSync(fs.openSync("data.txt", "r+"));
				return x;`);
			for (let n = 0; n < 3000; n++)
				hot(fs, n);
		}
	END
}
policy=$scenario_dir/jit.yaml

# Every page is used at once: under both, its stack is in the ring before the kernel's record of who
# made it has been read.
watch framed --policy "$policy" -- "$subjects/jit_app" framed data.txt 400
expect_deviations 400 libasker.so file.read "$cwd/data.txt" '^code\|libjit.so\|libasker.so\|jit_app'
expect_attribution inferred
expect_no_loss

watch forked --policy "$policy" -- "$subjects/jit_app" forked data.txt 3
expect_deviations 3 libasker.so file.read "$cwd/data.txt" '^code\|libjit.so\|libasker.so\|jit_app'

# The frame pointer is of somebody further out: libasker is stepped over, and that is known.
watch bare --policy "$policy" -- "$subjects/jit_app" bare data.txt 20
expect_no_deviation
expect_verdict unknown
expect_event jit_app file.read 20

# Made executable past libc: the kernel knows by whom, the shim does not. With both that is a finding
# of its own, and the shim's stack, which may be read before the kernel's record, is nobody's.
watch raw --policy "$policy" -- "$subjects/jit_app" raw data.txt 20
case $vantage in
kernel)
	expect_deviations 20 libasker.so file.read "$cwd/data.txt" '^code\|libjit.so\|libasker.so'
	expect_verdict deviates
	;;
both)
	expect_deviations 20 libjit.so exec.code '.*'
	expect_verdict deviates
	;;
*)
	expect_no_deviation
	expect_verdict unknown
	expect_event code file.read 20
	;;
esac

# A real one, that goes from machine code to machine code and makes more of it all the time.
if need_program node; then
	watch node --policy "$policy" -- node hot.js
	expect_deviations 240 hot.js file.write "$cwd/data.txt"
	expect_count code file.write 0
fi
