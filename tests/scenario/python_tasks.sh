#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One package makes tasks and callbacks, another owns the event loop, a third is a conduit that does
# what it is asked. When it acts, the stack has only the loop on it: the maker is charged, not the owner.
. "$(dirname "$0")/../lib/scenario.sh"
. "$root/tests/lib/python.sh"
need_program openssl

site=$work/env/lib/python3/site-packages
for name in carry maker owner; do
	dist_install "$site" $name-demo 1.0 ${name}_demo
done
echo secret >"$work/secret"
mkdir "$work/app"
cat >"$work/app/app.py" <<'PY'
import asyncio, sys
sys.path.insert(0, sys.argv[1])
import maker_demo, owner_demo
path, way = sys.argv[2], sys.argv[3]


async def in_loop(make):
    made = make(path)
    if way == "cancelled":
        made = await made
        made.cancel()
        try:
            await made
        except asyncio.CancelledError:
            return
    await made


if way == "own_task":
    getattr(owner_demo, way)(path)
elif way.endswith("_thread") and way != "to_thread":
    with owner_demo.Loop() as loop:
        getattr(maker_demo, way)(path, loop).result()
else:
    owner_demo.run(in_loop(getattr(maker_demo, way)))
print(way)
PY
always=(task future deep gathered by_name own_class plain_class task_of_task cancelled soon later in_executor
	from_thread soon_from_thread)
some=(task deep gathered own_class task_of_task soon later in_executor from_thread)

for interpreter in $(python_versions); do
	version=$(python_version "$interpreter")
	[ -n "$version" ] || continue
	{
		cat "$scenario_dir/python_tasks.yaml"
		python_policy "$interpreter" | sed '1,/^profiles:/d'
	} >"$work/policy.yaml"
	ways=("${always[@]}")
	case $interpreter in /usr/bin/*) ;; *) ways=("${some[@]}") ;; esac
	# An exception thrown into a task leaves no frame of it on 3.8's stack.
	minor=${version#3.}
	[ "$minor" -lt 9 ] || ways+=(to_thread cancelled)
	[ "$minor" -lt 11 ] || ways+=(shared_context grouped)
	[ "$minor" -lt 12 ] || ways+=(eager)
	for way in "${ways[@]}"; do
		watch "$version-$way" --no-bare --status 0 --policy "$work/policy.yaml" -- \
			"$interpreter" "$work/app/app.py" "$site" "$work/secret" "$way"
		has_shim || continue
		expect_deviations 1 maker-demo file.read "$work/secret"
		expect_no_deviation owner-demo
	done
	# What the owner makes stays the owner's.
	watch "$version-own_task" --no-bare --status 0 --policy "$work/policy.yaml" -- \
		"$interpreter" "$work/app/app.py" "$site" "$work/secret" own_task
	has_shim || continue
	expect_deviations 1 owner-demo file.read "$work/secret"
	expect_no_deviation maker-demo
done
