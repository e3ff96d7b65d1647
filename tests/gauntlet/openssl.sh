#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# openssl: s_server and s_client with each other, keys, digests, a signature.
. "$(dirname "$0")/lib.sh"

need_program openssl
certificates "$work/tls"
port=$(free_port)
cat >"$work/talk.sh" <<SH
timeout 20 openssl s_server -quiet -accept 127.0.0.1:$port -cert $work/tls/cert.pem -key $work/tls/key.pem -rev </dev/null >server.out 2>&1 &
server=\$!
for try in \$(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null && break; sleep 0.05; done
(echo hello there; sleep 0.5) | timeout 10 openssl s_client -quiet -no_ign_eof -verify_quiet -verify_return_error -connect 127.0.0.1:$port -CAfile $work/tls/ca.pem 2>client.err
kill \$server
wait \$server 2>/dev/null
echo done
SH
quiet talk --any-stderr -- bash "$work/talk.sh"
expect "the server answered" grep -qx 'ereht olleh' "$here/out"
quiet work --any-stderr -- bash -c 'openssl genpkey -algorithm ed25519 -out k.pem && openssl pkey -in k.pem -pubout -out p.pem && seq 1000 >text &&
	openssl pkeyutl -sign -inkey k.pem -rawin -in text -out sig && openssl pkeyutl -verify -pubin -inkey p.pem -rawin -in text -sigfile sig &&
	openssl dgst -sha256 text && openssl enc -aes-256-cbc -pbkdf2 -pass pass:x -in text -out enc && openssl enc -d -aes-256-cbc -pbkdf2 -pass pass:x -in enc | md5sum'
