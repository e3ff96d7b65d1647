#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# redis-server with redis-cli, under the shipped policies.
. "$(dirname "$0")/../lib/scenario.sh"

need_program redis-server redis-cli
port=$(free_port)
cat >"$work/drive.sh" <<SH
redis-server --port $port --bind 127.0.0.1 --dir "\$PWD" --daemonize no --logfile redis.log \\
	--save '' --appendonly yes &
for try in \$(seq 100); do
	[ "\$(redis-cli -p $port ping 2>/dev/null)" = PONG ] && break
	sleep 0.05
done
redis-cli -p $port set key value
redis-cli -p $port get key
redis-cli -p $port eval 'return redis.call("incrby", "n", 41) + 1' 0
redis-cli -p $port lpush list a b c
redis-cli -p $port save
redis-cli -p $port bgsave >/dev/null
redis-cli -p $port shutdown nosave
wait \$!
echo "server ended with \$?"
SH

# Debian installs the server as a link to another of its programs.
server=$(basename "$(readlink -f "$(command -v redis-server)")")

watch session -- bash "$work/drive.sh"
expect "the server ended well" grep -qx 'server ended with 0' "$here/out"
expect_event "$server" net.bind
expect_event "$server" net.accept 5
expect_event "$server" file.write
expect_event redis-cli net.connect 5
expect_clean
expect_covered
