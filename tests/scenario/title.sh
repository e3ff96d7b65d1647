#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Programs overwrite their arguments and environment to show a title; what forks tell of themselves
# is what was there at the start.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >"$HOME/data.txt"; }
cat >"$work/home.yaml" <<'Y'
version: 1
profiles:
  - name: opener
    match: {library: "**/libopener.so"}
    reason: may read at home
    file: {read: ["~/data.txt"]}
Y

watch title --policy "$work/home.yaml" --status 0 -- "$subjects/title" "$work/home/data.txt"
expect_event libopener.so file.read
! can_tell home || expect_clean
