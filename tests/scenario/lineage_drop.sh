#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Writing a program and then running it, by one subject's own side, is one finding of kind sequence;
# what comes out of compilers, and what people's shells run, is not.
. "$(dirname "$0")/../lib/scenario.sh"

need_program bash dash setsid nohup
script() { cat >"$work/$1"; chmod +x "$work/$1"; }

# dropped NAME SUBJECT FILE: exactly one, and it says what it is
dropped()
{
	expect_alert "running $3 is the sequence of $2" \
		".kind == \"sequence\" and .subject.name == \"$2\" and .action == \"exec.run\"
			and (.object.program | endswith(\"/$3\")) and .rule.profile == \"guards\"
			and .rule.id == \"dropped-program\" and .severity == \"high\""
	check
	[ "$(jq -s '[.[] | select(.kind == "sequence")] | length' "$here/alerts.jsonl")" = 1 ] ||
		fail "expected one sequence; told were" - < <(alerts_told)
}

undropped()
{
	check
	[ "$(jq -s '[.[] | select(.kind == "sequence")] | length' "$here/alerts.jsonl")" = 0 ] ||
		fail "expected no sequence; told were" - < <(alerts_told)
}

script copier <<'END'
#!/bin/bash
cp /usr/bin/true ./runner
chmod +x ./runner
./runner
END
watch copied --status 0 -- "$work/copier"
dropped copied copier runner
line=''
has_shim && line=:4
expect_said "script copier$line ran .*/runner .*: a file that it"

script mover <<'END'
#!/bin/dash
cat /usr/bin/true >./part
chmod 755 ./part
mv ./part ./final
./final
END
watch moved --status 0 -- "$work/mover"
dropped moved mover final

script writer <<'END'
#!/bin/bash
printf '#!/bin/sh\nexit 0\n' >./stage2
chmod +x ./stage2
setsid nohup ./stage2 >/dev/null 2>&1 </dev/null
END
watch detached --status 0 -- "$work/writer"
check
jq -se 'map(select(.kind == "sequence")) | length == 1 and (.[0].object.program | endswith("/stage2"))' \
	"$here/alerts.jsonl" >/dev/null || fail "expected one sequence; told were" - < <(alerts_told)

script nested <<'END'
#!/bin/bash
bash -c 'sh -c "cp /usr/bin/true ./deep"'
(bash -c './deep')
END
watch nested --status 0 -- "$work/nested"
dropped nested nested deep

# What another run left behind, and what is only read, is nobody's.
script reader <<'END'
#!/bin/bash
cat ./old >/dev/null
./old
sh ./text
END
prepare() { cp /usr/bin/true ./old; echo 'exit 0' >./text; }
watch old --status 0 -- "$work/reader"
undropped
unset -f prepare

# A shell in which somebody types.
watch typed --status 0 -- bash -c 'cp /usr/bin/true ./mine; ./mine'
undropped

# configure's and make's way of working.
if command -v gcc >/dev/null && command -v make >/dev/null; then
	script configure <<'END'
#!/bin/sh
echo 'int main(void) { return 0; }' >conftest.c
gcc -o conftest conftest.c || exit 1
./conftest || exit 1
printf 'all:\n\tgcc -o prog conftest.c\n\t./prog\n' >Makefile
make -s
END
	watch compiled --status 0 -- "$work/configure"
	undropped
fi
