#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A file name in a code object is whatever its maker wrote. Code that the import system did not load
# is the doing of who brought it in, whatever it calls itself.
. "$(dirname "$0")/../lib/scenario.sh"
. "$root/tests/lib/python.sh"
need_program openssl

site=$work/env/lib/python3/site-packages
dist_install "$site" forge-demo 1.0 forge_demo
dist_install "$site" plain-demo 1.0 plain_demo
dist_install "$site" http-demo 1.0 http_demo
echo secret >"$work/secret"
mkdir "$work/app"
cat >"$work/app/app.py" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
import forge_demo, http_demo
path, ways = sys.argv[2], sys.argv[3:]
for way in ways:
    arguments = [path, http_demo.__file__]
    if way == "into_module":
        arguments.append(http_demo)
    getattr(forge_demo, way)(*arguments)
    print(way)
http_demo.read(path)
PY
forged=(plain into_module by_function by_replace by_assignment by_helper by_loader by_frozen by_pyc
	by_thread by_import)

for interpreter in $(python_versions); do
	version=$(python_version "$interpreter")
	[ -n "$version" ] || continue
	python_policy "$interpreter" >"$work/policy.yaml"
	for way in "${forged[@]}"; do
		watch "$version-$way" --no-bare --policy "$work/policy.yaml" -- \
			"$interpreter" "$work/app/app.py" "$site" "$work/secret" "$way"
		has_shim || continue
		expect_deviations 1 forge-demo file.read "$work/secret"
		# What http-demo reads it reads for its caller.
		expect_event app.py file.read
		expect_no_deviation http-demo
		expect_no_deviation app.py
	done
done
