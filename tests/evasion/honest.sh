#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Programs that enter the kernel by themselves and hide nothing.
. "$(dirname "$0")/lib.sh"

prepare() { for number in 1 2 3; do echo hello >data.$number; done; }

acts()
{
	observe $1 clock -- "$evade/evade_plain_clock"
	$2
	observe $1 arena -- "$evade/evade_plain_arena"
	$2
}

# Gone before anybody could look at their memory map.
briefs()
{
	observe $1 plugin -- "$subjects/plugin_host" data "$subjects/libplugin.so"
	$2
	observe $1 loader -- /lib64/ld-linux-x86-64.so.2 /bin/true
	$2
	if [ -e "$subjects/jemalloc_app" ]; then
		observe $1 jemalloc -- "$subjects/jemalloc_app" data.1
		$2
	fi
}

# What no shim can enter.
statics()
{
	observe $1 static -- "$evade/evade_plain_static" data.1
	expect_no_deviation
	expect_event evade_plain_static file.read
	expect_uncovered evade_plain_static
	observe $1 busybox -- /bin/busybox cat data.1
	expect_no_deviation
	expect_event busybox file.read
}

no_finding()
{
	expect_no_deviation
	expect_verdict unknown
}

acts shim no_finding
briefs shim no_finding
need_vantage both
acts both expect_honest
briefs both expect_honest
statics both
