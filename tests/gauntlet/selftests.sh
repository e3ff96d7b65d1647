#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What packages bring along to test themselves with, on the machine they are installed on: the same
# outcome bare and watched. README.md says who brings what, and who nothing.
. "$(dirname "$0")/lib.sh"

need_program sqlite3 zstd gpgconf nginx redis-server java node perl prove openssl
times='s/[0-9]+\.[0-9]+ ?(s|ms|wallclock|MB)//g; /duration_ms|CPU\)|real|clock/d'
quiet sqlite -- sqlite3 x.db 'create table t (a); insert into t values (1), (2);' '.selftest --init' '.selftest' 'pragma integrity_check;'
# What is not installed is not there, which is its business.
quiet gpgconf --any-stderr -- bash -c "gpgconf --check-programs; exit 0"
quiet openssl --any-stderr -- bash -c 'openssl prime -generate -bits 128 | wc -l; openssl ecparam -name prime256v1 -genkey -noout | openssl ec -check -noout; openssl speed -seconds 1 -bytes 1024 sha256 >/dev/null'
quiet packers --any-stderr -- bash -c 'zstd -b3 -e3 -i0 /bin/ls >/dev/null && echo "zstd agrees with itself"; for p in "gzip" "bzip2" "xz" "zstd -q"; do $p -c </bin/ls >ls.packed && ${p%% *} -tq <ls.packed && echo "$p $?"; done'
quiet redis-memory -- bash -c 'redis-server --test-memory 1 | tail -c 400 | grep -a passed'
cat >"$work/nginx.conf" <<CONF
pid nginx.pid; error_log stderr; events {}
http { access_log off; server { listen 127.0.0.1:1080; root /var/empty; } }
CONF
quiet nginx --any-stderr -- nginx -t -p . -c "$work/nginx.conf"
quiet java -- java --validate-modules
cat >"$work/self.test.mjs" <<'JS'
import test from 'node:test';
import assert from 'node:assert';
import { readFile } from 'node:fs/promises';
test('adds', () => assert.equal(1 + 1, 2));
test('reads', async () => assert.ok((await readFile('/etc/hostname')).length));
JS
quiet node --filter "$times" -- node --test "$work/self.test.mjs"

# postgresql-common has its whole suite with it; of that, what makes no cluster of the system's. The
# server brings a program that measures whether its machine will do.
suite=/usr/share/postgresql-common
[ -e "$suite/t/005_PgCommon.t" ] || skip "postgresql-common has no tests here"
quiet postgresql-common --filter "$times" --any-stderr -- bash -c "cd $suite && prove t/005_PgCommon.t"
expect "they passed" grep -q '^Result: PASS' "$here/out"
for bin in /usr/lib/postgresql/*/bin; do :; done
quiet postgresql-timing --any-stderr -- bash -c "$bin/pg_test_timing -d 1 | grep -c 'Per loop time'"

# A Python package that ships its tests: of validators, types, its own command.
# Its stacks are deeper than what the probes copy of one.
not_told kernel 'Python code ran whose frames were not told: .*no shim is in it|a stack was cut short'
quiet jsonschema --filter "$times" --any-stderr -- "$python" -B -m unittest jsonschema.tests.test_validators jsonschema.tests.test_types jsonschema.tests.test_cli jsonschema.tests.test_exceptions
expect "they passed" grep -qx 'OK.*' "$here/err"
