# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2016 # bench.sh sets build, runs, work ...
# The collector's own rates, the log, a replay by the program itself, and the memory of a process.

figure() # WHAT VALUE UNIT OP BUDGET
{
	if ! is_number "$2"; then
		missed=$((missed + 1))
		echo "| $1 | failed | | **MISSED** |"
	elif [ $# -lt 5 ]; then
		echo "| $1 | $2 $3 | | |"
	else
		local word=ok
		holds "$2" "$4" "$5" || { word='**MISSED**'; missed=$((missed + 1)); }
		echo "| $1 | $2 $3 | $([ "$4" = '<=' ] && echo ≤ || echo ≥) $5 | $word |"
	fi
}

# The rows of bench_pipeline begin with a name of several words.
pipeline_figures()
{
	"$bench/bench_pipeline" "$root/policies" 1000000 >"$work/pipeline" 2>"$work/err" ||
		{ figure 'collector alone' ''; return; }
	local name judged replayed
	while IFS=';' read -r name judged replayed; do
		case $name in
		many*)
			figure "cost per event: $name ($replayed)" "$judged" '× that of 10 and 10' '<=' 1.2
			continue ;;
		steady)
			figure "judged and logged: $name" "$judged" events/s '>=' 500000
			figure "replayed: $name" "$replayed" events/s '>=' 2000000
			continue ;;
		esac
		figure "judged and logged: $name" "$judged" events/s
		figure "replayed: $name" "$replayed" events/s
	done < <(sed 1d "$work/pipeline" | sed -E 's/ {2,}/;/g')
}

# Judging alone: a name, a figure, and how far the rounds lie apart.
verdict_figures()
{
	"$bench/bench_verdict" "$root/policies" >"$work/verdict" 2>"$work/err" ||
		{ figure 'judging alone' ''; return; }
	local name rate spread
	while IFS=';' read -r name rate spread; do
		case $name in
		many*) figure "judging alone: $name ($spread)" "$rate" '× that of 10 and 10' ;;
		*seen) figure "verdicts: $name ($spread)" "$rate" /s '>=' 3000000 ;;
		*) figure "verdicts: $name ($spread)" "$rate" /s '>=' 500000 ;;
		esac
	done < <(sed 1d "$work/verdict" | sed -E 's/ {2,}/;/g')
}

replay_figures()
{
	local start end events
	watched shim "$bench/bench_open" 1000000 >/dev/null || { figure 'sowatch replay' ''; return; }
	mv "$work/log" "$work/replay.swl"
	events=$(jq .events "$work/summary")
	figure 'log of the loop, as written by run' "$(awk -v b="$(stat -c %s "$work/replay.swl")" -v e="$events" 'BEGIN {printf "%.1f", b / e}')" 'bytes per event' '<=' 24
	start=$(date +%s%N)
	"$sowatch" replay "$work/replay.swl" --summary "$work/summary" >/dev/null 2>"$work/err"
	end=$(date +%s%N)
	figure "sowatch replay, the whole program, $events events" "$(awk -v e="$(jq .events "$work/summary")" -v n=$((end - start)) 'BEGIN {printf "%.0f", e * 1e9 / n}')" events/s '>=' 2000000
	rm -f "$work/replay.swl"
}

collector_figures()
{
	echo 'The collector, one core:'
	echo
	echo '| what | figure | budget | |'
	echo '|---|--:|---|---|'
	pipeline_figures
	verdict_figures
	replay_figures
	echo
	echo 'The log alone (`bench_log`):'
	echo
	echo '```'
	"$bench/bench_log" 1000000
	echo '```'
	echo
	echo 'Unwinding offline, where no call slot is set (`bench_unwind`):'
	echo
	echo '```'
	"$bench/bench_unwind" 0.3
	echo '```'
}

# Says "state resident ring" in KiB: the ring is the shim's only memfd. First as it starts, then with
# 16 threads beside the first that have all acted.
memory_said='
import re, threading, os
def report(label):
    text = open("/proc/self/smaps").read()
    resident = ring = 0
    for part in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", text):
        size = int(re.search(r"\nRss: +(\d+)", part).group(1))
        resident += size
        if "memfd:" in part.split("\n")[0]: ring += size
    print(label, resident, ring)
report("idle")
def act(): os.close(os.open("/dev/null", 0)); gate.wait()
gate = threading.Barrier(17)
threads = [threading.Thread(target=act) for i in range(16)]
for t in threads: t.start()
while gate.n_waiting < 16: os.sched_yield()
report("threads")
gate.wait()
'

memory_figures()
{
	local v label all ring
	local -A base=()
	echo 'python3, resident KiB, without the pages of the ring; budget: 2 MiB, and 300 KiB per thread that acted.'
	echo
	echo '| vantage | state | resident | of the ring | added | budget | |'
	echo '|---|---|--:|--:|--:|---|---|'
	for v in bare shim both; do
		[[ " $unavailable " == *" $v "* ]] && continue
		while read -r label all ring; do
			if [ "$v" = bare ]; then
				base[$label]=$all
				echo "| bare | $label | $all | | | | |"
				continue
			fi
			local added=$((all - ring - ${base[$label]:-0})) most=2048
			[ "$label" = threads ] && most=$((2048 + 17 * 300))
			local word=ok
			[ "$added" -le "$most" ] || { word='**MISSED**'; missed=$((missed + 1)); }
			echo "| $v | $label | $all | $ring | $added | ≤ $most | $word |"
		done < <(measure "$v" /usr/bin/python3 -c "$memory_said")
	done
}
