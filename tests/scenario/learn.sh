#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Profiles out of recordings of real programs: tried on the same logs they add no deviation and hide
# none; the same logs in another order give the same files; more logs a small difference.
. "$(dirname "$0")/../lib/scenario.sh"

need_program curl git jq
man=$root/collector/man/sowatch-learn.1.scd

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

# findings LOG POLICY...: which acts deviate, a line each
findings()
{
	local log=$1 policy options=()
	shift
	for policy; do options+=(-p "$policy"); done
	"$sowatch" replay -q --accept shim-only "${options[@]}" --alerts "$work/alerts" "$log" \
		>/dev/null 2>"$work/findings.err"
	[ ! -s "$work/findings.err" ] || fail "replay complains" - <"$work/findings.err"
	jq -c '[.process.pid, .action, .object]' "$work/alerts" | sort -u
}

# learn NAME LOG...: into $work/NAME
learn()
{
	local name=$1 status
	shift
	"$sowatch" learn "$@" -o "$work/$name" >"$work/$name.told" 2>&1
	status=$?
	check
	[ $status = 0 ] || fail "learn ended with $status" - <"$work/$name.told"
	mkdir -p "$work/$name"
}

# same_findings NAME LOG...: with what was learned nothing deviates but what did before, and all of that
same_findings()
{
	local name=$1 log
	shift
	for log; do
		findings "$log" "$root/policies" >"$work/before"
		findings "$log" "$root/policies" "$work/$name" >"$work/above"
		findings "$log" "$work/$name" "$root/policies" >"$work/below"
		check
		cmp -s "$work/before" "$work/above" ||
			fail "$name: learned on top, other acts deviate" - < <(diff "$work/before" "$work/above")
		check
		cmp -s "$work/before" "$work/below" ||
			fail "$name: learned below, other acts deviate" - < <(diff "$work/before" "$work/below")
	done
}

same_files() { diff -r "$work/$1" "$work/$2" >"$work/same"; }

. "$root/tests/lib/acts.sh"
acts_write
for i in 1 2 3; do
	acts_record $i
done
for name in curl python git; do
	watched=$name
	learn $name "$work/logs/$name"[123].swl
	expect "there are profiles" grep -q 'name: "learned ' -r "$work/$name" --include='*.learned.yaml'
	same_findings $name "$work/logs/$name"[123].swl
	learn $name-turned "$work/logs/$name"{3,1,2}.swl
	expect "the order of logs does not matter" same_files $name $name-turned
	"$sowatch" policy check "$root/policies" "$work/$name" >"$work/checked" 2>&1
	expect "what was learned is a policy" test $? = 0
	for file in "$work/$name"/*.learned.yaml; do
		grep -oE '\{id: [a-z]+-[0-9a-f]+' "$file" | cut -d' ' -f2 | sort >"$work/ids"
		jq -r '.rules | keys[]' "${file%.learned.yaml}.evidence.json" |
			grep -vE '^(code|inspect)-' | sort >"$work/known"
		check
		cmp -s "$work/ids" "$work/known" || fail "rules and evidence of ${file##*/}" - < <(
			diff "$work/ids" "$work/known")
		expect "nothing is called complete" grep -q '^# Not complete: ' "$file"
		expect "holes are told" grep -q '^# Holes .*shim-only' "$file"
	done
done

watched=generalised
script=$work/python/act.py.learned.yaml
expect "temporary names" grep -qE 'path: ".*/tmp/tmp\*/x\.db"' "$script"
expect "pids" grep -q 'path: "/tmp/act-\*\.pid"' "$script"
expect "ports that Linux chose" grep -qF 'to: [localhost], ports: [0], proto: tcp' "$script"
expect "and those connected to" grep -qF 'to: [localhost], ports: ["32768-65535"], proto: tcp' "$script"
expect "programs with their arguments" grep -qF 'program: /usr/bin/git, args: ["--version"]' "$script"
expect "git's objects" grep -qE '/objects/\*/\*"' "$work/git/git.learned.yaml"
expect "no whole trees" test -z "$(cat "$work"/{curl,python,git}/*.learned.yaml | grep -F '**')"

# A third run of the same changes the head, and what a name in two runs alone could not tell.
watched=again
learn again "$work/logs/python"[12].swl
cp -r "$work/again" "$work/first"
learn again "$work/logs/python"[123].swl
diff "$work/first/act.py.learned.yaml" "$work/again/act.py.learned.yaml" >"$work/small"
expect "more logs, a small difference ($(wc -l <"$work/small") lines)" test "$(wc -l <"$work/small")" -le 26

# Learning from other logs keeps what the first ones showed; from the same ones it forgets nothing either.
watched=kept
learn kept "$work/logs/python1.swl"
echo 'open("/tmp/sowatch-later", "w").close()' >>"$work/act.py"
record later "$python" "$work/act.py"
rm -f /tmp/sowatch-later
cp -r "$work/kept" "$work/old"
learn kept "$work/logs/later.swl"
expect "the new is there" grep -q 'path: /tmp/sowatch-later' "$work/kept/act.py.learned.yaml"
expect "the old was kept, and that is said" grep -qE '^# Kept from runs that were not read again: [1-9]' \
	"$work/kept/act.py.learned.yaml"
same_findings kept "$work/logs/later.swl" "$work/logs/python1.swl"
learn kept "$work/logs/python1.swl" "$work/logs/later.swl"
expect "with all logs nothing is kept" test -z "$(grep '^# Kept' "$work/kept/act.py.learned.yaml")"
echo '# mine' >>"$work/kept/act.py.learned.yaml"
cp "$work/kept/act.py.learned.yaml" "$work/mine"
learn kept "$work/logs/later.swl"
expect "a changed file is left alone" cmp "$work/mine" "$work/kept/act.py.learned.yaml"
expect "and that is said" grep -q 'act.py.learned.yaml is not as it was written' "$work/kept.told"
expect "the new one lies beside it" grep -q 'sowatch-later' "$work/kept/act.py.learned.yaml.new"

# A learned profile that somebody built upon is theirs.
watched=extended
mkdir "$work/mine.d"
cp "$work/kept/git.learned.yaml" "$work/mine.d/"
cat >"$work/mine.d/mine.yaml" <<YAML
version: 1
profiles:
  - name: learned git
    extends: learned git
    env: {read: [MINE]}
YAML
"$sowatch" learn "$work/logs/python1.swl" -p "$root/policies" -p "$work/mine.d" -o "$work/extended" >"$work/extended.told" 2>&1
expect "it goes on" test $? = 0
expect "it is not made anew" test ! -e "$work/extended/git.learned.yaml"
expect "the others are" test -e "$work/extended/act.py.learned.yaml"

# A package that was imported and did nothing: what it does first deviates.
watched=quiet
mkdir -p "$work/site/silent_thing" "$work/site/Silent_Thing-1.dist-info"
printf 'Name: Silent_Thing\nVersion: 1\n' >"$work/site/Silent_Thing-1.dist-info/METADATA"
printf '%s,,\n' silent_thing/__init__.py Silent_Thing-1.dist-info/METADATA >"$work/site/Silent_Thing-1.dist-info/RECORD"
echo 'def work(): return 42' >"$work/site/silent_thing/__init__.py"
echo 'import sys; sys.path.insert(0, sys.argv[1]); import silent_thing; silent_thing.work()' >"$work/quiet.py"
"$python" "$work/quiet.py" "$work/site" # from here on it is compiled, and the source not opened
expect "it was compiled" test -n "$(ls "$work/site/silent_thing/__pycache__"/*.pyc 2>/dev/null)"
record quiet "$python" -B "$work/quiet.py" "$work/site"
learn quiet "$work/logs/quiet.swl"
expect "it has a profile" grep -qF 'match: {python: silent-thing}' "$work/quiet/silent-thing.learned.yaml"
expect "that allows nothing" test "$(grep -cE '^    (network|file|exec): none$' "$work/quiet/silent-thing.learned.yaml")" = 3
expect "it is told" grep -qE '^  [0-9]+ without a rule, .*silent-thing' "$work/quiet.told"
expect "the shim is nobody" test ! -e "$work/quiet/libsowatch.so.learned.yaml"
same_findings quiet "$work/logs/quiet.swl"
learn acting --only-acting "$work/logs/quiet.swl"
expect "none when they are not wanted" test ! -e "$work/acting/silent-thing.learned.yaml"
echo 'def work(): open("/etc/hostname").close()' >"$work/site/silent_thing/__init__.py"
rm -r "$work/site/silent_thing/__pycache__"
record acts "$python" -B "$work/quiet.py" "$work/site"
findings "$work/logs/acts.swl" "$root/policies" >"$work/before"
expect "without it nobody minds" test ! -s "$work/before"
findings "$work/logs/acts.swl" "$work/quiet" "$root/policies" >"$work/after"
expect "with it, it deviates" grep -q '"file.read",{"path":"/etc/hostname"' "$work/after"

# What is flagged is left out, said, and still flagged.
watched=flagged
cat >"$work/bad.py" <<'PY'
import os
open(os.path.expanduser("~/.bashrc"), "a").close()
open("ordinary", "w").close()
PY
record bad "$python" "$work/bad.py"
findings "$work/logs/bad.swl" "$root/policies" >"$work/before"
expect "the guard flags it" grep -q bashrc "$work/before"
learn flagged "$work/logs/bad.swl"
expect "it is said" grep -qE '^  bad\.py file\.write .*\.bashrc, by guards: ' "$work/flagged.told"
expect "it is not learned" test -z "$(cat "$work"/flagged/*.learned.yaml | grep bashrc)"
expect "the rest is" grep -q ordinary "$work/flagged/bad.py.learned.yaml"
expect "the evidence says by whom" jq -e '.left_out[] | select(.flagged_by | test("guards"))' \
	"$work/flagged/bad.py.evidence.json"
same_findings flagged "$work/logs/bad.swl"

# The evidence's fields are those of the page.
watched=fields
cat "$work"/*/*.evidence.json | jq -r 'paths | map(if type == "number" then "[]" else "." + . end) | join("")' |
	sed -E 's/^\.//; s/^rules\.[a-z]+-[0-9a-f]+/rules.ID/; s/^rules\.ID$/rules/; s/^(runs\[\]\.holes)\..*/\1/' |
	sed -E 's/(\[\])+$//' | sort -u >"$work/fields"
awk '/^# / { on = $2 == "EVIDENCE" } on && /^\*/ { gsub(/[*\\]/, ""); print $1 }' "$man" |
	sed -E 's/(\[\])+$//' | sort -u >"$work/documented"
check
cmp -s "$work/fields" "$work/documented" || fail "fields and page" - < <(
	diff "$work/fields" "$work/documented")

# Mistakes, damage, torn logs.
watched=mistakes
"$sowatch" learn >/dev/null 2>"$work/err"
expect "no log is a mistake" test $? = 2
"$sowatch" learn "$work/nowhere.swl" -o "$work/none" >/dev/null 2>"$work/err"
expect "a log that is not there is one" test $? = 2
expect "it is named" grep -q nowhere "$work/err"
expect "nothing was written" test ! -e "$work/none"
"$sowatch" learn "$work/logs/curl1.swl" -o "$work/act.py" >/dev/null 2>&1
expect "a file is no directory" test $? = 2
size=$(stat -c %s "$work/logs/git1.swl")
cp "$work/logs/git1.swl" "$work/damaged.swl"
printf 'XXXXXXXX' | dd of="$work/damaged.swl" bs=1 seek=$((size / 2)) conv=notrunc status=none
"$sowatch" learn "$work/damaged.swl" -o "$work/damaged" >/dev/null 2>"$work/err"
expect "damage is 3" test $? = 3
head -c $((size - 7)) "$work/logs/git1.swl" >"$work/torn.swl"
"$sowatch" learn "$work/torn.swl" -o "$work/torn" >"$work/torn.told" 2>&1
expect "a torn log is told" grep -q '^hole: the log ends before its end mark' "$work/torn.told"
