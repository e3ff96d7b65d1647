#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# redis-server under redis-benchmark, with the append-only file on.
. "$(dirname "$0")/lib.sh"

need_program redis-server redis-benchmark redis-cli
port=$(free_port)
cat >"$work/drive.sh" <<SH
redis-server --port $port --bind 127.0.0.1 --save '' --appendonly yes --dir "\$PWD" --logfile redis.log &
server=\$!
for try in \$(seq 100); do redis-cli -p $port ping >/dev/null 2>&1 && break; sleep 0.05; done
redis-benchmark -p $port -q -n 4000 -c 20 -t set,get,incr,lpush,hset >bench.out 2>&1 && echo benched
redis-cli -p $port set a 1
redis-cli -p $port bgrewriteaof
sleep 0.3
redis-cli -p $port get a
redis-cli -p $port shutdown nosave
wait \$server
echo "ended \$?"
SH
quiet bench --any-stderr -- bash "$work/drive.sh"
expect "the benchmark ran" grep -qx benched "$here/out"
expect "the server ended well" grep -qx 'ended 0' "$here/out"
