#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# nginx with TLS and workers, handing on to another server, under curl.
. "$(dirname "$0")/lib.sh"

need_program nginx curl openssl
certificates "$work/tls"
port=$(free_port)
back=$(free_port)
mkdir "$work/www"
seq 10000 >"$work/www/numbers"
serve http 127.0.0.1 "$back" "$work/www"
prepare()
{
	mkdir -p logs www temp
	seq 5000 >www/file.txt
	cat >nginx.conf <<CONF
worker_processes 2;
daemon off;
pid $cwd/nginx.pid;
error_log $cwd/logs/error.log;
events { worker_connections 64; }
http {
	access_log $cwd/logs/access.log;
	client_body_temp_path $cwd/temp/body;
	proxy_temp_path $cwd/temp/proxy;
	fastcgi_temp_path $cwd/temp/fastcgi;
	uwsgi_temp_path $cwd/temp/uwsgi;
	scgi_temp_path $cwd/temp/scgi;
	gzip on;
	server {
		listen 127.0.0.1:$port ssl http2;
		ssl_certificate $work/tls/cert.pem;
		ssl_certificate_key $work/tls/key.pem;
		root $cwd/www;
		location /back/ { proxy_pass http://127.0.0.1:$back/; }
	}
}
CONF
}
cat >"$work/drive.sh" <<SH
nginx -p "\$PWD" -c "\$PWD/nginx.conf" 2>nginx.err &
fetch() { curl -sS --cacert $work/tls/ca.pem "https://localhost:$port/\$1"; }
for try in \$(seq 100); do fetch file.txt >/dev/null 2>&1 && break; sleep 0.05; done
for round in 1 2 3 4; do fetch file.txt | md5sum; fetch back/numbers | md5sum; done
fetch missing | head -1
kill -HUP \$(cat nginx.pid); sleep 0.3
fetch file.txt | md5sum
kill -USR1 \$(cat nginx.pid); sleep 0.1
kill -QUIT \$(cat nginx.pid); wait \$!; echo "ended \$?"
SH
quiet tls --any-stderr -- bash "$work/drive.sh"
expect "everything was served" test "$(grep -c ' -$' "$here/out")" = 9
expect "the server ended well" grep -qx 'ended 0' "$here/out"
