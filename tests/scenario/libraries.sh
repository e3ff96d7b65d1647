#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real programs at the libraries that have profiles: what those do when they are healthy deviates
# from none of them. Files and addresses are the program's, whose profile there is none.
. "$(dirname "$0")/../lib/scenario.sh"

need_program xz xmllint openssl sqlite3 cwebp dwebp gpg psql
port=$(free_port)
prepare()
{
	"$python" - <<'PY'
import struct, zlib
def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
rows = b"".join(b"\0" + bytes((x * y) % 256 for x in range(48)) for y in range(16))
open("a.png", "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
PY
	printf '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>' >a.xml
	mkdir -m 700 -p "$HOME/.gnupg"
	printf '*:*:*:*:secret\n' >"$HOME/.pgpass"
	chmod 600 "$HOME/.pgpass"
}

# real NAME LIBRARY... -- COMMAND: nobody deviates, and the libraries are in what was recorded
real()
{
	local name=$1 library libraries=()
	shift
	while [ "$1" != -- ]; do libraries+=("$1"); shift; done
	watch "$name" --any-stderr --filter '/^$/d' "$@"
	expect_no_deviation
	"$sowatch" log show "$here/log.swl" >"$here/log.txt" # grep -q would end it by a signal
	for library in "${libraries[@]}"; do
		check
		grep -q "^object .*soname $library" "$here/log.txt" ||
			fail "$library was not on any stack" - < <(grep ^object "$here/log.txt")
	done
}

real xz -- sh -c 'xz -k a.png && xz -dc a.png.xz | cmp - a.png'
real xml 'libxml2.so.2' -- xmllint --noout --noent a.xml
real sqlite 'libsqlite3.so.0' -- sqlite3 t.db 'create table t(a); insert into t values(1); select * from t'
real webp -- sh -c 'cwebp -quiet -mt a.png -o a.webp && dwebp -quiet a.webp -o b.png && echo ok'
real digest 'libcrypto.so.3' -- openssl dgst -sha256 a.png
real tls 'libcrypto.so.3' -- sh -c 'openssl s_client -connect 127.0.0.1:'"$port"' </dev/null >/dev/null 2>&1; echo done'
real gpg 'libgcrypt.so.20' -- gpg --batch --list-keys
real psql 'libpq.so.5' -- sh -c 'psql -h 127.0.0.1 -p '"$port"' -U nobody -c "select 1" nowhere; echo $?'
