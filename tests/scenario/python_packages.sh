#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The package that asked is charged for what the libraries below it do: not the interpreter, not
# urllib3, not the application, whose own requests through the same libraries stay its own.
. "$(dirname "$0")/../lib/scenario.sh"
. "$root/tests/lib/python.sh"
need_program openssl

"$python" -c 'import requests, urllib3' || { fail "python3-requests is not installed"; exit 1; }
port=$(free_port)
mkdir "$work/www"
echo page >"$work/www/page"
serve http 127.0.0.66 "$port" "$work/www"
serve http 127.0.0.10 "$port" "$work/www"
site=$work/env/lib/python3/site-packages
dist_install "$site" Ctx_Demo 0.2.6 ctx_demo
cat >"$work/app.py" <<'PY'
import sys, urllib.request
sys.path.insert(0, sys.argv[1])
import ctx_demo, requests
own, other, way = sys.argv[2], sys.argv[3], sys.argv[4]
print(ctx_demo.Ctx(a=1).a, urllib.request.urlopen(own).status, requests.get(own).status_code)
if way != "none":
    print(getattr(ctx_demo, "home_" + way)(other))
PY
run=("$python" "$work/app.py" "$site" "http://127.0.0.10:$port/page" "http://127.0.0.66:$port/page")

for way in urllib3 requests urllib; do
	watch "$way" --policy "$scenario_dir/python.yaml" -- "${run[@]}" "$way"
	expect_event app.py net.connect 2
	if has_shim; then
		expect_deviations 1 ctx-demo net.connect "127.0.0.66:$port"
		expect_alert "the alert names the distribution" '.subject.kind == "python" and
			.subject.name == "ctx-demo" and .subject.package == "ctx-demo"
			and (.subject.path | test("/ctx_demo-0.2.6.dist-info$|/Ctx_Demo-0.2.6.dist-info$"))'
		expect_no_deviation app.py
		expect_no_deviation urllib3
		expect_no_deviation python-stdlib
	fi
done
! has_shim || expect_chain net.connect "127.0.0.66:$port" '\|python-stdlib\|.*\|ctx-demo\|.*app.py\|'

# The healthy package next to the same application.
watch healthy --policy "$scenario_dir/python.yaml" -- "${run[@]}" none
expect_event app.py net.connect 2
expect_no_deviation
! has_shim || expect_verdict clean

# By version: what an older one does is not spoken of.
rm -r "$site"
dist_install "$site" ctx-demo 0.1.2 ctx_demo
watch older --policy "$scenario_dir/python.yaml" -- "${run[@]}" urllib
expect_no_deviation

# Who cannot tell packages apart says so.
if ! can_tell python; then
	expect_verdict unknown
	expect_said 'Python code ran whose frames were not told'
fi
