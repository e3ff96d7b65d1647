#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A dlopened plugin, and two libraries of one soname at different paths, are told apart.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { for number in 1 2; do echo hello >data.$number; done; }
strict=$scenario_dir/strict.yaml

watch plugin --policy "$strict" -- "$subjects/plugin_host" data "$subjects/libplugin.so"
expect_deviations 1 libplugin.so file.read "$cwd/data.1" '^libplugin.so\|plugin_host'
expect_event plugin_host exec.load

watch twins --policy "$strict" -- "$subjects/plugin_host" data \
	"$subjects/one/libtwin.so" "$subjects/two/libtwin.so"
expect_deviations 1 libtwin.so file.read "$cwd/data.1"
expect_deviations 1 libtwin.so file.read "$cwd/data.2"
expect_alert "data.1 was opened by the first twin" \
	'.object.path == $cwd + "/data.1" and (.subject.path | endswith("/one/libtwin.so"))'
expect_alert "data.2 was opened by the second twin" \
	'.object.path == $cwd + "/data.2" and (.subject.path | endswith("/two/libtwin.so"))'
