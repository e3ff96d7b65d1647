# SPDX-License-Identifier: Apache-2.0
# What scenarios are made of; sourced by tests/*/*.sh. `watch` runs a command bare and under
# sowatch and holds the two against each other; the expect_* functions then ask what sowatch saw.
# A scenario goes on after a failed expectation; it fails at its end, and says how to repeat it.
# SOWATCH_BUILD: the build directory; SOWATCH_KEEP=1: keep the working directory.
# SOWATCH_VANTAGE=shim|kernel|both: who watches; what each of them cannot see is told under
# "vantages" below, and nowhere else.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${SOWATCH_BUILD:=$root/build/release}"
: "${SCENARIO_TEST:=scenario.$(basename "$0" .sh)}"
sowatch=$SOWATCH_BUILD/bin/sowatch
subjects=$SOWATCH_BUILD/tests/subjects
scenario_dir=$(cd "$(dirname "$0")" && pwd)

# The same small environment for everyone, whatever the tester's own looks like.
for scenario_variable in $(compgen -e); do
	case $scenario_variable in
	SOWATCH_BUILD | SOWATCH_KEEP | SOWATCH_VANTAGE | SCENARIO_TEST) ;;
	SOWATCH_SHIM | SOWATCH_POLICIES) ;;
	*) unset "$scenario_variable" 2>/dev/null ;;
	esac
done
vantage_wanted=${SOWATCH_VANTAGE-} vantage=${SOWATCH_VANTAGE:-shim} vantage_had=''
export -n SOWATCH_BUILD SOWATCH_KEEP SOWATCH_VANTAGE SCENARIO_TEST 2>/dev/null
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C.UTF-8 TZ=UTC
[ -x /usr/bin/python3 ] && python=/usr/bin/python3 || python=python3

work=$(mktemp -d /tmp/sowatch-test.XXXXXX)
work=$(readlink -f "$work")
chmod 755 "$work"
export HOME=$work/home XDG_STATE_HOME=$work/state TMPDIR=$work/tmp
cwd=$work/cwd
here=$work failures=0 checks=0 watched= background=()

scenario_end()
{
	local status=$? pid
	for pid in "${background[@]}"; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	[ "$(type -t tear_down)" != function ] || tear_down
	if [ "${SOWATCH_KEEP-}" = 1 ]; then
		echo "kept: $work"
	else
		rm -rf "$work"
	fi
	if [ $status = 77 ] && [ $failures = 0 ]; then
		exit 77
	fi
	if [ $status = 0 ] && [ $failures = 0 ] && [ $checks = 0 ]; then
		echo "FAILED: the scenario checked nothing"
		failures=1
	fi
	if [ $status != 0 ] || [ $failures != 0 ]; then
		echo "$failures of $checks checks failed"
		echo "repeat: ./test '^${SCENARIO_TEST//./\\.}\$'"
		exit 1
	fi
	exit 0
}
trap scenario_end EXIT

skip() { echo "skip: $*"; exit 77; }

need_root() { [ "$(id -u)" = 0 ] || skip "needs root"; }

# need_program NAME...: on a machine that ./test has set up they are there.
need_program()
{
	local name
	for name; do
		command -v "$name" >/dev/null || skip "$name is not installed"
	done
}

# need_subject NAME: a subject that could not be built on this machine.
need_subject() { [ -e "$subjects/$1" ] || skip "the subject $1 was not built here"; }

# fail WHAT [DETAILS on stdin when "-" follows]
fail()
{
	failures=$((failures + 1))
	echo "FAILED${watched:+ ($watched)}: $1"
	[ "${2-}" != - ] || sed 's/^/    /' | head -n 40
}

check() { checks=$((checks + 1)); }

# fresh: an empty HOME, TMPDIR and working directory; prepare() fills them when the scenario has it.
fresh()
{
	rm -rf "$work/home" "$work/tmp" "$cwd"
	mkdir -p "$work/home" "$work/tmp" "$work/state" "$cwd"
	chmod 1777 "$work/tmp"
	[ "$(type -t prepare)" != function ] || (cd "$cwd" && prepare)
}

# --- vantages --------------------------------------------------------------------------------

# The expectations are the same three ways, but for what one of them cannot see:
#   shim     nothing of what runs without it (static, AT_SECURE, musl's loader): a hole
#   kernel   no act that stays in the process: a variable read, a name asked for, a library that
#            was loaded (it sees the file mapped, not who asked dlopen for it)
# With both nothing is missing, and processes without the shim are still named.
# vantage is the one of the last `watch`, as it was asked for.

# has_kernel: the probes watch, too
has_kernel() { [ "$vantage" != shim ]; }

# has_shim: the shim is in the processes that can hold it
has_shim() { [ "$vantage" != kernel ]; }

# can_see ACTION: this vantage tells such acts at all
can_see()
{
	has_shim && return
	case $1 in
	env.read | net.resolve | exec.load) return 1 ;;
	esac
}

# can_tell WHAT: what is not told by the kernel alone, with nothing but a copy of the stack:
#   python     which Python package asked: a hole
#   names      what a name was resolved to, so that an address cannot be held against a host name
# What takes their place is expected where they are asked for.
can_tell()
{
	case $1 in
	names | python) has_shim ;;
	*) fail "can_tell knows no $1"; exit 1 ;;
	esac
}

# vantage_got: skips the scenario where its first run says that the vantage cannot be had. Only that
# is a reason: to fail over something else, later, or to take another one, is a failure.
vantage_got()
{
	local refused="--vantage $vantage is not possible here: "
	if [ -z "$vantage_had" ] && grep -qF -- "$refused" "$here/err"; then
		skip "$(grep -m 1 -oE -- '--vantage [a-z]+ is not possible here: .*' "$here/err")"
	fi
	vantage_had=1
	[ -s "$here/summary.json" ] || return 0 # told by the caller
	check
	[ "$(jq -r .coverage.vantage "$here/summary.json" 2>/dev/null)" = "$vantage" ] ||
		fail "--vantage $vantage was asked for, but not had" - < <(
			cat "$here/err"; jq -c .coverage "$here/summary.json" 2>&1)
}

# watch NAME [OPTION]... -- CMD [ARG]...
#   --policy FILE   on top of the shipped ones      --status N   the status both must have
#   --stdin FILE    standard input of both runs     --filter SED applied to both outputs first
#   --no-bare       do not run it bare (and give --status)
#   --no-replay     do not hold the replay against the live run
#   --any-stderr    standard error may differ
#   others go to `sowatch run`
watch()
{
	local options=() want='' input=/dev/null filter='' bare=1 replay=1 errors=1
	watched=$1
	here=$work/run-$1
	vantage=${vantage_wanted:-shim}
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		case $1 in
		--policy) options+=(-p "$root/policies" -p "$2"); shift ;;
		--status) want=$2; shift ;;
		--stdin) input=$2; shift ;;
		--filter) filter=$2; shift ;;
		--no-bare) bare='' ;;
		--no-replay) replay='' ;;
		--any-stderr) errors='' ;;
		--vantage) vantage=$2; shift ;;
		*) options+=("$1") ;;
		esac
		shift
	done
	shift
	rm -rf "$here"
	mkdir -p "$here"
	if [ -n "$bare" ]; then
		fresh
		(cd "$cwd" && exec timeout --foreground -k 5 100 "$@") <"$input" >"$here/bare.out" 2>"$here/bare.err"
		bare_status=$?
	fi
	fresh
	(cd "$cwd" && exec timeout --foreground -k 5 100 "$sowatch" run --accept shim-only \
		-o "$here/log.swl" --alerts "$here/alerts.jsonl" --summary "$here/summary.json" \
		--vantage "$vantage" "${options[@]}" -- "$@") <"$input" >"$here/out" 2>"$here/err"
	status=$?
	vantage_got
	[ -z "$filter" ] || sed -i -E "$filter" "$here/out" ${bare:+"$here/bare.out"}
	[ -z "$bare" ] || watch_compare "$errors"
	if [ -n "$want" ]; then
		check
		[ "$status" = "$want" ] || fail "exit status $status, expected $want" - <"$here/err"
	fi
	check
	jq -e .verdict "$here/summary.json" >/dev/null 2>&1 ||
		fail "no summary was written; sowatch said" - <"$here/err"
	[ -z "$replay" ] || expect_replay_same
}

# The command must not notice that it is watched.
watch_compare()
{
	check
	[ "$status" = "$bare_status" ] ||
		fail "exit status $status, bare it is $bare_status; standard error was" - <"$here/err"
	check
	cmp -s "$here/bare.out" "$here/out" ||
		fail "the output differs from the bare run's" - < <(diff "$here/bare.out" "$here/out")
	[ -n "$1" ] || return 0
	check
	grep -vxFf "$here/err" "$here/bare.err" >"$here/err.missing" &&
		fail "these lines of standard error are gone" - <"$here/err.missing"
	return 0
}

# --- what was seen ---------------------------------------------------------------------------

# seen_count SUBJECT ACTION: how often the subject was charged with it.
seen_count()
{
	jq --arg s "$1" --arg a "$2" '[.subjects[]? | select(.name == $s) | .actions[$a] // 0] | add // 0' \
		"$here/summary.json" 2>/dev/null || echo 0
}

seen_all()
{
	jq -r '.subjects[]? | .kind + " " + .name + " " + (.actions | tostring)' "$here/summary.json" 2>&1
}

# expect_event SUBJECT ACTION [AT-LEAST]
expect_event()
{
	local count least=${3-1}
	can_see "$2" || return 0
	check
	count=$(seen_count "$1" "$2")
	[ "${count:-0}" -ge "$least" ] ||
		fail "expected at least $least $2 by $1, found ${count:-0}; seen were" - < <(seen_all)
}

# expect_count SUBJECT ACTION EXACTLY
expect_count()
{
	local count
	can_see "$2" || return 0
	check
	count=$(seen_count "$1" "$2")
	[ "$count" = "$3" ] || fail "expected exactly $3 $2 by $1, found $count; seen were" - < <(seen_all)
}

expect_no_event()
{
	expect_count "$1" "$2" 0
}

# --- what deviates ---------------------------------------------------------------------------

# The object of an alert as one word, its chain as words with bars between.
alert_words='def word: if has("path") then .path + (if has("to") then " " + .to else "" end)
	elif has("program") then .program
	elif has("address") then .address + (if has("port") then ":\(.port)" else "" end)
	else .name // tostring end;
	def names: [.chain[].name] | join("|");'

alerts_told()
{
	jq -r "$alert_words"'.kind + " " + .subject.name + " " + .action + " " + (.object | word) + " x\(.count)  chain " + names' \
		"$here/alerts.jsonl" 2>&1
}

# deviation_count SUBJECT ACTION OBJECT-REGEX [CHAIN-REGEX]: repeats counted too
deviation_count()
{
	jq -s --arg s "$1" --arg a "$2" --arg o "$3" --arg c "${4-}" "$alert_words"'[.[] |
		select(.kind != "coverage" and .subject.name == $s and .action == $a
			and (.object | word | test("^(" + $o + ")$")) and (names | test($c))) | .count] | add // 0' \
		"$here/alerts.jsonl" 2>/dev/null || echo 0
}

# expect_deviation SUBJECT ACTION OBJECT-REGEX [CHAIN-REGEX]
expect_deviation()
{
	can_see "$2" || return 0
	check
	[ "$(deviation_count "$@")" -gt 0 ] ||
		fail "expected a deviation: $1 $2 $3${4:+, chain $4}; told were" - < <(alerts_told)
}

# expect_deviations N SUBJECT ACTION OBJECT-REGEX [CHAIN-REGEX]: exactly, folded ones counted
expect_deviations()
{
	local count lost=0
	can_see "$3" || return 0
	check
	count=$(deviation_count "${@:2}")
	# A copy of the stack with every record: what the probes' buffer cannot hold is counted.
	has_shim || [ "$count" -gt "$1" ] || lost=$(lost_count)
	[ $((count + lost)) -ge "$1" ] && [ "$count" -le "$1" ] ||
		fail "expected $1 deviations: $2 $3 $4${5:+, chain $5}, found $count; told were" - < <(alerts_told)
}

# expect_alert TEXT JQ-FILTER: some alert for which the filter holds; $cwd is the working directory.
expect_alert()
{
	check
	jq -se --arg cwd "$cwd" "[.[] | select($2)] | length > 0" "$here/alerts.jsonl" >/dev/null 2>&1 ||
		fail "expected that $1; told were" - <"$here/alerts.jsonl"
}

# expect_attribution METHOD: of every alert of the run.
expect_attribution()
{
	check
	jq -se --arg m "$1" 'length > 0 and all(.[]; .attribution.method == $m)' \
		"$here/alerts.jsonl" >/dev/null 2>&1 ||
		fail "expected every attribution to be $1, found" - < <(
			jq -c '[.subject.name, .attribution]' "$here/alerts.jsonl" 2>&1)
}

# expect_no_deviation [SUBJECT]: by anyone, or by that one
expect_no_deviation()
{
	local count
	check
	if [ $# = 0 ]; then
		count=$(jq .deviations "$here/summary.json" 2>/dev/null)
	else
		count=$(jq -s --arg s "$1" '[.[] | select(.kind != "coverage" and .subject.name == $s)] | length' \
			"$here/alerts.jsonl")
	fi
	[ "$count" = 0 ] ||
		fail "expected no deviation${1:+ by $1}, found ${count:-nothing to count}; told were" - < <(alerts_told)
}

expect_verdict()
{
	local verdict
	check
	verdict=$(jq -r .verdict "$here/summary.json" 2>/dev/null)
	[ "$verdict" = "$1" ] || fail "expected the verdict $1, found $verdict; coverage and reasons are" - < <(
		jq -c '.reasons[]?, .coverage' "$here/summary.json" 2>&1)
}

# expect_clean: nothing deviates, and nothing was missed.
expect_clean()
{
	expect_no_deviation
	expect_verdict clean
}

# expect_hole: something was missed, and the verdict owns up to it.
expect_hole()
{
	local verdict
	check
	verdict=$(jq -r .verdict "$here/summary.json" 2>/dev/null)
	case $verdict in unknown) return ;; esac
	jq -e '.coverage.lost > 0 or ([.reasons[]? | tostring | select(test("missed|early|lost|gap"))] | length > 0)' \
		"$here/summary.json" >/dev/null 2>&1 ||
		fail "something is missing, and nothing says so" - < <(jq -c . "$here/summary.json" 2>&1)
}

# expect_uncovered NAME: a process that ran without the shim is named.
expect_uncovered()
{
	has_shim || return 0 # nobody has it, and nobody is named for it
	check
	jq -e --arg n "$1" '[.coverage.uncovered_processes[]? | tostring | select(contains($n))] | length > 0' \
		"$here/summary.json" >/dev/null 2>&1 ||
		fail "expected $1 among the uncovered processes; coverage is" - < <(
			jq -c .coverage "$here/summary.json" 2>&1)
}

# expect_shim_hole NAME: the shim could not enter NAME, nor tell what it did: a hole, unless the
# kernel saw it.
expect_shim_hole()
{
	local verdict
	expect_uncovered "$1"
	has_kernel || { expect_verdict unknown; return; }
	check
	verdict=$(jq -r .verdict "$here/summary.json" 2>/dev/null)
	case $verdict in clean | deviates) return ;; esac
	fail "the kernel saw $1, yet the verdict is $verdict; coverage and reasons are" - < <(
		jq -c '.reasons[]?, .coverage' "$here/summary.json" 2>&1)
}

expect_covered()
{
	has_shim || return 0
	check
	jq -e '.coverage.uncovered_processes | length == 0' "$here/summary.json" >/dev/null 2>&1 ||
		fail "expected every process to be covered; coverage is" - < <(
			jq -c .coverage "$here/summary.json" 2>&1)
}

# expect_no_loss: of a bounded number of acts; see expect_deviations for the kernel alone
expect_no_loss()
{
	has_shim || return 0
	check
	[ "$(lost_count)" = 0 ] || fail "$(lost_count) records were lost"
}

# lost_count: how many records were lost, as a number on stdout
lost_count() { jq '.coverage.lost' "$here/summary.json" 2>/dev/null || echo 0; }

# expect_said REGEX: sowatch said so on standard error.
expect_said()
{
	check
	grep -qE -- "$1" "$here/err" || fail "expected a sentence like '$1'; said was" - <"$here/err"
}

expect_not_said()
{
	check
	! grep -qE -- "$1" "$here/err" || fail "expected no sentence like '$1'; said was" - <"$here/err"
}

# expect TEXT COMMAND...: any other condition
expect()
{
	local text=$1
	shift
	check
	"$@" >/dev/null || fail "expected that $text"
}

# --- replay ----------------------------------------------------------------------------------

# expect_replay [OPTION...]: the log, judged again with the policy in it and the options of the run
# that decide a verdict, gives the same alerts and summary byte for byte, and its exit status tells
# the verdict.
expect_replay()
{
	local verdict want got
	verdict=$(jq -r .verdict "$here/summary.json" 2>/dev/null)
	case $verdict in clean) want=0 ;; deviates) want=1 ;; *) want=4 ;; esac
	"$sowatch" replay "$here/log.swl" "$@" --alerts "$here/replay.jsonl" \
		--summary "$here/replay.json" >"$here/replay.out" 2>"$here/replay.err" </dev/null
	got=$?
	check
	[ $got = $want ] ||
		fail "replay ended with $got, the verdict $verdict asks for $want" - <"$here/replay.err"
	check
	cmp -s "$here/alerts.jsonl" "$here/replay.jsonl" || fail "the replay's alerts differ" - < <(
		diff "$here/alerts.jsonl" "$here/replay.jsonl")
	check
	cmp -s "$here/summary.json" "$here/replay.json" || fail "the replay's summary differs" - < <(
		diff <(jq -S . "$here/summary.json") <(jq -S . "$here/replay.json"))
}

# Of a watch, which accepts the shim alone.
expect_replay_same()
{
	expect_replay --accept shim-only
}

# --- neighbours ------------------------------------------------------------------------------

# start COMMAND...: in the background, stopped at the end; sets $started.
start()
{
	"$@" </dev/null &
	started=$!
	background+=("$started")
}

# wait_until SECONDS COMMAND...: polls until the command succeeds.
wait_until()
{
	local end=$((SECONDS + $1))
	shift
	until "$@" 2>/dev/null; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

# free_port [ADDRESS]: a TCP port nobody listens on right now.
free_port()
{
	"$python" -c 'import socket, sys
s = socket.socket()
s.bind((sys.argv[1], 0))
print(s.getsockname()[1])' "${1-127.0.0.1}"
}

# serve KIND ADDRESS PORT [ARG]...: one of tests/lib/serve.py's servers; returns when it is ready.
serve()
{
	local ready
	ready=$(mktemp -u "$work/ready.XXXXXX")
	start "$python" "$root/tests/lib/serve.py" "$ready" "$@"
	wait_until 10 test -s "$ready" || { fail "the $1 server did not start"; exit 1; }
}
