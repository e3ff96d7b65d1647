#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Code in anonymous memory: a subject of its own kind, with the library that made it executable.
. "$(dirname "$0")/lib.sh"

prepare() { echo secret >secret.txt; }

observe shim open -- "$evade/evade_anonymous" secret.txt
expect_invisible libevade_anonymous.so file.read
expect_event libevade_anonymous.so exec.code

need_vantage both
observe both open -- "$evade/evade_anonymous" secret.txt
expect_alert "code outside any object was found to bypass the shim" \
	'.kind == "bypass" and .subject.kind == "code" and .action == "file.read" and .object.path == $cwd + "/secret.txt"'
expect_alert "the library that made the code executable is named" \
	'.subject.kind == "code" and (tostring | contains("libevade_anonymous.so"))'
expect_event libevade_anonymous.so exec.code
expect_verdict deviates
