# SPDX-License-Identifier: Apache-2.0
# What run.sh is made of; sourced after scenario.sh. An incident's own incident.sh defines
#   install TWIN      puts the twin's files into $app, the same paths for both twins
#   command           array: what is run in $app, by both
#   home              optional: fills the temporary $HOME (everything in it is DUMMY)
#   dormant, awake    optional: take away what the act waits for, and give it back; without it the
#                     compromised twin does its job and nothing else
#   damaged, spared   optional: whether the act took place; asked after every run of that twin
# and may set more_policy, a file on top of the shipped ones, and define `peer_files` (what the peers hand out, in $work/peers/ROLE/).

folder=$scenario_dir/$incident
expect=$folder/expect.json
twins=$SOWATCH_BUILD/tests/incidents/twins
app=$work/app
facts=$SOWATCH_BUILD/tests/incidents/facts
policies=() shipped=() more_policy=''

[ -f "$expect" ] || { echo "there is no incident $incident" >&2; exit 2; }
profile=$(jq -r .profile "$expect")

incident_begin()
{
	local ready=$work/peers.ready
	mkdir -p "$work/peers/vendor" "$work/peers/cdn" "$work/peers/rogue" "$facts"
	[ "$(type -t peer_files)" != function ] || peer_files
	start "$python" -S "$scenario_dir/lib/peers.py" "$ready" "$work/peers"
	wait_until 10 test -s "$ready" || { fail "the peers did not start"; exit 1; }
	read -r PEER_PORT DNS_PORT REDIS_PORT <"$ready"
	export PEER_PORT DNS_PORT REDIS_PORT
	[ -z "$record" ] || incident_record
	policies=(-p "$root/policies" ${more_policy:+-p "$more_policy"})
	shipped=("${policies[@]}")
}

# A log that is to be kept names no place of this machine, nor the machine.
incident_record()
{
	mkdir "$work/sowatch"
	cp -r "$root/policies" "$scenario_dir" "$work/sowatch/"
	cp -r "$SOWATCH_BUILD/bin" "$SOWATCH_BUILD/lib" "$work/sowatch/"
	root=$work/sowatch sowatch=$work/sowatch/bin/sowatch
	more_policy=${more_policy/#$scenario_dir/$work/sowatch/incidents}
	scenario_dir=$work/sowatch/incidents
	hostname build.example
}

# incident_act TWIN asleep|awake: in a home and a directory of its own, under sowatch when $vantage is set.
incident_act()
{
	local twin=$1
	here=$work/run-$incident-$twin-${vantage:-bare}
	watched="$twin, ${vantage:-bare}"
	fresh
	rm -rf "$here" "$app"
	mkdir -p "$here" "$app" "$HOME/.config" "$HOME/.ssh"
	: >"$work/peers/received"
	echo DUMMY >"$HOME/.ssh/id_dummy"
	[ "$(type -t home)" != function ] || home
	install "$twin"
	if [ -z "$vantage" ]; then
		(cd "$app" && exec timeout -k 2 20 "${command[@]}") >"$here/out" 2>"$here/err" </dev/null
	else
		(cd "$app" && exec timeout -k 2 40 "$sowatch" run --vantage "$vantage" "${policies[@]}" \
			--service "$incident" -o "$here/log.swl" --alerts "$here/alerts.jsonl" \
			--summary "$here/summary.json" -- "${command[@]}") >"$here/out" 2>"$here/err" </dev/null
	fi
	status=$?
	[ -z "$vantage" ] || vantage_got
	if [ -n "$vantage" ] && [ ! -s "$here/summary.json" ]; then
		fail "there is no summary; it ended with $status" - <"$here/err"
		exit 1
	fi
	check
	[ $status = 0 ] || fail "it ended with $status" - <"$here/err"
	if [ "$2" = awake ]; then
		expect_if damaged "the damage was done"
	else
		expect_if spared "there was no damage"
	fi
}

# expect_if FUNCTION TEXT: where the incident says how to tell
expect_if()
{
	[ "$(type -t "$1")" != function ] || expect "$2" "$1"
}

# The profile is learned from the healthy twin alone, from two runs of it (names that change show by
# changing), by whoever sees most here. The kernel alone charges Python's acts to scripts, so what it
# judges by is learned from what it saw.
incident_learn()
{
	local judge=$vantage from=both run
	[ "$vantage" != kernel ] || from=kernel
	learned=$work/learned-$from
	policies=("${shipped[@]}")
	if [ ! -d "$learned" ]; then
		mkdir "$learned"
		for vantage in $from shim; do
			rm -f "$learned".*.swl
			for run in 1 2; do
				(failures=0; incident_act healthy asleep; mv "$here/log.swl" "$learned.$run.swl"
					[ $failures = 0 ]) >"$learned.out" 2>&1 || continue 2
			done
			break
		done
		check
		"$sowatch" learn "${shipped[@]}" -o "$learned" "$learned".*.swl >>"$learned.out" 2>&1 ||
			fail "nothing could be learned" - <"$learned.out"
	fi
	policies=(-p "$learned" "${shipped[@]}")
	vantage=$judge
}

# The healthy twin: no finding by anybody. Clean where both watch, and where the kernel alone can
# know; a vantage that is half of it has the holes of the other half, and no others.
incident_healthy()
{
	local verdict=clean want='' holes
	incident_act healthy asleep
	expect_no_deviation
	case $vantage in
	shim) want=shim-only ;;
	kernel) want=$(jq -r '.healthy.kernel // [] | sort | join(" ")' "$expect") ;;
	esac
	[ -z "$want" ] || verdict=unknown
	check
	jq -r .verdict "$here/summary.json" | grep -qxE "$verdict" ||
		fail "expected the verdict $verdict; verdict and reasons are" - < <(jq -c '.verdict, .reasons[]' "$here/summary.json")
	holes=$(jq -r '[.holes[].kind] | unique | join(" ")' "$here/summary.json")
	check
	[ $verdict = clean ] || [ "$holes" = "$want" ] || fail "expected the holes '$want'; they are" - < <(jq -c '.holes[]' "$here/summary.json")
	healthy=$verdict${want:+: $want}
	expect_replay
}

incident_compromised()
{
	incident_act compromised awake
	incident_findings "$here/alerts.jsonl" "$here/summary.json"
	expect_replay
	incident_facts
	[ -z "$record" ] || [ "$vantage" != both ] || cp "$here/log.swl" "$record/$incident.swl"
}

# What it waits for may be asked for, and that be news; so is what it does while it waits ("asleep").
incident_dormant()
{
	local missing odd
	[ "$(type -t dormant)" = function ] || return 0
	dormant
	incident_act compromised asleep
	odd=$(jq -rn --slurpfile alerts "$here/alerts.jsonl" --slurpfile expect "$expect" --arg v "$vantage" "$alert_words$finding_words"'
		$alerts[] | . as $a | select(.action != "env.read" and ([$expect[0].findings[]
			| select(.asleep and (.seen | index($v))) | . as $f | select($a | matches($f))] | length == 0))
		| "\(.subject.kind) \(.subject.name) \(.action) \(.object | word) (\(rule_word), \(.severity))"')
	check
	[ -z "$odd" ] || fail "dormant, it deviates: $odd"
	missing=$(jq -rn --slurpfile alerts "$here/alerts.jsonl" --slurpfile expect "$expect" --arg v "$vantage" "$alert_words$finding_words"'
		$expect[0].findings[] | select(.asleep and (.seen | index($v))) | . as $f
		| select([$alerts[] | select(matches($f))] | length == 0) | "\(.action) \(.object)"')
	check
	[ -z "$missing" ] || fail "dormant, it still does, not found: $missing; told were" - < <(told "$here/alerts.jsonl")
	awake
}

# incident_findings ALERTS SUMMARY: all that is expected of this vantage was found, nothing else was,
# and the verdict says so. Who cannot see it does not call it clean.
incident_findings()
{
	local missing odd verdict
	missing=$(jq -rn --slurpfile alerts "$1" --slurpfile expect "$expect" --arg v "$vantage" "$alert_words$finding_words"'
		$expect[0].findings[] | select((.seen | index($v)) and (.may | not)) | . as $f
		| select([$alerts[] | select(matches($f))] | length == 0)
		| "\(.kind) \(.name) \(.action) \(.object) (\(.rule), \(.severity))"')
	check
	[ -z "$missing" ] || fail "not found: $missing; told were" - < <(told "$1")
	odd=$(jq -rn --slurpfile alerts "$1" --slurpfile expect "$expect" --arg v "$vantage" "$alert_words$finding_words"'
		$alerts[] | . as $a | select([$expect[0].findings[] | select(.seen | index($v)) | . as $f
			| select($a | matches($f))] | length == 0)
		| "\(.subject.kind) \(.subject.name) \(.action) \(.object | word) (\(rule_word), \(.severity))"')
	check
	[ -z "$odd" ] || fail "nobody expected: $odd"
	if jq -e --arg v "$vantage" 'any(.findings[]; .seen | index($v))' "$expect" >/dev/null; then
		verdict=deviates
	elif jq -e '.invisible | length > 20' "$expect" >/dev/null; then
		verdict='clean|unknown' # nothing was done
	elif jq -e --arg v "$vantage" '.missed[$v] | length > 20' "$expect" >/dev/null; then
		verdict='clean|unknown' # a false negative that is known, and told in the table
	else
		verdict=unknown
		check
		jq -e --arg v "$vantage" '.blind[$v] | length > 20' "$expect" >/dev/null ||
			fail "expect.json does not say why $vantage sees nothing"
	fi
	check
	jq -r .verdict "$2" | grep -qxE "$verdict" || fail "expected the verdict $verdict, found" - < <(
		jq -c '.verdict, .reasons[]' "$2")
}

finding_words='
	def rule_word: .rule.profile + (if .rule.id == "" then "" else "/" + .rule.id end);
	def matches($f): .subject.kind == $f.kind and .subject.name == $f.name and .action == $f.action
		and (.object | word | test("^(" + $f.object + ")$")) and .severity == $f.severity
		and (rule_word | test("^(" + $f.rule + ")$"));'

told()
{
	jq -r "$alert_words$finding_words"'"\(.kind) \(.subject.kind) \(.subject.name) \(.action) \(.object | word) (\(rule_word), \(.severity)) x\(.count)  chain \(names)"' "$1"
}

# Events of the log, one a line, in order of time.
events_of() { "$sowatch" log show --action '*' "$1" 2>/dev/null | sort -s -k 1,1; }

# One line of facts for the table: incident, vantage, verdict, who was flagged first for what, all
# rules that did, the number of the event that was flagged first, of how many, and where that is to
# the damage.
incident_facts()
{
	local verdict first='' events=0 number='-' damage='' when='-' who=$'-\t-'
	events_of "$here/log.swl" >"$here/events"
	events=$(wc -l <"$here/events")
	if [ -s "$here/alerts.jsonl" ]; then
		first=$(jq -r .time "$here/alerts.jsonl" | sort | head -n 1)
		number=$(awk -v at="$first" '$1 <= at' "$here/events" | wc -l)
		who=$(jq -rs "$finding_words"'(min_by(.time) | "\(.subject.name) \(.action)") + "\t"
			+ ([.[] | rule_word | sub("/run-[0-9a-f]+$"; "")] | unique | join(", "))' "$here/alerts.jsonl")
		damage=$(grep -m 1 -E -- "$(jq -r .damage "$expect")" "$here/events" | cut -d' ' -f1)
		if [ -z "$damage" ]; then
			when='not seen'
		elif [[ $first < $damage ]]; then
			when=before
		elif [[ $first = "$damage" ]]; then
			when='at it'
		else
			when=after
		fi
	fi
	verdict=$(jq -r .verdict "$here/summary.json")
	if [ "$verdict" = clean ] && jq -e --arg v "$vantage" '.missed[$v]' "$expect" >/dev/null; then
		verdict='clean: MISSED'
	fi
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$incident" "$vantage" "${healthy-}" "$verdict" "$who" "$number" "$events" "$when" >"$facts/$incident.$vantage"
}
