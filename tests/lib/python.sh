# SPDX-License-Identifier: Apache-2.0
# Python distributions made for a test, installed as pip does: files, METADATA, RECORD. Sourced after
# scenario.sh.

python_subjects=$root/tests/subjects/python

# The system's interpreter, whatever the tester has in front of it.
python_plain=$python

# dist_install SITE NAME VERSION FILE...: what is in tests/subjects/python becomes a distribution.
dist_install()
{
	local site=$1 name=$2 version=$3 info file path
	shift 3
	info=$site/${name//-/_}-$version.dist-info
	mkdir -p "$site" "$info"
	printf 'Metadata-Version: 2.1\nName: %s\nVersion: %s\n' "$name" "$version" >"$info/METADATA"
	echo test >"$info/INSTALLER"
	for file; do
		cp -r "$python_subjects/$file" "$site/"
		(cd "$site" && find "$file" -type f ! -name '*.pyc') >>"$info/files"
	done
	while read -r path; do
		printf '%s,sha256=%s,%s\n' "$path" \
			"$(openssl dgst -sha256 -binary "$site/$path" | basenc --base64url | tr -d '=\n')" \
			"$(stat -c %s "$site/$path")"
	done <"$info/files" >"$info/RECORD"
	rm "$info/files"
	printf '%s\n' "${info##*/}/METADATA,," "${info##*/}/INSTALLER,," "${info##*/}/RECORD,," >>"$info/RECORD"
}

# python_versions: interpreters of this machine that can be watched, one a line: the system's, and
# those that version managers keep. How frames lie in memory is the shim's business: with probes as
# well, the first one is enough.
python_versions()
{
	local candidate most=100
	[ "${vantage_wanted:-shim}" = shim ] || most=1
	for candidate in /usr/bin/python3.[0-9]* /usr/local/bin/python3.[0-9]* \
		"${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3 /opt/python/*/bin/python3; do
		case ${candidate##*/} in *config | *-dbg) continue ;; esac
		[ -x "$candidate" ] && readlink -f "$candidate"
	done | awk -v most=$most '!seen[$0]++ && most-- > 0'
}

# chain_of ACTION OBJECT-REGEX: names on the chains of such events, from the log, innermost first.
chains_of()
{
	"$sowatch" log show "$here/log.swl" 2>/dev/null | grep -E "^[^ ]+ [0-9]+ $1 $2(/[a-z]+)? = " | sed -E 's/^.* = -?[0-9]+ //; s/ in [a-z0-9_]+ #.*//'
}

# expect_chain ACTION OBJECT-REGEX CHAIN-REGEX: some such event has a chain like that.
expect_chain()
{
	check
	chains_of "$1" "$2" | grep -E -- "$3" >/dev/null ||
		fail "expected $1 $2 with a chain like '$3'; chains were" - < <(chains_of "$1" "$2" | sort | uniq -c)
}

# python_policy INTERPRETER FILE: what no package owns is a conduit by its exact path only.
python_policy()
{
	local prefix
	prefix=$("$1" -c 'import sys; print(sys.base_prefix)')
	cat "$scenario_dir/python.yaml"
	[ "$prefix" != /usr ] || return 0
	printf '  - name: interpreter-here\n    match: {executable: "%s"}\n    role: conduit\n    base: none\n' "$1"
	local library
	for library in "$prefix"/lib/libpython3.*.so.1.0 "$prefix"/lib/python3.*/lib-dynload/*.so; do
		[ ! -e "$library" ] || printf '  - name: %s\n    match: {library: "%s"}\n    role: conduit\n    base: none\n' \
			"${library##*/}" "$library"
	done
}

# python_version INTERPRETER: 3.11, nothing for one whose frames are not told.
python_version()
{
	case $("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])') in
	3.8) echo 3.8 ;; 3.9) echo 3.9 ;; 3.10) echo 3.10 ;; 3.11) echo 3.11 ;; 3.12) echo 3.12 ;; 3.13) echo 3.13 ;;
	esac
}
