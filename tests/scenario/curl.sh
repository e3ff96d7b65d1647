#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# curl to a local HTTP server, under the shipped policies.
. "$(dirname "$0")/../lib/scenario.sh"

need_program curl
port=$(free_port)
mkdir "$work/www"
head -c 100000 /dev/urandom >"$work/www/file.bin"
serve http 127.0.0.1 "$port" "$work/www"

watch get -- curl -s "http://127.0.0.1:$port/file.bin"
expect "the file came whole" cmp -s "$work/www/file.bin" "$here/out"
expect_event curl net.connect
expect_clean

watch localhost -- curl -s -o copy.bin "http://localhost:$port/file.bin"
expect "the file came whole" cmp -s "$work/www/file.bin" "$cwd/copy.bin"
expect_event curl file.write
expect_clean

watch refused --status 7 -- curl -s http://127.0.0.1:1/
expect_event curl net.connect
expect_clean
