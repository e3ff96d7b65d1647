# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # bench.sh sets build, runs, work ...
# Other tools on the same loop, in the same run: what they cost, and how much of it they saw.

other_line() # TOOL NS SEEN EXPECTED REMARK
{
	local cost=$2
	is_number "$cost" || { echo "| $1 | failed | | | $5 $(tail -1 "$work/err" | tr '|' ' ' | cut -c1-100) |"; return; }
	echo "| $1 | $cost | $(ratio "$cost" "$plain") | $3 of $4 | $5 |"
}

other_sowatch() # VANTAGE
{
	local took
	[[ " $unavailable " == *" $1 "* ]] && return
	took=$(watched "$1" "$bench/bench_open" "$loops")
	other_line "sowatch --vantage $1" "$took" "$(($(jq .events "$work/summary") - $(lost)))" "$loops" \
		'14 frames each, judged and logged; the rest are the start of the process'
}

other_strace()
{
	local took few=$((loops / 10))
	command -v strace >/dev/null || { echo '| strace | not installed | | | |'; return; }
	took=$(timeout 120 strace -f -k --seccomp-bpf -e trace=openat -o "$work/strace" "$bench/bench_open" "$few" 2>"$work/err")
	other_line 'strace -f -k --seccomp-bpf -e openat' "$took" "$(grep -c 'openat(.*/dev/null' "$work/strace")" "$few" 'stacks as text'
	rm -f "$work/strace"
}

other_perf()
{
	local took seen
	command -v perf >/dev/null || { echo '| perf trace | not installed | | | |'; return; }
	took=$(timeout 120 perf trace --call-graph dwarf -e openat -o "$work/perf" "$bench/bench_open" "$loops" 2>"$work/err")
	seen=$(grep -c 'openat(' "$work/perf" 2>/dev/null)
	if [ "${seen:-0}" -gt 0 ]; then
		other_line 'perf trace --call-graph dwarf -e openat' "$took" "$seen" "$loops" \
			"says itself: $(cat "$work/perf" "$work/err" | awk '/LOST/ {n += $2} END {print n + 0}') entry and exit records lost"
	else
		echo "| perf trace --call-graph dwarf | does not work on this kernel: $(head -1 "$work/err" | tr '|' ' ' | cut -c1-100) | | | |"
	fi
	rm -f "$work/perf"
}

other_bpftrace()
{
	local took seen frames out=$work/bpftrace
	command -v bpftrace >/dev/null || { echo '| bpftrace | not installed | | | |'; return; }
	timeout 120 bpftrace -e 'tracepoint:syscalls:sys_exit_openat /pid == cpid/ { @[ustack] = count(); }' \
		-c "$bench/bench_open $loops" >"$out" 2>"$work/err"
	took=$(grep -m1 -E '^[0-9]+\.[0-9]$' "$out")
	read -r seen frames < <(awk '/^@\[/ {n = 0} /^    / {n++} /^\]: / {sum += $2; if ($2 > top) {top = $2; deep = n}} END {print sum + 0, deep + 0}' "$out")
	if [ "${seen:-0}" -gt 0 ]; then
		other_line 'bpftrace, sys_exit_openat, count by ustack' "$took" "$seen" "$loops" \
			"counted in the kernel; $frames of 14 frames"
	else
		echo "| bpftrace | does not work on this kernel: $(tail -1 "$work/err" | tr '|' ' ' | cut -c1-100) | | | |"
	fi
}

others()
{
	loops=20000
	plain=$("$bench/bench_open" "$loops")
	echo "Others, on the same loop ($loops iterations, one run each; strace a tenth):"
	echo
	echo '| tool | ns per iteration | × bare | events seen | |'
	echo '|---|--:|--:|--:|---|'
	echo "| bare | $plain | 1.00 | | |"
	other_sowatch shim
	other_sowatch both
	other_strace
	other_perf
	other_bpftrace
}
