#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# getaddrinfo in a library, then connect: the rule's host name matches what the resolver said. The
# kernel alone hears no answer: a rule by name can then be neither kept nor broken, a hole `name`.
. "$(dirname "$0")/../lib/scenario.sh"

dns_port=$("$python" -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.67", 0))
print(s.getsockname()[1])')
port=$(free_port 127.0.0.10)
export SCENARIO_PORT=$port
serve dns 127.0.0.67 "$dns_port" good.vendor.test=127.0.0.10 evil.rogue.test=127.0.0.66
serve hello 127.0.0.10 "$port"
serve hello 127.0.0.66 "$port"
serve hello 127.0.0.1 "$port"
dns="127.0.0.67 $dns_port"

# expect_unnamed ADDRESS: nobody accuses the connection, and nobody calls it clean; the ledger says
# who, where to and in which process.
expect_unnamed()
{
	expect_no_deviation libdialer.so
	expect_verdict unknown
	check
	jq -e --arg a "$1:$port" '[.holes[] | select(.kind == "name" and .pid > 0 and
		(.exe | endswith("/dial_app")) and .what == "library libdialer.so connected to " + $a and
		(.sentence | contains("libdialer.so") and contains($a) and contains("dial_app")))] |
		length == 1' "$here/summary.json" >/dev/null ||
		fail "expected a hole for $1" - < <(jq -c '.holes[]' "$here/summary.json")
	expect_said "name could not be known.*libdialer.so connected to $1:$port"
}

watch good --policy "$scenario_dir/resolve.yaml" -- "$subjects/dial_app" good.vendor.test "$port" $dns
expect "it got its answer" grep -qx 'got hello' "$here/out"
can_tell names && expect_clean || expect_unnamed 127.0.0.10
expect_event libdialer.so net.resolve
expect_event libdialer.so net.connect

watch evil --policy "$scenario_dir/resolve.yaml" -- "$subjects/dial_app" evil.rogue.test "$port" $dns
expect_deviations 1 libdialer.so net.resolve evil.rogue.test
! can_tell names && expect_unnamed 127.0.0.66 ||
	expect_deviations 1 libdialer.so net.connect "127.0.0.66:$port" '^libdialer.so\|dial_app'
! can_tell names || expect_alert "the connect carries the name" \
	'.action == "net.connect" and .object.name == "evil.rogue.test" and .object.proto == "tcp"'

# The right address, but nobody ever asked for the name.
watch unasked --policy "$scenario_dir/resolve.yaml" -- "$subjects/dial_app" 127.0.0.10 "$port" $dns
! can_tell names && expect_unnamed 127.0.0.10 ||
	expect_deviation libdialer.so net.connect "127.0.0.10:$port"

# Another port is wrong whatever the name.
watch wrong-port --policy "$scenario_dir/resolve.yaml" --status 1 -- \
	"$subjects/dial_app" good.vendor.test 1 $dns
expect_deviation libdialer.so net.connect 127.0.0.10:1

watch localhost --policy "$scenario_dir/resolve.yaml" -- "$subjects/dial_app" localhost "$port"
expect_clean
