#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The man pages say what is there, all of it, and nothing else: verbs, options, exit statuses,
# variables, policy keys, actions, holes, kinds of items, fields of alerts and summary. The last
# part changes the pages and looks whether that is noticed.
. "$(dirname "$0")/../lib/scenario.sh"

need_program jq
need_subject fixed_static
man=$root/collector/man
verb_page=sowatch.1.scd policy_page=sowatch-policy.5.scd log_page=sowatch-log.5.scd
test_page=sowatch-policy-test.5.scd

# section PAGE HEADING: what stands between this heading and the next one.
section() { awk -v heading="$2" '/^##? / { on = 0 } on; /^##? / && substr($0, index($0, " ") + 1) == heading { on = 1 }' "$man/$1"; }
# entries: the terms of a definition list, "*term* ..."; of "*1*, *2*" both.
entries() { sed -nE '/^\*/ { s/ _.*//; s/, /\n/g; p }' | sed -nE 's/^\*(.*)\*$/\1/p'; }

# same WHAT THERE DOCUMENTED: two files that must hold the same lines.
same()
{
	local lines
	check
	[ -s "$2" ] || fail "$1: nothing was found that could be documented"
	lines=$(comm -23 <(sort -u "$2") <(sort -u "$3"))
	[ -z "$lines" ] || fail "$1: not documented" - <<<"$lines"
	lines=$(comm -13 <(sort -u "$2") <(sort -u "$3"))
	[ -z "$lines" ] || fail "$1: documented, and not there" - <<<"$lines"
}

# --- what is there -----------------------------------------------------------------------------

# An option's line of --help, without what it does: "-p, --policy POLICY".
help_options()
{
	awk '/^  -|^      --/ {
		name = substr($0, 7, 28); rest = substr($0, 35); sub(/ .*/, "", rest); name = name rest
		sub(/ +$/, "", name); letter = substr($0, 3, 4); sub(/^ +/, "", letter); print letter name }'
}

find_verbs()
{
	local verb usage inner
	: >"$work/usages"
	for verb in $(sed -nE 's/^VERB\(([a-z]+), .*/\1/p' "$root/collector/cli/verbs.tbl.h"); do
		usage=$("$sowatch" "$verb" --help)
		inner=$verb
		grep -q '^ *-h, --help' <<<"$usage" ||
			inner=$(sed -nE "s/^  ([a-z]+) +.*/$verb \1/p" <<<"$usage")
		while read -r verb; do
			# shellcheck disable=SC2086
			usage=$("$sowatch" $verb --help)
			sed -nE '1s/^usage: (.*[^ ]) *$/\1/p' <<<"$usage" >>"$work/usages"
			help_options <<<"$usage" >"$work/options-${verb// /-}"
		done <<<"$inner"
	done
}

# WHERE key SHAPE; what all mappings of rules have in common is RULE's.
find_keys()
{
	sed -nE 's/^KEY\(([A-Z]+), "([^"]+)", ([A-Z]+), .*/\1 \2 \3/p' \
		"$root/collector/policy/schema.tbl.h" >"$work/schema"
	awk '
	BEGIN {
		split("PEER HOST PATH PATHS PROGRAM NAME", rules)
		for (i in rules) { is_rule[rules[i]] = 1; count++ }
		words["TEXT"] = "text"; words["TEXTS"] = "texts"; words["LIST"] = "list"
		words["MAPPINGS"] = "mappings"; words["SWITCH"] = "any|none"
		words["FAMILY"] = "family"; words["RULES"] = "rules"; words["LATER"] = "(not in this version)"
	}
	{ line[NR] = $0; where[NR] = $1; rest[NR] = $2 " " ($3 in words ? words[$3] : $3) }
	is_rule[$1] { had[$2 " " words[$3]]++ }
	END { for (i = 1; i <= NR; i++)
		print (is_rule[where[i]] && had[rest[i]] == count ? "RULE" : where[i]), rest[i] }' \
		"$work/schema" | sort -u >"$work/keys"
}

# The keys of files of cases.
find_case_keys()
{
	sed -nE 's/^KEY\(([A-Z]+), "([^"]+)", .*/\1 \2/p' "$root/collector/cases/keys.tbl.h" >"$work/case-keys"
}

# Something of everything under a guard that forbids it, so that every kind of object is in an alert.
find_fields()
{
	cat >"$work/act.py" <<'PY'
import ctypes, mmap, os, socket, subprocess
open("one", "w").close()
open("piped").close()
os.rename("one", "two")
socket.socket().connect_ex(("127.0.0.1", 1))
socket.getaddrinfo("localhost", None)
mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)
libc = ctypes.CDLL(None)
class Part(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("bytes", ctypes.c_size_t)]
text = ctypes.create_string_buffer(8)
part = ctypes.byref(Part(ctypes.addressof(text), 8))
child = os.fork()
if child == 0:
    while True:
        libc.pause()
libc.process_vm_readv(child, part, 1, part, 1, 0)
os.kill(child, 9)
os.waitpid(child, 0)
subprocess.run(["./static", "one"], stderr=subprocess.DEVNULL)
subprocess.run("cat piped | bash", shell=True)
subprocess.run(["bash", "./lines"])
PY
	cat >"$work/all.yaml" <<'YAML'
version: 1
secrets: [{name: piped, files: ["**/piped"]}]
guards:
  - {name: all, network: any, file: any, exec: any, env: any}
  - {name: carried, network: {connect: [{after: secret}]}}
YAML
	fresh
	cp "$subjects/fixed_static" "$cwd/static"
	echo 'echo more >three' >"$cwd/piped"
	echo 'echo more >four' >"$cwd/lines"
	here=$work/fields
	mkdir "$here"
	(cd "$cwd" && exec timeout -k 5 60 "$sowatch" run --vantage shim -p "$work/all.yaml" -o "$here/log.swl" \
		--alerts "$here/alerts" --summary "$here/live" -- /bin/sh -c '"$@"; :' - "$python" "$work/act.py") 2>"$here/err"
	expect "there are alerts" test -s "$here/alerts"
	head -n 1 "$here/alerts" >"$here/baseline"
	"$sowatch" replay -q --accept shim-only --baseline "$here/baseline" --summary "$here/summary" \
		"$here/log.swl"
	local file
	for file in alerts summary; do
		jq -r 'paths | map(if type == "number" then "[]" else "." + . end) | join("")' "$here/$file" |
			sed -E 's/^\.//; s/^(subjects\[\]\.actions)\..*/\1/; /\[\]$/d' | sort -u >"$work/$file.fields"
	done
}

find_tables()
{
	sed -nE 's/^ACTION\([A-Z_]+, +[0-9]+, "([^"]+)".*/\1/p' "$root/preload/wire/actions.tbl.h" >"$work/actions"
	sed -nE 's/^\tHOLE\([A-Z]+, [0-9]+, "([^"]+)".*/\1/p' "$root/collector/item.h" >"$work/holes"
	sed -nE 's/^\tBYPASS\([A-Z]+, [0-9]+, "[a-z]+", "([^"]+)".*/\1/p' "$root/collector/item.h" >"$work/bypasses"
	grep -oE '\[ITEM_[A-Z_]+\] = "[a-z]+"' "$root/collector/cli/log.c" | cut -d'"' -f2 >"$work/items"
	grep -ohE 'getenv\("[A-Z_]+"\)' "$root"/collector/cli/*.c | cut -d'"' -f2 >"$work/variables"
	sed -nE 's/^\tCLI_[A-Z]+ = ([0-9]+),.*/\1/p' "$root/collector/cli/cli.h" >"$work/statuses"
}

# --- what is documented ------------------------------------------------------------------------

documented_options()
{
	local verb=$1 usage=$2
	{
		section $verb_page "$usage"
		section $verb_page "Every verb"
		case $verb in run | replay) section $verb_page "Options of run and replay" ;; esac
	} | sed -nE '/^\*-/ { s/[*\\]//g; s/ _(.*)_$/ \1/; p }'
}

check_verbs()
{
	local usage verb
	sed -nE 's/^## (sowatch .*)/\1/p' "$man/$verb_page" >"$work/doc"
	same "verbs" "$work/usages" "$work/doc"
	while read -r usage; do
		verb=$(sed -E 's/^sowatch ([a-z ]*[a-z]).*/\1/' <<<"$usage")
		documented_options "$verb" "$usage" >"$work/doc"
		same "options of $verb" "$work/options-${verb// /-}" "$work/doc"
	done <"$work/usages"
}

check_keys()
{
	awk '/^##? / { where = "" } /^; [A-Z]+$/ { where = $2 } where && /^\*/ {
		gsub(/[*\\]/, ""); $0 = where " " $0
		if (match($0, / _.*_$/)) $0 = substr($0, 1, RSTART) substr($0, RSTART + 2, RLENGTH - 3)
		print }' "$man/$policy_page" >"$work/doc"
	same "policy keys" "$work/keys" "$work/doc"
}

check_case_keys()
{
	awk '/^# JSON/ { where = "" } /^##? / { where = "" } /^; [A-Z]+$/ { where = $2 } where && /^\*/ {
		gsub(/[*\\]/, ""); print where, $0 }' "$man/$test_page" >"$work/doc"
	same "keys of cases" "$work/case-keys" "$work/doc"
}

# What --vantage auto takes is what the page says it takes.
check_vantage()
{
	local sentence='_auto_ takes both where the probes attach, else the shim alone' took=shim
	tr '\n\t' '  ' <"$man/$verb_page" | tr -s ' ' >"$work/page"
	expect "the page says \"$sentence\"" grep -qF "$sentence" "$work/page"
	! "$sowatch" run -o "$work/both.swl" --vantage both -- true >"$work/both" 2>&1 || took=both
	"$sowatch" run -o "$work/auto.swl" --vantage auto --summary "$work/auto.json" -- true >"$work/auto" 2>&1
	expect "auto takes $took here" test "$(jq -r .coverage.vantage "$work/auto.json")" = $took
	expect "and says so" grep -qE "vantage: $took( \(..*\))?\$" "$work/auto"
}

check_pages()
{
	check_verbs
	check_keys
	check_case_keys
	section $verb_page ALERTS | entries >"$work/doc"
	same "fields of alerts" "$work/alerts.fields" "$work/doc"
	section $verb_page SUMMARY | entries >"$work/doc"
	same "fields of the summary" "$work/summary.fields" "$work/doc"
	section $verb_page ACTIONS | entries >"$work/doc"
	same "actions" "$work/actions" "$work/doc"
	section $verb_page HOLES | entries >"$work/doc"
	same "holes" "$work/holes" "$work/doc"
	section $verb_page SIGHT | grep -oFf <(sed 's/.*/*&*/' "$work/bypasses") | tr -d '*' >"$work/doc"
	same "ways round the shim" "$work/bypasses" "$work/doc"
	section $verb_page ENVIRONMENT | entries >"$work/doc"
	same "variables" "$work/variables" "$work/doc"
	section $verb_page "EXIT STATUS" | entries | grep -xE '[0-9]' >"$work/doc"
	same "exit statuses" "$work/statuses" "$work/doc"
	section $log_page ITEMS | entries >"$work/doc"
	same "kinds of items" "$work/items" "$work/doc"
}

# Every policy that a page shows loads.
check_examples()
{
	local page file count=0
	for page in $verb_page $policy_page; do
		awk -v out="$work/example-$page" '
		/^```$/ { open = !open; n += open; next }
		open { print >(out "." n ".yaml") }' "$man/$page"
	done
	for file in $(grep -lx 'version: 1' "$work"/example-*.yaml); do
		count=$((count + 1)) page=()
		! grep -qE '^ +(extends|replaces):' "$file" || page=("$root/policies")
		check
		"$sowatch" policy check "${page[@]}" "$file" >"$work/checked" 2>&1 ||
			fail "an example does not load" - <"$work/checked"
	done
	expect "there are examples ($count)" test $count -ge 3
}

# --- and it is noticed ---------------------------------------------------------------------------

# noticed MESSAGE PAGE SED: with the page changed so, the checks fail, with this message.
noticed()
{
	check
	cp "$root"/collector/man/*.scd "$work/changed/"
	sed -i -E "$3" "$work/changed/$2"
	! cmp -s "$work/changed/$2" "$root/collector/man/$2" || fail "this changes nothing: $3"
	(man=$work/changed; failures=0; check_pages) >"$work/noticed"
	grep -q "^FAILED.*: $1" "$work/noticed" || fail "not noticed: $3" - <"$work/noticed"
}

check_checks()
{
	local there='not documented' gone='documented, and not there'
	mkdir "$work/changed"
	noticed "verbs: $there" $verb_page '/^## sowatch doctor/d'
	noticed "verbs: $gone" $verb_page 's/^(## sowatch) (doctor.*)/\1 forget [OPTION]... LOG...\n\1 \2/'
	noticed "options of run: $there" $verb_page '/^\*--service\*/d'
	noticed "options of replay: $there" $verb_page '/^\*--baseline\*/d'
	noticed "options of run: $there" $verb_page 's/^(\*--ring\*) _KIB_/\1 _MIB_/'
	noticed "options of log show: $gone" $verb_page 's/^(\*--pid\*) _N_/*--uid* _N_\n&/'
	noticed "policy keys: $there" $policy_page '/^; MATCH/,/^##/ { /^\*build-id\*/d }'
	noticed "policy keys: $gone" $policy_page 's/^\*build-id\*/*owner* _texts_\n&/'
	noticed "policy keys: $gone" $policy_page 's/^(\*exchange\*) .*/\1 _texts_/'
	noticed "policy keys: $there" $policy_page '/^; RULE/,/^##/ { /^\*expires\*/d }'
	noticed "keys of cases: $there" $test_page '/^; SUBJECT/,/^##/ { /^\*package\*/d }'
	noticed "keys of cases: $gone" $test_page 's/^\*thread-of\*/*fork-of*\n&/'
	noticed "actions: $there" $verb_page '/^\*exec\.code\*/d'
	noticed "actions: $gone" $verb_page 's/^\*exec\.code\*/*exec.trace*\n&/'
	noticed "holes: $there" $verb_page '/^\*early\*/d'
	noticed "holes: $gone" $verb_page 's/^\*early\*/*late*\n&/'
	noticed "fields of alerts: $there" $verb_page '/^\*object\.bytes\*/d'
	noticed "fields of alerts: $gone" $verb_page 's/^\*object\.bytes\*/*object.pages*\n&/'
	noticed "fields of the summary: $there" $verb_page '/^\*accepted\[\]\.fingerprint\*/d'
	noticed "fields of the summary: $gone" $verb_page 's/^\*deviations\*/*warnings*\n&/'
	noticed "variables: $there" $verb_page '/^\*SOWATCH_SHIM\*/d'
	noticed "exit statuses: $there" $verb_page '/^# EXIT/,/^# VERD/ { /^\*3\*/d }'
	noticed "kinds of items: $gone" $log_page 's/^\*target\*/*goal*\n&/'
}

find_verbs
find_keys
find_case_keys
find_fields
find_tables
expect "every line of the schema was read" \
	test "$(wc -l <"$work/schema")" = "$(grep -c '^KEY(' "$root/collector/policy/schema.tbl.h")"
check_pages
check_vantage
check_examples
check_checks

for page in $verb_page $policy_page $log_page $test_page sowatch-learn.1.scd sowatch-diff.1.scd; do
	command -v scdoc >/dev/null || skip "scdoc is not installed: the pages were read, not made"
	check
	scdoc <"$man/$page" >"$work/page" 2>"$work/scdoc" || fail "scdoc does not take $page" - <"$work/scdoc"
	expect "$page becomes a page" grep -q '^\.TH' "$work/page"
done
