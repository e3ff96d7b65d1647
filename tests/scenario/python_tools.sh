#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# pip, setuptools, wheel and venv at their real work, without a network but loopback's: an sdist and a
# wheel are built, installed, listed, shown and taken away again, and downloaded from an index of our
# own. Nothing deviates under the shipped profiles.
. "$(dirname "$0")/../gauntlet/lib.sh"

"$python" -c 'import setuptools, pip, wheel, ensurepip' || {
	fail "Debian's Python packages are not installed"
	exit 1
}
# The same bytes whoever builds; pip asks nobody whether it is old.
export SOURCE_DATE_EPOCH=1700000000 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore

# source NAME [PYPROJECT-LINE]...: a distribution's sources in $work/src/NAME.
source_of()
{
	local name=$1 module=${1//-/_}
	mkdir -p "$work/src/$name/src/$module/data"
	cat >"$work/src/$name/pyproject.toml" <<TOML
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "$name"
version = "1.0"
${2-}
[project.scripts]
$name = "$module:main"
[tool.setuptools.package-data]
$module = ["data/*.txt"]
TOML
	echo "words of $name" >"$work/src/$name/src/$module/data/words.txt"
	cat >"$work/src/$name/src/$module/__init__.py" <<PY
import importlib.resources, os


def words():
    with open(os.path.join(os.path.dirname(__file__), "data", "words.txt")) as file:
        return file.read().strip()


def main():
    print(words(), importlib.resources.files(__name__).joinpath("data/words.txt").read_text().strip())
PY
}
source_of small-tool
source_of big-tool 'dependencies = ["small-tool"]'
mkdir "$work/dist"

# prepare: every run has its own copy, builds leave things beside the sources.
prepare() { cp -r "$work/src" "$work/dist" .; }

# --- building ------------------------------------------------------------------------------------
cat >"$work/build.sh" <<'SH'
set -e
cd src/small-tool
/usr/bin/python3 -c 'from setuptools import build_meta as b; print(b.build_sdist("../../dist"), b.build_wheel("../../dist"))' >build.log 2>&1 ||
	{ cat build.log; exit 1; }
tail -n 1 build.log
cd ../big-tool
/usr/bin/python3 -m pip wheel --quiet --no-index --no-deps --no-build-isolation -w ../../dist .
ls ../../dist
SH
quiet build --any-stderr -- bash "$work/build.sh"
expect "a wheel was built" grep -qx big_tool-1.0-py3-none-any.whl "$here/out"
cp "$cwd"/dist/* "$work/dist/" || fail "nothing was built"

cat >"$work/legacy.sh" <<'SH'
set -e
cd src/small-tool
printf 'from setuptools import setup\nsetup()\n' >setup.py
/usr/bin/python3 setup.py -q sdist --formats=gztar,zip bdist_wheel 2>&1
ls dist
SH
quiet setup-py --any-stderr -- bash "$work/legacy.sh"
expect "an archive was built" grep -q small-tool-1.0.zip "$here/out"

# --- installing ----------------------------------------------------------------------------------
cat >"$work/install.sh" <<'SH'
set -e
pip() { /usr/bin/python3 -m pip --quiet "$@"; }
pip install --no-index --find-links dist --target here big-tool
ls here
PYTHONPATH=here /usr/bin/python3 -m pip --disable-pip-version-check show -f big-tool | grep -v ^Location
PYTHONPATH=here /usr/bin/python3 -c 'import big_tool; big_tool.main()'
SH
quiet target --any-stderr -- bash "$work/install.sh"
expect "it was installed" grep -qx 'words of big-tool words of big-tool' "$here/out"

cat >"$work/venv.sh" <<'SH'
set -e
/usr/bin/python3 -m venv venv
venv/bin/pip --quiet install --no-index --find-links dist big-tool
venv/bin/big-tool
venv/bin/small-tool
venv/bin/pip list --format freeze | grep tool
venv/bin/pip check
venv/bin/pip --quiet uninstall --yes big-tool
venv/bin/pip list --format freeze | grep tool
SH
quiet venv --any-stderr -- bash "$work/venv.sh"
expect "it ran" grep -qx 'words of big-tool words of big-tool' "$here/out"
expect "nothing is missing" grep -q 'No broken requirements' "$here/out"

cat >"$work/sdist.sh" <<'SH'
set -e
/usr/bin/python3 -m venv --without-pip --system-site-packages venv
/usr/bin/python3 -m pip --quiet --python venv/bin/python3 install --no-index --no-build-isolation --no-deps \
	dist/small-tool-1.0.tar.gz
venv/bin/small-tool
SH
quiet sdist --any-stderr -- bash "$work/sdist.sh"
expect "it ran" grep -qx 'words of small-tool words of small-tool' "$here/out"

# --- from an index -------------------------------------------------------------------------------
index=$work/index port=$(free_port)
mkdir -p "$index/simple/big-tool" "$index/simple/small-tool"
for file in "$work"/dist/*.whl; do
	base=${file##*/} name=${base%%-*} name=${name//_/-}
	cp "$file" "$index/simple/$name/"
	printf '<!DOCTYPE html><html><body><a href="%s#sha256=%s">%s</a></body></html>\n' "$base" \
		"$(sha256sum <"$file" | cut -d' ' -f1)" "$base" >"$index/simple/$name/index.html"
done
serve http 127.0.0.1 "$port" "$index"
cat >"$work/download.sh" <<'SH'
set -e
/usr/bin/python3 -m pip --quiet download --index-url "$1" --dest got big-tool
ls got
/usr/bin/python3 -m pip --quiet install --index-url "$1" --target here small-tool
PYTHONPATH=here /usr/bin/python3 -m small_tool 2>/dev/null || PYTHONPATH=here /usr/bin/python3 -c 'import small_tool; small_tool.main()'
/usr/bin/python3 -m pip cache dir >/dev/null
/usr/bin/python3 -m pip --quiet install --index-url "$1" --target twice small-tool && ls twice
SH
quiet download --any-stderr -- bash "$work/download.sh" "http://127.0.0.1:$port/simple"
expect "it was downloaded" grep -qx small_tool-1.0-py3-none-any.whl "$here/out"

# setuptools' own .pth runs at every start, and is honest.
quiet start -- "$python" -c 'import sys, setuptools, distutils.core; print(distutils.core.__file__ is not None)'
