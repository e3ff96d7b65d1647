#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# PostgreSQL: initdb, the server, psql, pgbench, a dump; as an ordinary user.
. "$(dirname "$0")/lib.sh"

need_root
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)
[ -n "$bin" ] || skip "postgresql is not installed"
port=$(free_port)
prepare() { chown postgres "$cwd" "$HOME" "$TMPDIR"; chmod 777 "$work/state"; }
cat >"$work/drive.sh" <<SH
export PATH=$bin:\$PATH PGHOST=127.0.0.1 PGPORT=$port PGUSER=postgres
initdb -D data -A trust --no-sync >init.out 2>&1 && echo initialised
pg_ctl -D data -w -l server.log -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=\$PWD -c fsync=off" start >ctl.out 2>&1 && echo started
psql -X -q -c 'create table t (n int)' -c 'insert into t select generate_series(1, 1000)' -c 'create index on t (n)'
psql -X -At -c 'select count(*), sum(n) from t'
psql -X -h "\$PWD" -At -c 'select 1'
pgbench -i -q -s 1 >bench.out 2>&1 && pgbench -n -c 4 -j 2 -t 25 >>bench.out 2>&1 && echo benched
pg_dump -t t | grep -c '^[0-9]'
psql -X -q -c 'vacuum analyze'
pg_ctl -D data -w -m fast stop >>ctl.out 2>&1; echo "stopped \$?"
SH
chmod 755 "$work/drive.sh"
quiet database --any-stderr -- runuser -u postgres -- bash "$work/drive.sh"
expect "it ran to its end" grep -qx 'stopped 0' "$here/out"
expect "the benchmark ran" grep -qx benched "$here/out"
