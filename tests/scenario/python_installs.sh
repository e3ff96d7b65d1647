#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whose a file is: a distribution's by its RECORD, with what it brings along; a wheel's or an egg's;
# a source tree's; the unlisted one's in a directory for installed things; the application's.
# And how an interpreter may be started: -c, standard input, -m, a directory, an archive.
. "$(dirname "$0")/../lib/scenario.sh"
. "$root/tests/lib/python.sh"
need_program openssl

site=$work/env/lib/python3/site-packages
dist_install "$site" Vendor.Demo 2.1 vendor_demo
dist_install "$site" main_demo 1.0 main_demo
dist_install "$site" plain-demo 1.0 plain_demo
cp -r "$python_subjects/flow_demo" "$site/unlisted_demo"
echo secret >"$work/secret"
mkdir -p "$work/app" "$work/wheels" "$work/tree/src"
(cd "$work/wheels" && cp -r "$python_subjects/plain_demo" wheel_demo &&
	"$python" -m zipfile -c Wheel_Demo-3.0-py3-none-any.whl wheel_demo/ && rm -r wheel_demo)
(cd "$work/tree" && cp -r "$python_subjects/plain_demo" src/tree_demo && mkdir src/tree_demo.egg-info &&
	printf 'Metadata-Version: 2.1\nName: tree-demo\nVersion: 4.0\n' >src/tree_demo.egg-info/PKG-INFO &&
	echo tree_demo >src/tree_demo.egg-info/top_level.txt)
# A package that claims another's files, beside that other's own list: neither's.
mkdir "$site/claim_demo-1.0.dist-info"
printf 'Name: claim-demo\nVersion: 1.0\n' >"$site/claim_demo-1.0.dist-info/METADATA"
echo 'plain_demo/__init__.py,,' >"$site/claim_demo-1.0.dist-info/RECORD"
echo 'def read(path): open(path).close()' >"$work/app/helper.py"
cat >"$work/app/app.py" <<'PY'
import importlib, sys
path, module = sys.argv[1], sys.argv[2]
sys.path[1:1] = sys.argv[3:]
importlib.import_module(module).read(path)
print(module)
PY
# read_by MODULE SUBJECT-REGEX DIRECTORY: who is charged when that module reads.
read_by()
{
	watch "$1" --no-bare --status 0 --policy "$scenario_dir/python.yaml" -- \
		"$python" "$work/app/app.py" "$work/secret" "$1" "$3"
	has_shim || return 0
	expect_chain file.read "$work/secret" "^python3[^|]*\|$2\|.*app.py"
}
read_by vendor_demo vendor-demo "$site"
! has_shim || expect_event vendor-demo file.read
read_by vendor_demo._vendor.inner vendor-demo "$site"
read_by wheel_demo wheel-demo "$work/wheels/Wheel_Demo-3.0-py3-none-any.whl"
read_by tree_demo tree-demo "$work/tree/src"
read_by unlisted_demo unlisted-demo "$site"
read_by plain_demo plain-demo "$site"
read_by helper app.py "$work/app"
if has_shim; then
	# Shared by two lists: not trusted, but called by the name it is imported by.
	watch shared --no-bare --policy "$scenario_dir/python.yaml" -- \
		"$python" "$work/app/app.py" "$work/secret" plain_demo "$site"
	expect_alert "nobody vouches for a file that two claim" '.subject.name == "plain-demo" and .subject.package == ""'
fi

# --- how it is started -----------------------------------------------------------------------
code="import sys; sys.path.insert(0, '$site'); import vendor_demo; vendor_demo.read('$work/secret'); open('$work/secret').close()"
echo "$code" >"$work/program.py"
started()
{
	watch "$1" --status 0 --stdin "$work/program.py" -- "${@:2}"
	has_shim || return 0
	expect_event vendor-demo file.read
	expect_covered
}
started text "$python" -c "$code"
! has_shim || expect_event -c file.read
started input "$python" -
! has_shim || expect_event - file.read
started isolated "$python" -I -E -s -c "$code"
started no-site "$python" -S -c "$code"
started unbuffered "$python" -u -X dev -W ignore -c "$code"

watch module --status 0 -- env "PYTHONPATH=$site" "$python" -m main_demo "$work/secret"
! has_shim || expect_event main-demo file.read
watch profiler --status 0 --filter 's/[0-9.]+ seconds|[0-9]+\.[0-9]+|[0-9]+\/?[0-9]* //g' -- \
	"$python" -m cProfile -o "$work/profile" "$work/app/app.py" "$work/secret" vendor_demo "$site"
! has_shim || expect_event vendor-demo file.read
(cd "$python_subjects" && "$python" -m zipfile -c "$work/app/archive.pyz" main_demo/__main__.py && cd main_demo &&
	"$python" -m zipfile -c "$work/app/archive.pyz" __main__.py)
watch archive --status 0 -- "$python" "$work/app/archive.pyz" "$work/secret"
! has_shim || expect_event archive.pyz file.read

# Text is the doing of who starts the interpreter: a package does not get away with it.
cat >"$work/app/starts.py" <<PY
import sys
sys.path.insert(0, "$site")
import plain_demo, subprocess
plain_demo.call(subprocess.run, [sys.executable, "-c", "open('$work/secret').close()"])
PY
rm -r "$site/claim_demo-1.0.dist-info"
watch spawned --policy "$scenario_dir/python.yaml" -- "$python" "$work/app/starts.py"
! has_shim || expect_alert "who gave the text is judged for what it did" \
	'.action == "file.read" and .rule.profile == "plain-demo" and (.object.path | endswith("/secret"))'
