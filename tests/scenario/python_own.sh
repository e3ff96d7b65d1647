#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A distribution may read what came with it, however pip or setuptools installed it: as a wheel, as a
# source tree by a path, by a finder or by an egg-link, as a directory with an old list. Its code is
# its own there, too. What else lies beside it is not, whatever its list says.
. "$(dirname "$0")/../lib/scenario.sh"

"$python" -c 'import setuptools, pip, wheel' || { fail "Debian's Python packages are not installed"; exit 1; }
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore SOURCE_DATE_EPOCH=1700000000

# source_of DIRECTORY PACKAGES-BELOW NAME
source_of()
{
	local module=${3//-/_}
	mkdir -p "$1/$2/$module/data"
	printf '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n[project]\nname = "%s"\nversion = "1.0"\n[tool.setuptools.packages.find]\nwhere = ["%s"]\n[tool.setuptools.package-data]\n"*" = ["data/*"]\n' \
		"$3" "$2" >"$1/pyproject.toml"
	printf 'from setuptools import setup\nsetup()\n' >"$1/setup.py"
	echo words >"$1/$2/$module/data/words.txt"
	cat >"$1/$2/$module/__init__.py" <<'PY'
import importlib.resources, os


def own():
    importlib.resources.files(__name__).joinpath("data/words.txt").read_text()
    with open(os.path.join(os.path.dirname(__file__), "data", "words.txt")) as file:
        return file.read().strip()


def read(path):
    with open(path) as file:
        return len(file.read())
PY
}
cat >"$work/policy.yaml" <<'YAML'
version: 1
profiles:
  - name: own-demo
    match: {python: own-demo}
    network: none
    file: none
    exec: none
YAML
mkdir "$work/app"
cat >"$work/app/app.py" <<'PY'
import sys
import own_demo
print(own_demo.own())
for path in sys.argv[1:]:
    print(own_demo.read(path))
PY
echo secret >"$work/secret"

# environment NAME: an empty one
environment()
{
	"$python" -m venv --system-site-packages --without-pip "$work/$1" ||
		{ fail "python3-venv does not work"; exit 1; }
}

# installs NAME SOURCE [OPTION]...: by pip into the environment
installs()
{
	"$python" -m pip --python "$work/$1/bin/python3" --quiet install --no-index --no-build-isolation \
		"${@:3}" "$2" >"$work/pip.log" 2>&1 || fail "pip could not install $2 as $1" - <"$work/pip.log"
}

# own NAME FOREIGN: nothing deviates but the reading of FOREIGN.
own()
{
	local run=("$work/$1/bin/python3" "$work/app/app.py")
	watch "$1" --status 0 --policy "$work/policy.yaml" -- "${run[@]}"
	expect "it found its words" grep -qx words "$here/out"
	expect_no_deviation
	expect_event own-demo file.read 2
	watch "$1-foreign" --status 0 --policy "$work/policy.yaml" -- "${run[@]}" "$2" "$work/secret"
	expect_deviations 1 own-demo file.read "$work/secret"
	expect_deviations 1 own-demo file.read "$2"
	expect_no_deviation app.py
}

environment wheel
source_of "$work/source" src own-demo
installs wheel "$work/source"
site=$(echo "$work"/wheel/lib/python3*/site-packages)
echo unlisted >"$site/own_demo/unlisted"
own wheel "$site/own_demo/unlisted"
# It lists what it does not know, and what it has changed.
printf 'own_demo/unlisted,,\nown_demo/__init__.py/../unlisted,sha256=%043d,9\n' 0 >>"$site/own_demo-1.0.dist-info/RECORD"
printf '../../../../secret,sha256=%043d,7\n' 0 >>"$site/own_demo-1.0.dist-info/RECORD"
own wheel "$site/own_demo/unlisted"
expect_alert "its package is the distribution" '.subject.package == "own-demo"'
# What data_files put into the environment's share directory.
mkdir "$work/wheel/share" && echo page >"$work/wheel/share/page"
printf '../../../share/page,sha256=%s,5\n' "$(openssl dgst -sha256 -binary "$work/wheel/share/page" |
	basenc --base64url | tr -d '=\n')" >>"$site/own_demo-1.0.dist-info/RECORD"
watch share --status 0 --policy "$work/policy.yaml" -- "$work/wheel/bin/python3" "$work/app/app.py" "$work/wheel/share/page"
expect_no_deviation

# --- source trees --------------------------------------------------------------------------------
for kind in path finder egg-link; do
	environment "$kind"
	below=src
	[ $kind != finder ] || below=.
	source_of "$work/tree-$kind" $below own-demo
	echo "KEY=x" >"$work/tree-$kind/.env"
	case $kind in
	egg-link)
		(cd "$work/tree-$kind" && printf '[metadata]\nname = own-demo\nversion = 1.0\n[options]\npackages = find:\npackage_dir = =src\n[options.packages.find]\nwhere = src\n' >setup.cfg &&
			rm pyproject.toml && "$work/$kind/bin/python3" setup.py -q develop --no-deps) \
			>"$work/pip.log" 2>&1 ||
			fail "setup.py develop failed" - <"$work/pip.log"
		;;
	*) installs $kind "$work/tree-$kind" -e ;;
	esac
	own $kind "$work/tree-$kind/.env"
	expect_alert "its package is the distribution" '.subject.name == "own-demo" and .subject.package == "own-demo"'
done
expect "a path was installed" grep -q src "$work"/path/lib/python3*/site-packages/__editable__.own_demo-1.0.pth
expect "a finder was installed" ls "$work"/finder/lib/python3*/site-packages/__editable___own_demo_1_0_finder.py
expect "a link was installed" ls "$work"/egg-link/lib/python3*/site-packages/own-demo.egg-link

# A distribution that says the application's tree is its own does not get it.
environment claim
source_of "$work/claimed" src own-demo
installs claim "$work/claimed" -e
sed -i 's/own-demo/their-app/' "$work/claimed/pyproject.toml"
rm -rf "$work"/claimed/src/*.egg-info
watch claim --status 0 --policy "$work/policy.yaml" -- "$work/claim/bin/python3" "$work/app/app.py" "$work/secret"
expect_no_event own-demo file.read

# Nor does one that calls itself like a Debian package get that package's files.
environment named
source_of "$work/named" src base-files
installs named "$work/named"
sed 's/own-demo/base-files/' "$work/policy.yaml" >"$work/named.yaml"
sed 's/own_demo/base_files/' "$work/app/app.py" >"$work/app/named.py"
expect "Debian has such a package" grep -q /issue.net /var/lib/dpkg/info/base-files.list /var/lib/dpkg/info/base-files.conffiles
watch named --status 0 --policy "$work/named.yaml" -- "$work/named/bin/python3" "$work/app/named.py" /etc/issue.net
expect_deviations 1 base-files file.read /etc/issue.net
expect_deviations 0 base-files file.read ".*words.txt"
