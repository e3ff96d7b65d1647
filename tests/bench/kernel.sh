# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # bench.sh sets build, runs, work ...
# The kernel's side: what the probes cost those they do not watch, where they begin to lose, and
# the memory of their maps.

# other_start: a tree that sleeps, watched by both vantages; other_pid is its sowatch. A shell that
# forgets its children (a command substitution) has to stop it itself.
other_start()
{
	local i
	rm -f "$work/other.up"
	"$sowatch" run --vantage both -o "$work/other.log" -- \
		sh -c "echo up >'$work/other.up'; exec sleep 300" >"$work/other.out" 2>"$work/err" &
	other_pid=$!
	for ((i = 0; i < 200; i++)); do
		[ -s "$work/other.up" ] && return 0
		kill -0 "$other_pid" 2>/dev/null || break
		sleep 0.05
	done
	other_stop
	return 1
}
other_stop()
{
	kill "$other_pid" 2>/dev/null
	wait "$other_pid" 2>/dev/null
	rm -f "$work/other.log"
}

unwatched_rows()
{
	row 'open+close, 14 frames, by a process that is NOT watched' ns 'bare beside=x1.3' -- "$bench/bench_open" 300000
	row 'close of -1, by a process that is NOT watched' ns 'bare beside' -- "$bench/bench_silent" close 1000000
	row 'posix_spawn and wait of true, by a process that is NOT watched' µs 'bare beside' -- "$bench/bench_spawn" 200
}

# rate_try VANTAGE THREADS RATE: sets reached and losses.
rate_try()
{
	reached=$(watched "$1" "$bench/bench_rate" "$3" 1000 "$2")
	losses=$(lost)
	is_number "$reached"
}

# rate_search VANTAGE THREADS: doubles the rate until something is lost, or until the calls
# themselves are too slow for it; then two steps between the last clean rate and the lossy one.
rate_search()
{
	local vantage=$1 threads=$2 ask low=0 high=0 clean=0 step reached losses end='none lost up to there'
	for ((ask = 20000, step = 0; step < 12; step++)); do
		if ! rate_try "$vantage" "$threads" "$ask"; then
			end="failed at $ask: $(tail -1 "$work/err" | tr '|' ' ')"
			break
		elif [ "$losses" -gt 0 ]; then
			high=$ask
			end="asked for $ask/s: $losses of $(($(jq .events "$work/summary") + losses)) lost"
			[ "$step" -gt 9 ] || step=9
		else
			low=$ask
			[ "$reached" -le "$clean" ] || clean=$reached
			if ((reached * 10 < ask * 7)); then
				[ "$high" -gt 0 ] || end="none lost; asked for $ask/s, which cannot be reached"
				break
			fi
		fi
		ask=$((high ? (low + high) / 2 : ask * 2))
	done
	echo "| $vantage | $threads | $clean | $end |"
}

rates()
{
	local vantage
	echo 'Events per second until the first loss (open+close below 10 frames, one second at a steady'
	echo 'rate, the rate doubled until something is lost; the collector on the same machine):'
	echo
	echo '| vantage | threads | highest clean rate, events/s | end |'
	echo '|---|--:|--:|---|'
	for vantage in shim both kernel; do
		[[ " $unavailable " == *" $vantage "* ]] && continue
		rate_search "$vantage" 1
		rate_search "$vantage" 8
	done
}

# What the kernel says of each map, while one tree is watched: no bpftool is needed, the collector's
# own descriptors tell type, size and memory.
map_names='2 array 1 hash 9 lru_hash 27 ringbuf 29 task_storage 3 prog_array 6 percpu_array 5 percpu_hash'
maps()
{
	local pid
	other_start || { echo "Memory of the probes' maps: $(tail -1 "$work/err")"; return; }
	pid=$other_pid
	echo "Memory of the probes' maps while one tree is watched (fdinfo of the collector's descriptors):"
	echo
	echo '| map type | value bytes | entries | KiB |'
	echo '|---|--:|--:|--:|'
	cat /proc/"$pid"/fdinfo/* 2>/dev/null | awk -v names="$map_names" '
		BEGIN {n = split(names, w, " "); for (i = 1; i < n; i += 2) name[w[i]] = w[i + 1]}
		function put() {
			if (type == "" || seen[id]++) return
			printf "| %s | %s | %s | %d |\n", type in name ? name[type] : type, value, entries, memory / 1024
			sum += memory
			if (type == 29) thread += value
		}
		/^pos:/ {put(); type = ""}
		/^map_type:/ {type = $2} /^value_size:/ {value = $2} /^max_entries:/ {entries = $2}
		/^memlock:/ {memory = $2} /^map_id:/ {id = $2}
		END {put(); printf "| all | | | %d |\n\nEvery watched thread adds up to %d bytes of task storage.\n", sum / 1024, thread}'
	echo
	echo "The collector itself, watching that one tree: $(awk '/^VmRSS/ {print $2}' /proc/"$pid"/status) KiB resident."
	other_stop
}
