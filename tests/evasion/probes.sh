#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the probes alone tell, before any collector has looked at it.
. "$(dirname "$0")/lib.sh"

dump=$SOWATCH_BUILD/bin/sowatch-bpf-dump
[ -x "$dump" ] || skip "built without the kernel's side"
fresh
"$dump" -- /bin/true >"$work/first" 2>"$work/first.err" </dev/null || skip "$(head -n 1 "$work/first.err")"

# The better mechanism wherever the kernel has it.
watched=mechanism
lsm=$(cat /sys/kernel/security/lsm 2>/dev/null)
case ,$lsm, in
*,bpf,*) expect "LSM is used where it is to be had" grep -q '^mechanism lsm' "$work/first.err" ;;
*) expect "another mechanism is used" grep -q '^mechanism tp' "$work/first.err" ;;
esac
head -n 1 "$work/first.err"

# told NAME COMMAND...: runs it under the dump; the records are in $here/told.
told()
{
	watched=$1
	here=$work/run-$1
	mkdir -p "$here"
	fresh
	shift
	# What the command prints would come in the middle of a record.
	(cd "$cwd" && exec timeout --foreground -k 5 60 "$dump" -- sh -c 'exec "$@" >/dev/null' - "$@") \
		>"$here/told" 2>"$here/err" </dev/null
}

# expect_told ACTION REST: a record with it
expect_told()
{
	check
	grep -qE -- " $1 #[0-9]+ = $2" "$here/told" || fail "expected a record $1 = $2; told were" - < <(
		grep -F " $1 " "$here/told")
}

count_told() { grep -E -- " $1 .* path=\"$2\"" "$here/told" | grep -c .; }

prepare()
{
	echo secret >secret.txt
	echo victim >victim.txt
	echo decoy >name.a
	echo secret >name.b
	for letter in a b c d; do echo hello >data.$letter; done
}
listen

told raw-open "$evade/evade_raw" open secret.txt
expect_told file.read "[0-9]+ object path=\"$cwd/secret.txt\" .* stack"
told raw-connect "$evade/evade_raw" connect "$port"
expect_told net.connect "0 object 127\.0\.0\.1:$port"
told raw-unlink "$evade/evade_raw" unlink victim.txt
expect_told file.delete "0 [a-z]+ path=\"$cwd/victim.txt\""
told pointer "$evade/evade_pointer" secret.txt
expect_told file.read "[0-9]+ object path=\"$cwd/secret.txt\""
told anonymous "$evade/evade_anonymous" secret.txt
expect_told file.read "[0-9]+ object path=\"$cwd/secret.txt\""
expect_told exec.code '0 .*range='
told static "$evade/evade_plain_static" secret.txt
expect_told file.read "[0-9]+ object path=\"$cwd/secret.txt\""

if ! (fresh; cd "$cwd" && "$evade/evade_uring" open secret.txt) | grep -q 'could not be done: 3'; then
	told uring-open "$evade/evade_uring" open secret.txt
	expect_told file.read "[0-9]+ object path=\"$cwd/secret.txt\" .*io_uring"
	told uring-connect "$evade/evade_uring" connect "$port"
	expect_told net.connect "[-0-9]+ [a-z]+ 127\.0\.0\.1:$port.*io_uring"
	told uring-unlink "$evade/evade_uring" unlink victim.txt
	expect_told file.delete "0 [a-z]+ path=\"$cwd/victim.txt\".*io_uring"
fi

for way in path link; do
	link=''
	[ $way = path ] || link=name.link
	told phantom-$way "$evade/evade_phantom" $way name.a name.b 300 $link
	read -r _ decoy _ secret < <(grep '^decoy ' "$here/err")
	expect "the decoy is told as often as it was opened" \
		test "$(count_told file.read "$cwd/name.a")" = "$decoy"
	expect "the secret is told as often as it was opened" \
		test "$(count_told file.read "$cwd/name.b")" = "$secret"
done

told crowd "$evade/evade_crowd" 1000 20 data
expect "every child's open is told" test "$(count_told file.read "$cwd/data.[a-d]")" = 1000
expect "every fork is told" test "$(grep -c ' fork ' "$here/told")" = 1000
