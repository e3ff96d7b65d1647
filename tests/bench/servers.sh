# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # bench.sh sets build, runs, work ...
# Real servers under real load: each function prints requests per second. They are started by
# "$@", so that a row can put `sowatch run` in front.

is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
wait_open()
{
	local i
	for ((i = 0; i < 200; i++)); do
		is_open "$1" && return 0
		sleep 0.05
	done
	return 1
}
free_port()
{
	local port
	while port=$((20000 + RANDOM % 10000)); is_open "$port"; do :; done
	echo "$port"
}

redis_run()
{
	local port pid rate
	port=$(free_port)
	"$@" redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir "$work" \
		>"$work/server.out" 2>"$work/err" &
	pid=$!
	if wait_open "$port"; then
		rate=$(timeout 60 redis-benchmark -h 127.0.0.1 -p "$port" -q -n 100000 -c 50 -t set,get --csv \
			2>/dev/null | awk -F'"' '/"SET"|"GET"/ {sum += $4; n++} END {if (n) printf "%.0f", sum / n}')
		redis-cli -h 127.0.0.1 -p "$port" shutdown nosave >/dev/null 2>&1
	fi
	server_end "$pid"
	echo "$rate"
}

nginx_run()
{
	local port dir=$work/nginx pid rate
	port=$(free_port)
	mkdir -p "$dir/html" && head -c 1024 /dev/zero >"$dir/html/index.html"
	cat >"$dir/nginx.conf" <<END
daemon off; worker_processes 2; pid $dir/pid; error_log $dir/error;
events { worker_connections 256; }
http { access_log off; client_body_temp_path $dir/a; proxy_temp_path $dir/b; fastcgi_temp_path $dir/c;
 uwsgi_temp_path $dir/d; scgi_temp_path $dir/e;
 server { listen 127.0.0.1:$port; root $dir/html; } }
END
	chmod -R a+rX "$work"
	"$@" nginx -c "$dir/nginx.conf" -p "$dir" >"$work/server.out" 2>"$work/err" &
	pid=$!
	if wait_open "$port"; then
		rate=$(wrk -t1 -c32 -d2s "http://127.0.0.1:$port/" 2>/dev/null |
			awk '/Requests\/sec/ {printf "%.0f", $2} /Non-2xx/ {exit 1}')
		kill -QUIT "$(cat "$dir/pid")" 2>/dev/null
	fi
	server_end "$pid"
	echo "$rate"
}

# server_end PID: it was told to end; one that does not within five seconds is ended.
server_end()
{
	local i
	for ((i = 0; i < 100; i++)); do
		kill -0 "$1" 2>/dev/null || break
		sleep 0.05
	done
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

server_rows()
{
	if command -v redis-server >/dev/null && command -v redis-benchmark >/dev/null; then
		row 'redis-server under redis-benchmark' requests/s 'bare shim=>0.95 both' -- redis_run
	else
		echo '| redis-server under redis-benchmark | | not installed | | | | | | | |'
	fi
	if command -v nginx >/dev/null && command -v wrk >/dev/null; then
		row 'nginx, 2 workers, under wrk' requests/s 'bare shim=>0.95 both' -- nginx_run
	else
		echo '| nginx under wrk | | nginx or wrk not installed | | | | | | | |'
	fi
}
