# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # bench.sh sets build, runs, work ...
# What all rows of bench.sh share: variants, statistics, budgets, lines of the table. A command that
# is measured prints one number; one that fails makes a row that says so, never a figure.

# stats NUMBER...: "min median max"
stats() { printf '%s\n' "$@" | sort -n | awk '{v[NR]=$1} END {printf "%s %s %s", v[1], v[int((NR+1)/2)], v[NR]}'; }
median() { local m _; read -r _ m _ <<<"$1"; echo "$m"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.2f", (b > 0 ? a / b : 0)}'; }
is_number() { [[ $1 =~ ^[0-9]+(\.[0-9]+)?$ ]]; }
holds() { awk -v a="$1" -v op="$2" -v b="$3" 'BEGIN {exit !(op == "<=" ? a + 0 <= b + 0 : a + 0 >= b + 0)}'; }

# watched VANTAGE COMMAND...: the log is written and thrown away, the summary kept.
watched()
{
	local vantage=$1
	shift
	rm -f "$work/summary" "$work/log"
	timeout --foreground 120 "$sowatch" run --vantage "$vantage" -o "$work/log" \
		--summary "$work/summary" -- "$@" 2>"$work/err"
}
lost() { jq -r '.coverage.lost // 0' "$work/summary" 2>/dev/null || echo 0; }

# measure VARIANT COMMAND...: a shell function gets what is to stand before its server's command line.
measure()
{
	local variant=$1 wrap=(timeout --foreground 120)
	shift
	rm -f "$work/summary" "$work/log"
	case $variant in
	bare) ;;
	nop) wrap+=(env "LD_PRELOAD=$nop") ;;
	beside) other_start || return 1 ;;
	*) wrap+=("$sowatch" run --vantage "$variant" -o "$work/log" --summary "$work/summary" --) ;;
	esac
	if [ "$(type -t "$1")" = function ]; then
		"$@" "${wrap[@]}"
	else
		"${wrap[@]}" "$@" 2>"$work/err"
	fi
	[ "$variant" != beside ] || other_stop
}

# budget_said BUDGET UNIT and budget_kept BUDGET BARE VALUE LOSSES. A budget is xN: at most N times
# bare; +N: at most N more than bare; >N: at least N times bare; 0: nothing lost, which all say.
budget_said()
{
	case $1 in
	x*) echo "≤ ${1#x} × bare, 0 lost" ;;
	+*) echo "≤ ${1#+} $2 added" ;;
	'>'*) echo "≥ ${1#>} × bare" ;;
	0) echo '0 lost' ;;
	esac
}
budget_kept()
{
	local budget=$1 bare=$2 value=$3
	[ "$4" = 0 ] || return 1
	case $budget in
	x*) holds "$(ratio "$value" "$bare")" '<=' "${budget#x}" ;;
	+*) holds "$(awk -v a="$value" -v b="$bare" 'BEGIN {print a - b}')" '<=' "${budget#+}" ;;
	'>'*) holds "$(ratio "$value" "$bare")" '>=' "${budget#>}" ;;
	esac
}

table_head()
{
	echo '| what | unit | variant | median | min – max | × bare | added | lost | budget | |'
	echo '|---|---|---|--:|--:|--:|--:|--:|---|---|'
}

# line WHAT UNIT VARIANT BUDGET BARE LOSSES FAILURES VALUE...
line()
{
	local what=$1 unit=$2 variant=$3 budget=$4 bare=$5 losses=$6 failures=$7 s min mid max said='' verdict=''
	shift 7
	if [ $# = 0 ]; then
		missed=$((missed + 1))
		echo "| $what | $unit | $variant | failed: $(tail -1 "$work/err" 2>/dev/null | tr '|' ' ' | cut -c1-100) | | | | | | **MISSED** |"
		return
	fi
	s=$(stats "$@")
	read -r min mid max <<<"$s"
	if [ -n "$budget" ]; then
		said=$(budget_said "$budget" "$unit")
		if budget_kept "$budget" "$bare" "$mid" "$losses"; then
			verdict=ok
		else
			verdict='**MISSED**' missed=$((missed + 1))
		fi
	fi
	[ "$failures" = 0 ] || verdict+=" ($failures runs failed)"
	if [ "$variant" = bare ]; then
		echo "| $what | $unit | bare | $mid | $min – $max | | | | | |"
	else
		echo "| $what | $unit | $variant | $mid | $min – $max | $(ratio "$mid" "$bare") | $(awk -v a="$mid" -v b="$bare" 'BEGIN {printf "%+.1f", a - b}') | $losses | $said | $verdict |"
	fi
}

# row WHAT UNIT "VARIANT[=BUDGET]..." -- COMMAND...: the variants in turn, so that whatever else the
# machine does falls on all of them. The first variant is bare.
row()
{
	local what=$1 unit=$2 variants=$3 i v value bare=
	local -A values=() losses=() failures=()
	shift 4
	for ((i = 0; i < runs; i++)); do
		for v in $variants; do
			v=${v%%=*}
			[[ " $unavailable " == *" $v "* ]] && continue
			value=$(measure "$v" "$@")
			# without a summary nobody knows what was lost
			case $v in shim | both | kernel) [ -s "$work/summary" ] || value='' ;; esac
			if is_number "$value"; then
				values[$v]+=" $value"
			else
				failures[$v]=$((${failures[$v]:-0} + 1))
			fi
			losses[$v]=$((${losses[$v]:-0} + $(lost)))
		done
	done
	for v in $variants; do
		local budget=
		[[ $v == *=* ]] && budget=${v#*=}
		v=${v%%=*}
		[[ " $unavailable " == *" $v "* ]] && continue
		# shellcheck disable=SC2086 # several numbers
		[ "$v" = bare ] && [ -n "${values[bare]:-}" ] && bare=$(median "$(stats ${values[bare]})")
		# shellcheck disable=SC2086
		line "$what" "$unit" "$v" "$budget" "${bare:-0}" "${losses[$v]:-0}" "${failures[$v]:-0}" ${values[$v]:-}
	done
}
