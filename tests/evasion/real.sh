#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real programs: no bypass is found where there is none.
. "$(dirname "$0")/lib.sh"

prepare() { for number in 1 2 3; do echo hello >data.$number; done; }

none()
{
	check
	[ "$(jq -s '[.[] | select(.kind == "bypass" or .kind == "tamper")] | length' "$here/alerts.jsonl")" = 0 ] ||
		fail "nobody evades here; told were" - < <(alerts_told)
	check
	[ "$(jq .coverage.lost "$here/summary.json")" = 0 ] || fail "something was lost" - < <(
		jq -c .coverage "$here/summary.json")
}

need_vantage both
observe both bash -- bash -c 'cat data.* | sort -u; for i in 1 2 3; do (echo $i); done; ls >/dev/null; echo $(head -n 1 data.1)'
none
observe both python --any-stderr -- "$python" -c 'import json, ssl, sqlite3, subprocess, threading, tempfile
t = threading.Thread(target=lambda: open("data.1").read()); t.start(); t.join()
tempfile.TemporaryFile().write(b"x")
print(subprocess.run(["cat", "data.2"], capture_output=True).stdout)'
none
if command -v git >/dev/null; then
	observe both git --any-stderr --filter 's/[0-9a-f]{7,}/HASH/g' -- sh -c 'git init -q . && git add data.1 &&
		git -c user.name=a -c user.email=a@b commit -q -m one && git log --oneline && git status --short'
	none
fi
if command -v curl >/dev/null; then
	observe both curl --any-stderr -- curl -s -o /dev/null -w '%{http_code}\n' "http://localhost:9/"
	none
fi
# Every announcement that weighs is checked on these: programs started, connections, files written.
observe both children --any-stderr -- "$python" -c 'import os, socket, subprocess
for i in range(20):
    subprocess.run(["/bin/true"]); os.system("true"); os.popen("true").read()
    pid = os.fork() or os._exit(os.spawnv(os.P_WAIT, "/bin/true", ["true"])); os.waitpid(pid, 0)
    open("out.%d" % i, "w").close(); os.rename("out.%d" % i, "new.%d" % i); os.unlink("new.%d" % i)
    s = socket.socket(); s.connect_ex(("127.0.0.1", 9)); s.close()
print("did it")'
none
if command -v redis-server >/dev/null; then
	redis_port=$(free_port)
	observe both redis --any-stderr -- sh -c "redis-server --port $redis_port --bind 127.0.0.1 --save '' \
		--daemonize yes --dir . --pidfile \$PWD/redis.pid >/dev/null
		for i in 1 2 3 4 5 6 7 8 9; do redis-cli -p $redis_port ping 2>/dev/null | grep -q PONG && break; sleep 0.2; done
		redis-cli -p $redis_port set a b; redis-cli -p $redis_port bgsave >/dev/null; sleep 0.3
		redis-cli -p $redis_port get a; redis-cli -p $redis_port shutdown nosave; sleep 0.3"
	none
	expect "it answered" grep -qx b "$here/out"
fi
if command -v nginx >/dev/null; then
	nginx_port=$(free_port)
	observe both nginx --any-stderr -- sh -c "mkdir -p www logs; echo page >www/index.html
		printf '%s\n' 'pid nginx.pid; error_log stderr; worker_processes 2; events {}' \
			'http { access_log logs/access; client_body_temp_path logs/b; proxy_temp_path logs/p;' \
			'fastcgi_temp_path logs/f; uwsgi_temp_path logs/u; scgi_temp_path logs/s;' \
			'server { listen 127.0.0.1:$nginx_port; root \"'\$PWD'/www\"; } }' | sed \"s|'.PWD'|\$PWD|\" >nginx.conf
		nginx -p . -c nginx.conf; sleep 0.3
		curl -s http://127.0.0.1:$nginx_port/; kill \$(cat nginx.pid); sleep 0.5"
	none
	expect "it served" grep -qx page "$here/out"
fi
