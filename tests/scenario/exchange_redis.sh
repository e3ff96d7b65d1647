#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The order of requests and replies with a real redis-server and the packaged redis-py, under the shipped
# profile: what is healthy raises nothing, and the defect of 2023 is found when the connection of a
# cancelled request goes on to the next one.
. "$(dirname "$0")/../lib/scenario.sh"

need_program redis-server redis-cli openssl curl
"$python" -c 'import redis.asyncio' || { fail "python3-redis is not installed"; exit 1; }
port=$(free_port)
tls_port=$(free_port)
mkdir "$work/server"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/server/key.pem" -out "$work/server/cert.pem" -days 2 \
	-subj /CN=localhost -addext subjectAltName=DNS:localhost >/dev/null 2>&1
redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir "$work/server" \
	--tls-port "$tls_port" --tls-cert-file "$work/server/cert.pem" --tls-key-file "$work/server/key.pem" \
	--tls-auth-clients no --tls-ca-cert-file "$work/server/cert.pem" >"$work/server/out" 2>&1 &
background+=($!)
for try in $(seq 100); do
	[ "$(redis-cli -p "$port" ping 2>/dev/null)" = PONG ] && break
	sleep 0.05
done
run=("$python" "$root/tests/subjects/python/redis_orders.py" "$port")

# expect_in_order: nobody's order is broken.
expect_in_order()
{
	check
	[ "$(jq -s '[.[] | select(.kind == "exchange")] | length' "$here/alerts.jsonl")" = 0 ] ||
		fail "requests and replies are said to be out of order" - <"$here/alerts.jsonl"
	expect_no_event redis net.exchange
	! has_shim || expect_event redis net.connect
}

watch many -- "${run[@]}" many 10000
expect_in_order
expect "requests were answered and cancelled" grep -qx 'answered True cancelled True' "$here/out"

watch packaged -- "${run[@]}" crossed packaged
expect_in_order
expect "everybody got his own" grep -qx "b'bob' b'carol'" "$here/out"

watch threads -- "${run[@]}" threads
expect_in_order

watch pubsub --any-stderr -- "${run[@]}" pubsub
expect_in_order
expect "all messages came" grep -qx 'messages 20 20' "$here/out"

watch tls -- "${run[@]}" tls "$tls_port" "$work/server/cert.pem"
expect_in_order
expect "there was TLS" grep -qx 'tls True' "$here/out"

if has_shim; then
	watch defective -- "${run[@]}" crossed defective
	expect "the reply went to the wrong asker" grep -qvx "b'bob' b'carol'" "$here/out"
	expect_count redis net.exchange 1
	expect_alert "it is found at redis-py, behind asyncio" '.kind == "exchange" and .severity == "high"
		and .subject.name == "redis" and .subject.kind == "python" and .rule.profile == "redis-py"
		and .object.port == '"$port"' and ([.chain[].name] | index("python-stdlib") != null)'
	expect_verdict deviates
fi

# Others that ask one thing at a time, and say so.
cat >"$work/clients.yaml" <<'END'
version: 1
profiles:
  - {name: tools-order, extends: redis-tools, network: {exchange: request-response}}
  - {name: curl-order, match: {executable: /usr/bin/curl}, network: {connect: any, resolve: any, exchange: request-response}}
  - {name: libcurl-order, match: {library: "libcurl*.so*"}, network: {connect: any, resolve: any, send: any, exchange: request-response}}
END
mkdir "$work/www"
head -c 3000000 /dev/zero >"$work/www/large"
echo page >"$work/www/page"
web_port=$(free_port)
serve http 127.0.0.1 "$web_port" "$work/www"
printf 'set a 1\nget a\nincr a\nping\n' >"$work/commands"
watch redis-cli --policy "$work/clients.yaml" --stdin "$work/commands" -- redis-cli -p "$port"
expect_no_event redis-cli net.exchange
watch curl --policy "$work/clients.yaml" -- curl -s -o one -o two -o three "http://127.0.0.1:$web_port/page" \
	"http://127.0.0.1:$web_port/large" "http://127.0.0.1:$web_port/page"
check
[ "$(jq -s '[.[] | select(.kind == "exchange")] | length' "$here/alerts.jsonl")" = 0 ] ||
	fail "curl is said to be out of order" - <"$here/alerts.jsonl"
