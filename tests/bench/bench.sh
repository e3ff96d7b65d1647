#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The budgets of the design as ratios, measured in one run on this machine, variants in turn:
# bare, nop (the shim's exports with no work behind them), full (sowatch run, log and judging on).
#
#	tests/bench/bench.sh [BUILD] [RUNS]
#
# Prints a table (minimum, median, maximum); tests/bench/RESULTS.md keeps a committed run.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$root/build/release}
runs=${2:-5}
bench=$build/tests/bench
sowatch=$build/bin/sowatch
nop=$build/lib/libsowatch-nop.so
work=$(mktemp -d /tmp/sowatch-bench.XXXXXX)
pids=()
finish() { local p; for p in "${pids[@]}"; do kill "$p" 2>/dev/null; wait "$p" 2>/dev/null; done; rm -rf "$work"; }
trap finish EXIT
export XDG_STATE_HOME=$work/state

# stats NUMBER...: "min median max"
stats() { printf '%s\n' "$@" | sort -n | awk '{v[NR]=$1} END {printf "%s %s %s", v[1], v[int((NR+1)/2)], v[NR]}'; }
median() { set -- $1; echo "$2"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.2f", b > 0 ? a / b : 0}'; }

watched() { "$sowatch" run -o "$work/log.$RANDOM$RANDOM" --summary "$work/summary" -- "$@" 2>"$work/err"; }
lost() { jq -r '.coverage.lost' "$work/summary" 2>/dev/null; }

# row NAME UNIT -- COMMAND...: the command prints one number.
row()
{
	local name=$1 unit=$2 i a=() b=() c=() sa sb sc losses=0
	shift 3
	for ((i = 0; i < runs; i++)); do
		a+=("$("$@")")
		b+=("$(LD_PRELOAD=$nop "$@")")
		c+=("$(watched "$@")")
		losses=$((losses + $(lost)))
	done
	sa=$(stats "${a[@]}") sb=$(stats "${b[@]}") sc=$(stats "${c[@]}")
	printf '| %s | %s | %s | %s | %s | %s | **%s** | %s |\n' "$name" "$unit" "$sa" "$sb" "$sc" \
		"$(ratio "$(median "$sb")" "$(median "$sa")")" \
		"$(ratio "$(median "$sc")" "$(median "$sa")")" "$losses"
}

echo "Machine: $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), kernel $(uname -r), $(. /etc/os-release; echo "$PRETTY_NAME"); $runs runs of each, in turn."
echo
echo '| what | unit | bare min med max | nop min med max | full min med max | nop/bare | full/bare | lost |'
echo '|---|---|---|---|---|---|---|---|'
row 'open+close, 14 frames, 1 thread' ns -- "$bench/bench_open" 500000
row 'open+close, 14 frames, 8 threads' ns -- "$bench/bench_open" 50000 14 8
row 'open+close, unique stacks' ns -- "$bench/bench_open" 50000 20 1 unique
row 'getenv, repeated' ns -- "$bench/bench_silent" getenv 5000000
row 'write to a file' ns -- "$bench/bench_silent" write 1000000
row 'close' ns -- "$bench/bench_silent" close 2000000
row 'mmap, not executable' ns -- "$bench/bench_silent" mmap 1000000
row 'posix_spawn and wait of true' µs -- "$bench/bench_spawn" 300

# server NAME PORT COMMAND...: starts it, waits until the port answers.
wait_port()
{
	local i
	for ((i = 0; i < 100; i++)); do
		(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
		sleep 0.05
	done
	return 1
}

redis_run() # [wrapper...]: requests per second
{
	local port=17379 pid rate
	"$@" redis-server --port $port --bind 127.0.0.1 --save '' --appendonly no --dir "$work" >/dev/null 2>"$work/err" &
	pid=$!
	pids+=("$pid")
	wait_port $port || return 1
	rate=$(redis-benchmark -h 127.0.0.1 -p $port -q -n 100000 -c 50 -t set,get --csv 2>/dev/null |
		awk -F'"' '/SET|GET/ {sum += $4; n++} END {if (n) printf "%.0f", sum / n}')
	redis-cli -h 127.0.0.1 -p $port shutdown nosave >/dev/null 2>&1
	wait "$pid"
	echo "$rate"
}

nginx_run()
{
	local port=17380 dir=$work/nginx pid rate
	mkdir -p "$dir/html" && head -c 1024 /dev/zero >"$dir/html/index.html"
	cat >"$dir/nginx.conf" <<END
daemon off; worker_processes 2; pid $dir/pid; error_log $dir/error;
events { worker_connections 256; }
http { access_log off; client_body_temp_path $dir/a; proxy_temp_path $dir/b; fastcgi_temp_path $dir/c;
 uwsgi_temp_path $dir/d; scgi_temp_path $dir/e;
 server { listen 127.0.0.1:$port; root $dir/html; } }
END
	chmod -R a+rX "$work"
	"$@" nginx -c "$dir/nginx.conf" -p "$dir" >/dev/null 2>"$work/err" &
	pid=$!
	pids+=("$pid")
	wait_port $port || return 1
	rate=$(wrk -t1 -c32 -d3s "http://127.0.0.1:$port/" 2>/dev/null | awk '/Requests\/sec/ {printf "%.0f", $2}')
	kill -QUIT "$(cat "$dir/pid")" 2>/dev/null
	wait "$pid"
	echo "$rate"
}

server_row() # NAME FUNCTION
{
	local i a=() c=()
	for ((i = 0; i < runs; i++)); do
		a+=("$($2)")
		c+=("$($2 "$sowatch" run -o "$work/log.$RANDOM$RANDOM" --)")
	done
	printf '| %s | requests/s | %s | | %s | | **%s** | |\n' "$1" "$(stats "${a[@]}")" "$(stats "${c[@]}")" \
		"$(ratio "$(median "$(stats "${c[@]}")")" "$(median "$(stats "${a[@]}")")")"
}
command -v redis-server >/dev/null && server_row 'redis-server under redis-benchmark' redis_run
command -v nginx >/dev/null && command -v wrk >/dev/null && server_row 'nginx under wrk' nginx_run

echo
echo 'Others, on the same loop (20 000 iterations):'
echo
plain=$("$bench/bench_open" 20000)
echo "* bare: $plain ns"
echo "* sowatch: $(watched "$bench/bench_open" 20000) ns, lost $(lost)"
if command -v strace >/dev/null; then
	echo "* strace -f -k --seccomp-bpf -e openat: $(strace -f -k --seccomp-bpf -e trace=openat -o "$work/strace" "$bench/bench_open" 20000) ns, lost 0"
fi
if command -v perf >/dev/null; then
	took=$(perf trace --call-graph dwarf -e openat -o "$work/perf" "$bench/bench_open" 20000 2>"$work/perf.err")
	seen=$(grep -c 'openat(' "$work/perf" 2>/dev/null)
	if [ "${seen:-0}" -gt 0 ]; then
		echo "* perf trace --call-graph dwarf -e openat: $took ns, $seen of 20000 events printed"
	else
		echo "* perf trace: not usable on this kernel ($(head -1 "$work/perf.err" | cut -c1-80))"
	fi
fi
echo
echo "Memory of an idle watched process (python3, RSS): bare $(/usr/bin/python3 -c 'print([l.split()[1] for l in open("/proc/self/status") if l.startswith("VmRSS")][0])') KiB, watched $(watched /usr/bin/python3 -c 'print([l.split()[1] for l in open("/proc/self/status") if l.startswith("VmRSS")][0])') KiB"
echo
[ -x "$bench/bench_log" ] && { echo 'Log:'; echo '```'; "$bench/bench_log"; echo '```'; }
"$sowatch" run -o "$work/replay.swl" -- "$bench/bench_open" 1000000 >/dev/null 2>&1
start=$(date +%s%N)
"$sowatch" replay "$work/replay.swl" --summary "$work/summary" >/dev/null 2>&1
end=$(date +%s%N)
events=$(jq .events "$work/summary")
echo "Replay: $events events in $(((end - start) / 1000000)) ms, $(awk -v e="$events" -v n=$((end - start)) 'BEGIN {printf "%.0f", e * 1e9 / n}') events/s; log $(awk -v b="$(stat -c %s "$work/replay.swl")" -v e="$events" 'BEGIN {printf "%.1f", b / e}') bytes per event"
