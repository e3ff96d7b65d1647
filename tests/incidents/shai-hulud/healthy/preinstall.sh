#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A package's install script: fetches its prebuilt part from the host everybody uses, as many do.
curl -sS -m 5 -o prebuilt.txt "http://127.0.0.11:$PEER_PORT/prebuilt.txt"
echo installed
