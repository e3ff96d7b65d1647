#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A library calls system(), the shell starts curl, curl connects: the library is charged.
. "$(dirname "$0")/../lib/scenario.sh"

need_program curl
port=$(free_port)
mkdir "$work/www"
echo payload >"$work/www/file.txt"
serve http 127.0.0.1 "$port" "$work/www"

watch curl --policy "$scenario_dir/strict.yaml" -- \
	"$subjects/spawn_app" system "curl -s http://127.0.0.1:$port/file.txt; true"
expect "curl did its work" grep -qx payload "$here/out"
expect_deviations 1 libspawner.so exec.run '.*/(da|ba)?sh'
expect_deviations 1 libspawner.so exec.run '.*/curl' '^(da|ba)?sh\|.*libspawner.so\|spawn_app'
expect_deviations 1 libspawner.so net.connect "127.0.0.1:$port" \
	'^libcurl.so.4\|.*curl\|.*(da|ba)?sh\|.*libspawner.so\|spawn_app'
expect_covered
