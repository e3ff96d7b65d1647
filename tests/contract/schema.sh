#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# policies/schema.json is what the program says of its language, the shipped policies fit it, and it
# and the loader agree on small documents, good ones and bad ones.
. "$(dirname "$0")/../lib/scenario.sh"

committed=$root/policies/schema.json
"$sowatch" policy schema >"$work/schema.json"
expect "policy schema succeeds" test $? = 0
expect "policies/schema.json is up to date: sowatch policy schema >policies/schema.json" \
	cmp "$committed" "$work/schema.json"

"$python" -c 'import jsonschema, yaml' 2>/dev/null || skip "python3-jsonschema or python3-yaml is not installed"

# Each is a profile's inside; GOOD loads and fits, BAD does neither, LOADER is only the loader's to refuse.
cat >"$work/cases" <<'CASES'
GOOD reason: x
GOOD network: none
GOOD network: {connect: [{to: ["10.0.0.0/8", "*.example.org"], ports: [6379, "8000-8099"], proto: tcp}]}
GOOD network: {connect: any, resolve: [example.org, {name: "*.example.org", expires: 2027-01-01}]}
GOOD file: {read: ["/etc/ssl/**", {path: /x, severity: low}], write: none}
GOOD file: {rename: [/a, {path: /b}, {from: /c, to: /d}]}
GOOD exec: {run: [git, {program: git, args: [log, "**"]}], load: ["/usr/lib/**"], code: none}
GOOD env: {read: [HOME, {name: "LC_*"}]}
GOOD role: conduit
GOOD base: none
GOOD carries: [net.*]
GOOD watch: descendants
GOOD severity: critical
GOOD reason: 7
BAD reason: [x]
BAD foo: 1
BAD network: maybe
BAD network: {conect: any}
BAD network: {connect: [example.org]}
BAD network: {connect: [{to: example.org, port: 80}]}
BAD network: {connect: [{proto: icmp}]}
BAD network: [any]
BAD file: {read: /x}
BAD file: {read: [[/x]]}
BAD file: {read: [{glob: /x}]}
BAD exec: {code: [x]}
BAD exec: {run: [{args: [x]}]}
BAD env: {read: [{severity: low}]}
BAD role: conduct
BAD base: all
BAD severity: hot
BAD watch: everything
BAD carries: {net: any}
BAD match: []
BAD name: {a: b}
LOADER file: {read: ["/a["]}
LOADER network: {connect: [{to: 10.0.0.0/33}]}
LOADER network: {connect: [{ports: [80-70]}]}
LOADER carries: [net.conect]
CASES
number=0
while read -r kind inside; do
	number=$((number + 1))
	file=$work/$kind.$number.yaml
	case $inside in
	match:* | name:*) printf 'version: 1\nprofiles:\n  - %s\n' "$inside" ;;
	*) printf 'version: 1\nprofiles:\n  - name: a\n    match: {library: a.so}\n    %s\n' "$inside" ;;
	esac >"$file"
	"$sowatch" policy check "$file" >/dev/null 2>"$work/err"
	status=$?
	want=2
	[ "$kind" != GOOD ] || want=0
	check
	[ $status = $want ] || fail "the loader ($status): $inside" - <"$work/err"
done <"$work/cases"
printf 'profiles: []\n' >"$work/BAD.version.yaml"
printf 'version: 2\n' >"$work/BAD.two.yaml"
printf 'version: 1\nguards: [{file: none}]\n' >"$work/BAD.guard.yaml"
printf 'version: 1\naccept: [{hole: lost}]\n' >"$work/BAD.accept.yaml"
for file in "$work"/BAD.[a-z]*.yaml; do
	"$sowatch" policy check "$file" >/dev/null 2>&1
	expect "the loader refuses ${file##*/}" test $? = 2
done

cat >"$work/validate.py" <<'PY'
import json, pathlib, sys
import jsonschema, yaml
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
class Loader(yaml.SafeLoader):
    """As YAML 1.2 has it: a date is a text."""
Loader.yaml_implicit_resolvers = {
    first: [r for r in resolvers if r[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}
validator = jsonschema.Draft202012Validator(schema)
count = 0
for path in map(pathlib.Path, sys.argv[2:]):
    problems = [e.message for e in validator.iter_errors(yaml.load(path.read_text(), Loader))]
    is_bad = path.name.startswith("BAD.")
    count += 1
    if bool(problems) != is_bad:
        print(path, problems or "fits, and should not")
        print(path.read_text() if path.name[:3].isupper() else "")
print(count, "documents")
PY
mapfile -t shipped < <(find "$root/policies" -name '*.yaml' -not -path '*/tests/*')
"$python" "$work/validate.py" "$committed" "${shipped[@]}" "$work"/{GOOD,BAD,LOADER}.*.yaml >"$work/validated" 2>&1
expect "the schema and the loader agree" grep -qx "[0-9]* documents" "$work/validated"
check
[ "$(wc -l <"$work/validated")" = 1 ] || fail "they do not" - <"$work/validated"
expect "there are enough of them" test "$(grep -oE '^[0-9]+' "$work/validated" | tail -n 1)" -gt 50
