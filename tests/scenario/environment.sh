#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The environment is what it would be without us, however one looks at it.
. "$(dirname "$0")/../lib/scenario.sh"

prepare() { echo hello >data.txt; }

watch environ -- "$subjects/environment" one two
watch env -- env
watch env-i -- env -i env
watch env-i-environ -- env -i "$subjects/environment"
watch shell -- sh -c 'env; env -i env; FOO=1 env'
watch bash -- bash -c 'declare -x; printenv LD_PRELOAD; echo $?'
watch python -- "$python" -c 'import os; print(sorted(os.environ.items()), os.getenv("LD_PRELOAD"))'
watch unset -- env -u LD_PRELOAD -u SOWATCH env
for run in "$work"/run-*; do
	expect "nothing of ours shows in ${run##*/}" \
		sh -c '! grep -qiE "libsowatch|^(environ |envp )?SOWATCH=" "$1"' - "$run/out"
done

# Scrubbed or not, the child is watched.
watch scrubbed --policy "$scenario_dir/strict.yaml" -- env -i /usr/bin/wc data.txt
expect_event wc file.read
expect_covered
watch scrubbed-twice -- env -i /bin/sh -c 'env -i /usr/bin/wc data.txt'
expect_event wc file.read
expect_covered
