#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# chroot, and giving up root: watched before and after.
. "$(dirname "$0")/../lib/scenario.sh"

need_root
prepare()
{
	mkdir jail
	echo hello >jail/data.txt
	cp jail/data.txt data.txt
}

watch chroot --policy "$scenario_dir/strict.yaml" -- "$subjects/inside" chroot jail /data.txt
expect_deviations 2 libopener.so file.read '.*/data.txt' '^libopener.so\|inside'
expect_covered

watch uid --policy "$scenario_dir/strict.yaml" -- "$subjects/inside" uid 65534 data.txt
expect_deviations 2 libopener.so file.read "$cwd/data.txt" '^libopener.so\|inside'
expect_covered
