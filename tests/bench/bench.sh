#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The budgets of the design as ratios, measured in one run on this machine, variants in turn: bare;
# nop (the shim's exports with no work behind them); shim, both, kernel (`sowatch run` with that
# vantage, log and judging on); beside (not watched, while the probes are attached to another tree).
#
#	tests/bench/bench.sh [BUILD] [RUNS]
#
# Prints Markdown and asserts nothing; a missed budget is marked. Root is needed for the probes.
# tests/bench/RESULTS.md keeps a committed run.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(realpath "${1:-$root/build/release}")
runs=${2:-5}
bench=$build/tests/bench
sowatch=$build/bin/sowatch
nop=$build/lib/libsowatch-nop.so
# shellcheck disable=SC2034 # the parts use them
missed=0 unavailable='' other_pid=
for file in "$sowatch" "$nop" "$bench"/bench_{open,spawn,silent,rate,log,pipeline,verdict,unwind}; do
	[ -e "$file" ] || { echo "bench.sh: $file is missing: build first, ninja -C $build" >&2; exit 2; }
done
command -v jq >/dev/null || { echo 'bench.sh: jq is missing' >&2; exit 2; }
work=$(mktemp -d /tmp/sowatch-bench.XXXXXX)
finish()
{
	local p
	trap '' PIPE INT TERM
	for p in $(jobs -p); do kill "$p" 2>/dev/null; wait "$p" 2>/dev/null; done
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM
export XDG_STATE_HOME=$work/state
unset SOWATCH_VANTAGE
for part in lib servers kernel others programs; do
	# shellcheck source=/dev/null
	. "$root/tests/bench/$part.sh"
done

heading() { printf '\n## %s\n\n' "$1"; }

echo '# Benchmarks'
echo
echo "\`tests/bench/bench.sh BUILD $runs\`, $(date -u +%Y-%m-%d), commit $(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo unknown)."
echo
echo "Machine: $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(awk '/^MemTotal/ {printf "%.1f GiB", $2 / 1048576}' /proc/meminfo), kernel $(uname -r), $(. /etc/os-release; echo "$PRETTY_NAME"), glibc $(getconf GNU_LIBC_VERSION | cut -d' ' -f2), build $(sed -n 's/^CMAKE_BUILD_TYPE:[A-Z]*=//p' "$build/CMakeCache.txt"); load at the start $(cut -d' ' -f1 /proc/loadavg)."
echo "$runs runs of each variant, in turn; × bare and added compare the medians."
for v in both kernel; do
	if ! watched "$v" true; then
		unavailable+=" $v"
		echo "Vantage $v is left out: $(grep -m1 'not possible' "$work/err" || tail -1 "$work/err")."
	fi
done
[[ $unavailable == *both* ]] && unavailable+=' beside'

heading 'Cost in the service'
table_head
row 'open+close, 14 frames, 1 thread' ns 'bare nop shim=x1.6 both=x2.5 kernel' -- "$bench/bench_open" 300000
row 'open+close, 14 frames, 8 threads' ns 'bare nop shim=0 both=0' -- "$bench/bench_open" 30000 14 8
row 'open+close, every stack another' ns 'bare nop shim=0' -- "$bench/bench_open" 50000 20 1 unique
row 'getenv' ns 'bare nop shim=+30 both' -- "$bench/bench_silent" getenv 3000000
row 'write to a file' ns 'bare nop shim=+30 both' -- "$bench/bench_silent" write 1000000
row 'close' ns 'bare nop shim=+30 both' -- "$bench/bench_silent" close 1000000
row 'mmap, not executable' ns 'bare nop shim=+30 both' -- "$bench/bench_silent" mmap 1000000
row 'posix_spawn and wait of true' µs 'bare nop shim=x1.15 both kernel' -- "$bench/bench_spawn" 200
row 'open+close in Python, 10 calls deep' µs 'bare nop shim=+1 both' -- python3 -I -S "$root/tests/bench/bench_python.py" 8
row 'open+close in Python, 60 calls deep' µs 'bare nop shim=+1 both' -- python3 -I -S "$root/tests/bench/bench_python.py" 58
server_rows

heading 'Processes that are not watched'
if [[ $unavailable == *beside* ]]; then
	echo 'Not measured: no probes here.'
else
	table_head
	unwatched_rows
fi

heading 'Throughput'
rates
echo
collector_figures

heading 'Memory'
memory_figures
echo
[[ $unavailable == *beside* ]] || maps

heading 'Beside other tools'
others
echo
echo "Budgets missed: $missed. The run took $((SECONDS / 60)) min $((SECONDS % 60)) s."
