#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# README.md's table is what the scripts ask for: every script has a row or a word, every row a script,
# and each vantage that a row says something about is run by it (or, the kernel's, by kernel.sh).
. "$(dirname "$0")/lib.sh"

# runs SCRIPT VANTAGE: it observes that vantage, directly or through its functions' first argument.
runs()
{
	grep -qE "(observe|acts|all|once|everyone|programs|briefs|statics) \"?$2\"?( |\$)" "$scenario_dir/$1.sh"
}

rows=0
while IFS='|' read -r _ way script shim both kernel _; do
	script=${script// /} rows=$((rows + 1))
	watched=$script
	expect "there is such a script" test -e "$scenario_dir/$script.sh"
	[[ $shim == *–* ]] || expect "it is run with the shim:$way" runs "$script" shim
	[[ $both == *–* ]] || expect "it is run with both:$way" runs "$script" both
	[[ $kernel == *–* ]] || runs "$script" kernel ||
		expect "kernel.sh has it:$way" grep -q "evade_$script\"" "$scenario_dir/kernel.sh"
	# A finding under both is asked for by its kind.
	case $both in
	*bypass* | *tamper*)
		expect "it asks for a finding:$way" grep -qE 'expect_(bypass|finding|forged)|\.kind == "bypass"' "$scenario_dir/$script.sh" ;;
	*hole*)
		expect "it asks for the hole:$way" grep -qE 'unknown|!= clean|kind == "' "$scenario_dir/$script.sh" ;;
	esac
	case $shim in
	*unknown* | *hole*)
		expect "never clean:$way" grep -qE 'unknown|invisible|!= clean' "$scenario_dir/$script.sh" ;;
	esac
done < <(grep '^| ' "$scenario_dir/README.md" | grep -v '^| way ')
watched=README.md
expect "the table was read ($rows rows)" test "$rows" -ge 20
for script in "$scenario_dir"/*.sh; do
	script=$(basename "$script" .sh)
	case $script in lib | table | kernel) continue ;; esac
	watched=$script
	expect "README.md has it" grep -qE "\| $script \||\`$script\`" "$scenario_dir/README.md"
done
