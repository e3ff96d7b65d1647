# SPDX-License-Identifier: Apache-2.0
# Python twins: NAME/{healthy,compromised}/ holds a package's files, installed as pip does it: metadata,
# RECORD. Sourced by an incident's incident.sh.

site=$app/lib/python3/site-packages
export PYTHONDONTWRITEBYTECODE=1 # its temporary name would be news in every run

# python_install SITE TWIN DISTRIBUTION VERSION
python_install()
{
	local info=$1/${3//-/_}-$4.dist-info file
	mkdir -p "$info"
	cp -r "$folder/$2/." "$1/"
	printf 'Metadata-Version: 2.1\nName: %s\nVersion: %s\n' "$3" "$4" >"$info/METADATA"
	echo incident >"$info/INSTALLER"
	(cd "$folder/$2" && find . -type f ! -name '*.pyc' | sort) | while read -r file; do
		printf '%s,sha256=%s,%s\n' "${file#./}" \
			"$(openssl dgst -sha256 -binary "$1/$file" | basenc --base64url | tr -d '=\n')" \
			"$(stat -c %s "$1/$file")"
	done >"$info/RECORD"
	printf '%s,,\n' "${info##*/}"/{METADATA,INSTALLER,RECORD} >>"$info/RECORD"
}
