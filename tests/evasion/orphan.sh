#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A process whose parents are all gone is still the service's.
. "$(dirname "$0")/lib.sh"

prepare() { echo hello >data.txt; }

acts()
{
	observe $1 waited --policy "$scenario_dir/none.yaml" -- "$evade/evade_orphan" waited data.txt marker
	expect_deviations 1 libopener.so file.read "$cwd/data.txt" '^libopener.so\|evade_orphan'
	expect_covered
}

acts shim
need_vantage both
acts both
