#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A profile that is matched by sha256 answers for that file and for no other of its name: libraries,
# executables (static ones too) and scripts. The first act after a load is judged by it already.
. "$(dirname "$0")/../lib/scenario.sh"

prepare()
{
	for number in 1 2; do echo hello >data.$number; done
	cp "$subjects/one/libtwin.so" one.so
	# A large one: it takes longer to hash than to load.
	{ cat "$subjects/two/libtwin.so"; head -c 64M /dev/zero; } >two.so
	cp "$subjects/spawn_app" app
	printf '#!/bin/sh\nread line <data.1\n' >run.sh
	chmod +x run.sh
}
sha256() { (cd "$cwd" && sha256sum "$1") | cut -d' ' -f1; }
policy() { printf 'version: 1\nprofiles:\n  - {name: digest, match: {sha256: "%s"}, network: none, file: none, exec: none}\n' "$1" >"$work/digest.yaml"; }

fresh
policy "$(sha256 two.so)"
watch library --policy "$work/digest.yaml" -- "$subjects/plugin_host" data "$cwd/one.so" "$cwd/two.so"
expect_deviations 1 libtwin.so file.read "$cwd/data.2"
expect_deviations 0 libtwin.so file.read "$cwd/data.1"
expect "the log has its digest" grep -q "two.so.* sha256 $(sha256 two.so)" < <("$sowatch" log show "$here/log.swl")
expect_verdict deviates

fresh
policy "$(sha256 run.sh)"
watch script --policy "$work/digest.yaml" -- ./run.sh
expect_deviations 1 run.sh file.read "$cwd/data.1"

policy "$(sha256sum /bin/cat | cut -d' ' -f1)"
watch executable --policy "$work/digest.yaml" -- /bin/sh -c 'cat data.1; :'
expect_deviations 1 cat file.read "$cwd/data.1"

# Nobody asks: nothing is read for it.
watch nobody --policy "$scenario_dir/strict.yaml" -- ./run.sh
expect "the log has no digest" test -z "$("$sowatch" log show "$here/log.swl" | grep ' sha256 ')"
