#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# curl: http, https with an authority of its own, file, through a proxy, several at once.
. "$(dirname "$0")/lib.sh"

need_program curl openssl
certificates "$work/tls"
mkdir "$work/www"
head -c 300000 /dev/urandom >"$work/www/file.bin"
port=$(free_port)
serve http 127.0.0.1 "$port" "$work/www"
tls=$(free_port)
(cd "$work/www" && exec openssl s_server -quiet -accept "127.0.0.1:$tls" -cert "$work/tls/cert.pem" \
	-key "$work/tls/key.pem" -WWW) </dev/null >/dev/null 2>&1 &
background+=($!)
wait_until 10 bash -c "</dev/tcp/127.0.0.1/$tls"

quiet http -- curl -sS "http://127.0.0.1:$port/file.bin"
expect "the file came whole" cmp -s "$work/www/file.bin" "$here/out"
quiet https -- curl -sS --cacert "$work/tls/ca.pem" "https://localhost:$tls/file.bin"
expect "the file came whole" cmp -s "$work/www/file.bin" "$here/out"
quiet untrusted --status 60 --any-stderr -- curl -sS "https://localhost:$tls/file.bin"
quiet file -- curl -sS "file://$work/www/file.bin"
quiet proxy -- curl -sS -x "http://127.0.0.1:$port" "http://127.0.0.1:$port/file.bin"
quiet parallel -- curl -s --no-progress-meter -Z -o one -o two -o three "http://127.0.0.1:$port/file.bin" \
	"http://localhost:$port/file.bin" "http://127.0.0.1:$port/file.bin"
quiet upload --any-stderr -- curl -s -o /dev/null -w '%{http_code}\n' -T "$work/www/file.bin" "http://127.0.0.1:$port/up"
