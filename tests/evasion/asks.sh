#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A library asks a name server by itself: what it is answered nobody hears, so that a rule by host name
# can be neither kept nor broken. Where it may ask, that is a hole `name`; where it may not, asking is one
# deviation more, and no excuse for reaching an address that libc never resolved.
. "$(dirname "$0")/lib.sh"

need_root # port 53
export EVADE_PORT
EVADE_PORT=$(free_port 127.0.0.10)
serve dns 127.0.0.67 53 good.vendor.test=127.0.0.10 evil.rogue.test=127.0.0.66
serve hello 127.0.0.10 "$EVADE_PORT"
serve hello 127.0.0.66 "$EVADE_PORT"

# asks VANTAGE RUN NAME POLICY...
asks()
{
	local options=() policy
	for policy in "${@:4}"; do options+=(-p "$scenario_dir/$policy"); done
	observe "$1" "$2" -p "$root/policies" "${options[@]}" -- "$evade/evade_asks" "$3" "$EVADE_PORT" 127.0.0.67
}

# expect_unnamed ADDRESS
expect_unnamed()
{
	check
	jq -e --arg w "library libevade_asks.so connected to $1:$EVADE_PORT" \
		'[.holes[] | select(.kind == "name" and .what == $w and .pid > 0 and .family == "net")] | length == 1' \
		"$here/summary.json" >/dev/null || fail "expected a hole for $1" - < <(jq -c '.holes[]' "$here/summary.json")
	expect_verdict "$2"
}

expect_named()
{
	check
	jq -e '[.holes[] | select(.kind == "name")] | length == 0' "$here/summary.json" >/dev/null ||
		fail "there is no doubt about any name" - < <(jq -c '.holes[]' "$here/summary.json")
}

# all VANTAGE
all()
{
	# Wherever the name leads to: an address is as good as another.
	for name in good.vendor.test=127.0.0.10 evil.rogue.test=127.0.0.66; do
		asks "$1" "may-$name" "${name%=*}" asks.yaml asks-itself.yaml
		expect_no_deviation libevade_asks.so
		expect_unnamed "${name#*=}" unknown
		asks "$1" "maynot-$name" "${name%=*}" asks.yaml
		expect_deviations 1 libevade_asks.so net.send 127.0.0.67:53
		if [ "$1" = kernel ]; then
			expect_unnamed "${name#*=}" deviates
		else
			expect_deviations 1 libevade_asks.so net.connect "${name#*=}:$EVADE_PORT"
			expect_named
		fi
	done
}

all shim
need_vantage both
all both
all kernel
