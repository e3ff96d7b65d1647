#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Which line of the script it was: bash's by the shim, Python's by its frames. Where it is not known
# none is told, and the findings are the same ones.
. "$(dirname "$0")/../lib/scenario.sh"

need_program bash dash
mkdir "$work/bin"
cat >"$work/bin/lib.sh" <<'END'
from_lib()
{
	uname >/dev/null
}
tty >/dev/null
END
cat >"$work/bin/deploy.sh" <<'END'
#!/bin/bash
env >/dev/null

local_one()
{
	tr a b </dev/null
}
local_one
. "$(dirname "$0")/lib.sh"
from_lib
x=$(head -c 3 /dev/null)
cut -c1 /dev/null | sort
( id -u >/dev/null
)
: <data.txt
for i in 1 2; do
	pwd >/dev/null; /bin/pwd >/dev/null
done
END
cat >"$work/bin/deploy.py" <<'END'
import subprocess

def one():
    subprocess.run(["env"], stdout=subprocess.DEVNULL)

one()
open("data.txt").close()
END
chmod +x "$work/bin/deploy.sh"
cat >"$work/policy.yaml" <<'END'
version: 1
profiles:
  - name: deploy
    match: [{script: "**/deploy*"}]
    exec: {run: none}
    file: {read: ["**/lib.sh"]}
END
prepare() { echo some >data.txt; }

# lines: "LINE OBJECT" of every finding, in order of lines; unknown ones have none
lines()
{
	jq -r 'select(.subject.kind == "script") | "\(.subject.line // "-") " +
		((.object.program // .object.path) | split("/") | last)' "$here/alerts.jsonl" | sort -n | uniq
}
prints() { jq -r .fingerprint "$here/alerts.jsonl" | sort -u; }

# expect_lines NAME: standard input has what is to be found with a shim
expect_lines()
{
	check
	{ has_shim && cat || sed 's/^[0-9]*/-/' | sort -n | uniq; } >"$work/want"
	diff "$work/want" <(lines) >"$work/diff" || fail "$1: other lines than expected" - <"$work/diff"
}

in_script()
{
	cat <<'END'
2 env
6 tr
9 dirname
9 tty
10 uname
11 head
12 cut
12 sort
13 id
15 data.txt
17 pwd
END
}

watch bash --policy "$work/policy.yaml" --status 0 -- bash "$work/bin/deploy.sh"
in_script | expect_lines "bash"
prints >"$work/prints"
if has_shim; then
	expect_said 'script deploy\.sh:2 ran /usr/bin/env'
	expect_alert "the chain says the line once" \
		'[.chain[] | select(.name == "deploy.sh")] | length == 1 and .[0].line > 0 and .[0].kind == "script"'
else
	expect_said 'script deploy\.sh ran /usr/bin/env'
fi

watch shebang --policy "$work/policy.yaml" --status 0 -- env "$work/bin/deploy.sh"
in_script | expect_lines "by its first line"

# The same findings when something was put in above.
sed -i '1a # one\n# two' "$work/bin/deploy.sh"
watch edited --policy "$work/policy.yaml" --status 0 -- bash "$work/bin/deploy.sh"
in_script | awk '{ print $1 + 2, $2 }' | expect_lines "edited"
expect "an edit above changes no fingerprint" diff "$work/prints" <(prints)

# A file that bash reads before the script is not the script, whatever its lines are.
echo 'true; uname >/dev/null' >"$work/bin/before.sh"
watch before --policy "$work/policy.yaml" --status 0 -- \
	env BASH_ENV="$work/bin/before.sh" bash "$work/bin/deploy.sh"
expect "no line for what is before the script" grep -qx -- '- uname' <(lines)

# $0 is what the script says it is: then nothing vouches for the line.
printf 'BASH_ARGV0=other\nenv >/dev/null\n' >"$work/bin/deploy0.sh"
watch renamed --policy "$work/policy.yaml" --status 0 -- bash "$work/bin/deploy0.sh"
expect "no line under another name" grep -qx -- '- env' <(lines)

# dash keeps it to itself.
watch dash --policy "$work/policy.yaml" --status 0 -- dash "$work/bin/deploy.sh"
expect "dash has no lines" test "$(lines | grep -c '^[0-9]')" = 0
expect "dash's findings are bash's" diff <(sort -u <<<"$(in_script | cut -d' ' -f2)") \
	<(lines | cut -d' ' -f2 | sort -u)

if can_tell python; then
	watch python --policy "$work/policy.yaml" --status 0 -- "$python" "$work/bin/deploy.py"
	printf '%s\n' '1 data.txt' '3 env' | expect_lines "Python, where its functions begin"
fi
