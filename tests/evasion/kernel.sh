#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The kernel alone: nobody can go round a shim that is not there. What the libraries of the other tests
# do is seen like any other act and charged to them, by the stack.
. "$(dirname "$0")/lib.sh"

prepare() { echo secret >secret.txt; echo mine >mine.txt; echo victim >victim.txt; }
listen
need_vantage kernel

# acts RUN SUBJECT ACTION OBJECT-REGEX -- COMMAND...
acts()
{
	local run=$1 subject=$2 action=$3 object=$4
	shift 5
	observe kernel "$run" --policy "$scenario_dir/none.yaml" -- "$@"
	expect_deviation "$subject" "$action" "$object"
	expect_verdict deviates
}

acts raw-open libevade_raw.so file.read "$cwd/secret.txt" -- "$evade/evade_raw" open secret.txt
acts raw-connect libevade_raw.so net.connect "127.0.0.1:$port" -- "$evade/evade_raw" connect "$port"
acts raw-unlink libevade_raw.so file.delete "$cwd/victim.txt" -- "$evade/evade_raw" unlink victim.txt
acts pointer libevade_pointer.so file.read "$cwd/secret.txt" -- "$evade/evade_pointer" secret.txt
acts handle libevade_handle.so file.read "$cwd/secret.txt" -- "$evade/evade_handle" open secret.txt
acts newlm libevade_newlm.so file.read "$cwd/secret.txt" -- "$evade/evade_newlm" secret.txt
acts deepbind libevade_deepbind.so file.read "$cwd/secret.txt" -- \
	"$evade/evade_deepbind" "$evade/libevade_deepbind.so" secret.txt
acts got libevade_got.so file.read "$cwd/secret.txt" -- "$evade/evade_got" secret.txt mine.txt
acts scribble libevade_scribble.so file.read "$cwd/secret.txt" -- "$evade/evade_scribble" data secret.txt
# There is no slot to forge: it merely acts.
acts forge libevade_forge.so file.read "$cwd/secret.txt" -- "$evade/evade_forge" raw secret.txt mine.txt
acts forge-run libevade_forge.so exec.run '.*/true' -- "$evade/evade_forge" run /bin/true mine.txt
for way in libc raw; do
	acts scrub-$way libevade_scrub.so exec.run '.*/cat' -- "$evade/evade_scrub" $way /usr/bin/cat secret.txt
done
if [ -e "$evade/evade_copy" ]; then
	acts copy libevade_copy.so file.read "$cwd/secret.txt" -- "$evade/evade_copy" open secret.txt
fi
fresh
if ! (cd "$cwd" && "$evade/evade_uring" open secret.txt) | grep -q 'could not be done: 3'; then
	acts uring libevade_uring.so file.read "$cwd/secret.txt" -- "$evade/evade_uring" open secret.txt
fi

# Code in no file: a subject of its own, and the library that made it.
observe kernel anonymous --policy "$scenario_dir/none.yaml" -- "$evade/evade_anonymous" secret.txt
expect_logged 1 " file.read $cwd/secret.txt = "
expect_alert "the library made memory executable" \
	'.subject.name == "libevade_anonymous.so" and .action == "exec.code"'
expect_verdict deviates

# Programs no shim could enter.
for program in /usr/bin/cat "$evade/evade_plain_static"; do
	observe kernel "plain-${program##*/}" -- env -i "$program" secret.txt
	expect_event "${program##*/}" file.read
	expect_no_deviation
done
