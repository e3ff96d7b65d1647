# SPDX-License-Identifier: Apache-2.0
# What the evasion scenarios add to lib/scenario.sh: runs with a vantage of one's own choice, without
# the word that a missing kernel side is accepted, and questions about findings by their kind.
# A scenario first runs all its shim parts and then all its kernel parts, so that where the probes
# cannot be loaded the first half is still checked before it is skipped with the reason.
# evade_emulated is set where every instruction is emulated: smaller numbers of processes then.
evade_emulated=${SOWATCH_QEMU-}
: "${SCENARIO_TEST:=evasion.$(basename "$0" .sh)}"
. "$(dirname "${BASH_SOURCE[0]}")/../lib/scenario.sh"

evade=$subjects/evade

# observe VANTAGE NAME [OPTION]... -- CMD [ARG]...: `watch` with that vantage and nothing accepted.
#   --policy FILE, --status N, --stdin FILE, --any-stderr, --no-bare, --filter SED as there
#   --no-replay        do not hold the replay against the live run
#   --seconds N        bound of both runs
observe()
{
	local options=() want='' input=/dev/null filter='' bare=1 replay=1 errors=1 seconds=100
	local vantage=$1
	watched=$2/$1
	here=$work/run-$2-$1
	shift 2
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		case $1 in
		--policy) options+=(-p "$root/policies" -p "$2"); shift ;;
		--status) want=$2; shift ;;
		--stdin) input=$2; shift ;;
		--filter) filter=$2; shift ;;
		--seconds) seconds=$2; shift ;;
		--no-bare) bare='' ;;
		--no-replay) replay='' ;;
		--any-stderr) errors='' ;;
		--accept) options+=("$1" "$2"); shift ;;
		*) options+=("$1") ;;
		esac
		shift
	done
	shift
	rm -rf "$here"
	mkdir -p "$here"
	if [ -n "$bare" ]; then
		fresh
		(cd "$cwd" && exec timeout --foreground -k 5 "$seconds" "$@") \
			<"$input" >"$here/bare.out" 2>"$here/bare.err"
		bare_status=$?
	fi
	fresh
	(cd "$cwd" && exec timeout --foreground -k 5 "$seconds" "$sowatch" run --vantage "$vantage" \
		-o "$here/log.swl" --alerts "$here/alerts.jsonl" --summary "$here/summary.json" \
		"${options[@]}" -- "$@") <"$input" >"$here/out" 2>"$here/err"
	status=$?
	[ -z "$filter" ] || sed -i -E "$filter" "$here/out" ${bare:+"$here/bare.out"}
	[ -z "$bare" ] || watch_compare "$errors"
	if [ -n "$want" ]; then
		check
		[ "$status" = "$want" ] || fail "exit status $status, expected $want" - <"$here/err"
	fi
	check
	jq -e .verdict "$here/summary.json" >/dev/null 2>&1 ||
		fail "no summary was written; sowatch said" - <"$here/err"
	[ -z "$replay" ] || expect_replay
}

# need_vantage VANTAGE: ends the scenario where `sowatch run` says that it cannot have it. Only that
# counts as a reason: to fail in silence or over something else, or to take another, is a failure.
need_vantage()
{
	local said
	watched=$1 here=$work
	if said=$("$sowatch" run --vantage "$1" -o "$work/probe-$1.swl" --summary "$work/probe.json" \
		-- /bin/true 2>&1 </dev/null); then
		check
		[ "$(jq -r .coverage.vantage "$work/probe.json" 2>/dev/null)" = "$1" ] ||
			fail "--vantage $1 was taken for another one" - <<<"$said"
		return 0
	fi
	grep -qE -- "--vantage $1(:| is not possible here)" <<<"$said" ||
		{ fail "--vantage $1 failed, and not for want of it" - <<<"$said"; exit 1; }
	[ -z "$evade_emulated" ] || { fail "Debian's kernel has all it takes" - <<<"$said"; exit 1; }
	skip "$(grep -m 1 -E -- "--vantage $1(:| is not possible here)" <<<"$said")"
}

# --- under shim ------------------------------------------------------------------------------

# expect_invisible SUBJECT ACTION: the shim did not see it, which is what makes it an evasion, and
# the verdict does not pretend otherwise.
expect_invisible()
{
	expect_no_event "$1" "$2"
	expect_verdict unknown
}

# --- under both ------------------------------------------------------------------------------

# finding_count KINDS SUBJECT ACTION OBJECT-REGEX: findings of one of the kinds (a|b), repeats counted
finding_count()
{
	jq -s --arg k "$1" --arg s "$2" --arg a "$3" --arg o "$4" "$alert_words"'[.[] |
		select((.kind | test("^(" + $k + ")$")) and .subject.name == $s and .action == $a
			and (.object | word | test("^(" + $o + ")$"))) | .count] | add // 0' \
		"$here/alerts.jsonl" 2>/dev/null || echo 0
}

# expect_finding KINDS SUBJECT ACTION OBJECT-REGEX [AT-LEAST]
expect_finding()
{
	local count
	check
	count=$(finding_count "${@:1:4}")
	[ "${count:-0}" -ge "${5-1}" ] ||
		fail "expected a finding: $1 $2 $3 $4, found ${count:-0}; told were" - < <(
			alerts_told; echo "seen were:"; seen_all)
}

# expect_bypass SUBJECT ACTION OBJECT-REGEX: once told, exactly right, and nobody else is blamed.
expect_bypass()
{
	expect_finding bypass "$@"
	expect_verdict deviates
	expect_blame "$1"
}

# expect_blame SUBJECT...: nobody but these is charged with a finding.
expect_blame()
{
	local others
	check
	others=$(jq -r --arg names "$*" 'select(.kind != "coverage") | .subject.name
		| select(. as $n | $names | split(" ") | index($n) | not)' "$here/alerts.jsonl" | sort -u)
	[ -z "$others" ] || fail "only $* should be charged, also charged: $others; told were" - < <(alerts_told)
}

# expect_logged N REGEX: that many lines of `log show` match.
expect_logged()
{
	local count
	check
	count=$("$sowatch" log show "$here/log.swl" | grep -cE -- "$2")
	[ "$count" = "$1" ] || fail "expected $1 lines of the log like '$2', found $count"
}

# expect_honest: no finding at all, everything was seen.
expect_honest()
{
	expect_no_deviation
	expect_verdict clean
}

# --- neighbours ------------------------------------------------------------------------------

# listen: somebody to connect to; sets $port.
listen()
{
	local file
	file=$(mktemp -u "$work/port.XXXXXX")
	start "$evade/evade_listen" "$file"
	wait_until 10 test -s "$file" || { fail "nobody listens"; exit 1; }
	port=$(<"$file")
}
