#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# open, connect and unlink through io_uring.
. "$(dirname "$0")/lib.sh"

prepare() { echo secret >secret.txt; echo victim >victim.txt; }
listen
fresh
(cd "$cwd" && "$evade/evade_uring" open secret.txt) | grep -q 'could not be done: 3' &&
	skip "io_uring is not allowed here"

acts()
{
	observe $1 open --policy "$scenario_dir/none.yaml" -- "$evade/evade_uring" open secret.txt
	$2 libevade_uring.so file.read "$cwd/secret.txt"
	observe $1 connect --policy "$scenario_dir/none.yaml" -- "$evade/evade_uring" connect "$port"
	$2 libevade_uring.so net.connect "127.0.0.1:$port"
	observe $1 unlink --policy "$scenario_dir/none.yaml" -- "$evade/evade_uring" unlink victim.txt
	$2 libevade_uring.so file.delete "$cwd/victim.txt"
}

# The ring's worker does it, on behalf of whoever submitted it.
submitter()
{
	expect_finding 'deviation|bypass' "$@"
	expect_blame "$1"
}

acts shim expect_invisible
need_vantage both
acts both submitter
