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
expect_clean

# Not the first program: what it got of HOME is gone from its memory, but was copied on the way in.
mkdir "$work/other"
echo hello >"$work/other/data.txt"
watch moved --policy "$work/home.yaml" --status 0 -- \
	env HOME="$work/other" "$subjects/title" "$work/other/data.txt"
expect_event libopener.so file.read
expect_clean

# The home of somebody else does not come with it.
watch stranger --policy "$work/home.yaml" --status 0 -- \
	env HOME="$work/other" "$subjects/title" "$work/home/data.txt"
expect_deviations 1 libopener.so file.read "$work/home/data.txt"
