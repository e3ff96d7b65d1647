#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two versions of a library, recorded: what the second does beyond the first is told, gates, and is
# valid SARIF; two recordings of the same program differ in nothing.
. "$(dirname "$0")/../lib/scenario.sh"

need_program curl git jq cc
man=$root/collector/man/sowatch-diff.1.scd

# record NAME CMD...: into $work/logs/NAME.swl, in an empty working directory
record()
{
	local name=$1
	shift
	mkdir -p "$work/logs"
	fresh
	(cd "$cwd" && exec timeout -k 5 60 "$sowatch" run -q --vantage shim -p "$root/policies" \
		-o "$work/logs/$name.swl" -- "$@") >"$work/record.out" 2>"$work/record.err" </dev/null ||
		fail "recording $name failed" - < <(cat "$work/record.err" "$work/record.out")
}

# compare STATUS [OPTION]... LOG LOG: the status it must end with; what it says goes to $work/said
compare()
{
	local want=$1 got
	shift
	"$sowatch" diff "$@" >"$work/said" 2>"$work/err"
	got=$?
	check
	[ $got = "$want" ] || fail "diff ended with $got, expected $want" - < <(cat "$work/err" "$work/said")
}

said() { grep -qE -- "$1" "$work/said"; }

cat >"$work/foo.c" <<'C'
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
int foo_work(void);
static void touch(const char *path, int flags)
{
	int fd = open(path, flags, 0600);
	if (fd >= 0)
		close(fd);
}
int foo_work(void)
{
	char name[] = "/tmp/foo.XXXXXX", lock[64];
	int fd = mkstemp(name);
	if (fd >= 0 && !close(fd))
		unlink(name);
	snprintf(lock, sizeof(lock), "/tmp/foo-%d.lock", (int)getpid());
	touch(lock, O_CREAT | O_WRONLY);
	unlink(lock);
	touch("/etc/hosts", O_RDONLY);
#if VERSION == 1
	touch("/etc/hostname", O_RDONLY);
#else
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(4444)};
	inet_pton(AF_INET, "127.0.0.66", &to.sin_addr);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	connect(fd, (struct sockaddr *)&to, sizeof(to));
	close(fd);
	if (getenv("AWS_SECRET_ACCESS_KEY") || system("true"))
		return 1;
#endif
	return 0;
}
C
cat >"$work/app.c" <<'C'
int foo_work(void);
int main(void) { volatile int status = foo_work(); return status; }
C
for version in 1 2; do
	mkdir "$work/v$version"
	cc -DVERSION=$version -shared -fPIC -Wl,-soname,libfoo.so.$version \
		-o "$work/v$version/libfoo.so.$version" "$work/foo.c" &&
		ln -s libfoo.so.$version "$work/v$version/libfoo.so" &&
		cc -o "$work/v$version/app" "$work/app.c" -L"$work/v$version" -lfoo \
			-Wl,-rpath,"$work/v$version" || fail "version $version does not build"
	record v$version-1 "$work/v$version/app"
	record v$version-2 "$work/v$version/app"
done
cd "$work/logs" || exit 1

watched=same
compare 0 v1-1.swl v1-2.swl
expect "nothing changed" said '^unchanged: 0 appeared, 0 vanished'
expect "what could not be seen is said" said '^hole in both: the kernel side is missing'
expect "no line of a difference" test -z "$(grep -E '^  [+-] ' "$work/said")"

watched=grown
compare 1 v1-1.swl v2-1.swl --json "$work/json" --sarif "$work/sarif"
expect "the two are one, and it is said" said '^library libfoo\.so\.1 -> libfoo\.so\.2.*taken for the same'
expect "the peer" said '^  \+ net\.connect 127\.0\.0\.66:4444/tcp \(1 time\) +from app > .*libfoo\.so\.2$'
expect "the program" said '^  \+ exec\.run .* -c true '
expect "the variable" said '^  \+ env\.read AWS_SECRET_ACCESS_KEY '
expect "what vanished" said '^  - file\.read /etc/hostname$'
expect "nothing else" test "$(grep -cE '^  [+-] ' "$work/said")" = 4
expect "the verdict" said '^grown: 3 appeared, 1 vanished, in 1 of '
expect "JSON says the same" jq -e '.verdict == "grown" and .appeared == 3 and .vanished == 1 and
	([.subjects[] | select(.name == "libfoo.so.2" and .matched_by == "stem" and .before.name == "libfoo.so.1")
		| .appeared[].action] == ["net.connect", "exec.run", "env.read"])' "$work/json"
expect "the stack's innermost is the library" jq -e '[.subjects[].appeared[].stack[0]] | unique == ["libfoo.so.2"]' "$work/json"
expect "SARIF has a result for each" jq -e '[.runs[0].results[].ruleId] == ["appeared/net.connect",
	"appeared/exec.run", "appeared/env.read", "vanished/file.read"]' "$work/sarif"
expect "and the modules of the stack" jq -e '.runs[0].results[0].stacks[0].frames[0].module == "libfoo.so.2"' "$work/sarif"
expect "and rules that the index names" jq -e '.runs[0] | .tool.driver.rules as $rules |
	all(.results[]; $rules[.ruleIndex].id == .ruleId)' "$work/sarif"
check
"$python" - "$scenario_dir/sarif.schema.json" "$work/sarif" >"$work/schema" 2>&1 <<'PY' || fail "SARIF" - <"$work/schema"
import json, sys
import jsonschema
jsonschema.validate(json.load(open(sys.argv[2])), json.load(open(sys.argv[1])))
PY

watched=sides
compare 1 v1-1.swl v1-2.swl -- v2-1.swl v2-2.swl
expect "two against two" said 'in 1 of [0-9]+ subjects \(2 runs against 2\)$'
compare 0 v1-1.swl v2-1.swl -- v2-2.swl
expect "what one of the old ones did is not new" said '^shrunk: 0 appeared, [1-9][0-9]* vanished'
compare 0 v2-2.swl v2-1.swl
"$sowatch" diff v2-1.swl v2-2.swl v1-1.swl >/dev/null 2>"$work/err"
expect "three logs need a --" test $? = 2
"$sowatch" diff v1-1.swl v2-1.swl >"$work/one"
"$sowatch" diff v1-1.swl v2-1.swl >"$work/two"
expect "the same words each time" cmp "$work/one" "$work/two"

# The same programs, recorded twice.
. "$root/tests/lib/acts.sh"
acts_write
for i in 1 2; do
	acts_record $i
done
for name in curl python git; do
	watched=$name
	compare 0 ${name}1.swl ${name}2.swl
	expect "nothing changed" said '^unchanged: 0 appeared, 0 vanished'
done

# The JSON's fields are those of the page.
watched=fields
"$sowatch" diff v1-1.swl v2-1.swl --json - |
	jq -r 'paths | map(if type == "number" then "[]" else "." + . end) | join("")' |
	sed -E 's/^\.//; s/^((before|after)\[\]\.holes)\..*/\1/; s/^after\[\]\..*/after[]/
		s/^(subjects\[\]\.after)\..*/\1/; s/^(subjects\[\]\.vanished\[\])\..*/\1/' | sort -u >"$work/there"
# An array and its members are one; what is null on one side is told by its name.
{ cat "$work/there"; printf '%s\n' 'subjects[].after' 'subjects[].before'; } | sed -E 's/(\[\])+$//' | sort -u >"$work/fields"
awk '/^# / { on = $2 == "JSON" } on && /^\*/ && !/^\*--/ { gsub(/[*\\]/, ""); print $1 }' "$man" |
	sed -E 's/(\[\])+$//' | sort -u >"$work/documented"
check
cmp -s "$work/fields" "$work/documented" || fail "fields and page" - < <(
	diff "$work/fields" "$work/documented")

watched=mistakes
"$sowatch" diff v1-1.swl nowhere.swl >/dev/null 2>"$work/err"
expect "a log that is not there is a mistake" test $? = 2
"$sowatch" diff v1-1.swl >/dev/null 2>"$work/err"
expect "so is a single one" test $? = 2
size=$(stat -c %s v2-1.swl)
cp v2-1.swl damaged.swl
printf 'XXXXXXXX' | dd of=damaged.swl bs=1 seek=$((size / 2)) conv=notrunc status=none
compare 3 v1-1.swl damaged.swl
"$sowatch" diff v1-1.swl v1-2.swl --sarif /nowhere/x >/dev/null 2>"$work/err"
expect "what cannot be written is told" test $? = 2
