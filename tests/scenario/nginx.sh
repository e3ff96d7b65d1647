#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# nginx serving a file with two workers, under the shipped policies.
. "$(dirname "$0")/../lib/scenario.sh"

need_program nginx curl
port=$(free_port)
prepare()
{
	mkdir -p logs www temp
	head -c 50000 /dev/zero | tr '\0' x >www/file.txt
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
	server {
		listen 127.0.0.1:$port;
		root $cwd/www;
	}
}
CONF
}
cat >"$work/drive.sh" <<SH
nginx -p "\$PWD" -c "\$PWD/nginx.conf" 2>nginx.err &
for try in \$(seq 100); do
	curl -sf -o /dev/null http://127.0.0.1:$port/file.txt && break
	sleep 0.05
done
for round in 1 2 3 4 5 6 7 8; do
	curl -s http://127.0.0.1:$port/file.txt | md5sum
done
curl -s -o /dev/null -w '%{http_code}\n' http://127.0.0.1:$port/missing
kill -HUP \$(cat nginx.pid)
sleep 0.3
curl -s http://127.0.0.1:$port/file.txt | md5sum
kill -QUIT \$(cat nginx.pid)
wait \$!
echo "server ended with \$?"
SH

watch serve -- bash "$work/drive.sh"
expect "the file was served nine times" test "$(grep -c ' -$' "$here/out")" = 9
expect "the server ended well" grep -qx 'server ended with 0' "$here/out"
expect_event nginx net.bind
expect_event nginx net.listen
expect_event nginx net.accept 9
expect_event nginx file.read 9
expect_clean
expect_covered
