#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The order of requests and replies on one connection: what breaks it is found, once, and what only
# looks like it is not.
. "$(dirname "$0")/../lib/scenario.sh"

cat >"$work/order.yaml" <<'END'
version: 1
profiles:
  - name: exchange
    match: {executable: exchange}
    network: {connect: any, bind: any, listen: any, accept: any, exchange: request-response}
END
sed 's/, exchange: request-response//' "$work/order.yaml" >"$work/silent.yaml"

good=(healthy late_dropped pipeline partial tls13 tls13_plain tls12 pubsub pushes duplex duplex_loop
	copied_healthy read_elsewhere read_by_child forked through_file reused)
bad=(crossed crossed_again crossed_timeout crossed_select crossed_loop late late_unread late_other
	tls_crossed copied)

for kind in tcp unix; do
	watch "good-$kind" --policy "$work/order.yaml" -- "$subjects/exchange" "$kind" "${good[@]}"
	expect_no_deviation
	expect_no_event exchange net.exchange
	# What nobody could follow is not called clean.
	if has_shim; then
		expect_verdict clean
	else
		expect_verdict unknown
		expect "the summary says which connections" grep -q 'whose order of requests and replies nobody followed' \
			"$here/summary.json"
	fi
done

has_shim || exit 0
for kind in tcp unix; do
	for shape in "${bad[@]}"; do
		watch "$shape-$kind" --policy "$work/order.yaml" --no-bare --status 0 -- "$subjects/exchange" "$kind" "$shape"
		expect_count exchange net.exchange 1
		expect_alert "the finding is of its own kind" '.kind == "exchange" and .action == "net.exchange"
			and .severity == "high" and .rule.profile == "exchange" and .count == 1'
		expect_verdict deviates
		case $shape in
		late*) words='with the unclaimed reply' ;;
		*) words='before any of the reply' ;;
		esac
		expect "the sentence says how ($shape)" grep -q "$words" "$here/err"
	done
done

# Nobody asked: nothing is followed and nothing found, and a log of that is no proof of order.
watch unasked -p "$work/silent.yaml" --no-bare -- "$subjects/exchange" tcp crossed
expect_no_event exchange net.exchange
check
"$sowatch" replay --accept shim-only "$here/log.swl" -p "$root/policies" -p "$work/order.yaml" \
	--summary "$work/later.json" >"$work/later.out" 2>&1
[ $? = 4 ] || fail "replayed with a profile that asks for it, it must be unknown" - <"$work/later.out"
expect "the reason is said" grep -q 'no profile asked for it when the run began' "$work/later.json"
