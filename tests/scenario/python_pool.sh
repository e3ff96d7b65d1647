#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One package hands work to a pool that another owns and whose threads it started, a conduit does it.
# Whose work it was is charged: not the pool's owner, and not whose call happened to start the thread.
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
import sys
sys.path.insert(0, sys.argv[1])
import maker_demo, owner_demo
path, way = sys.argv[2], sys.argv[3]


async def in_loop():
    await maker_demo.in_executor(path, owner_demo.pool)


def first():
    """The pool's second thread is started by whoever needs it; then the other's work comes to it."""
    import concurrent.futures
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        maker_demo.submit("/dev/null", pool).result()
        owner_demo.pool = pool
        owner_demo.own_work(path)


ways = {
    "in_executor": lambda: owner_demo.run(in_loop()),
    "own_work": lambda: owner_demo.own_work(path),
    "started_by_other": first,
    "timer": lambda: maker_demo.timer(path),
    "submit_many": lambda: maker_demo.submit_many(path, owner_demo.pool),
}
if way in ways:
    ways[way]()
else:
    work = getattr(maker_demo, way)(path, owner_demo.pool)
    if work:
        work.result()
print(way)
PY
ways=(submit submit_open submit_many submit_from_work in_executor timer)

for interpreter in $(python_versions); do
	version=$(python_version "$interpreter")
	[ -n "$version" ] || continue
	{
		cat "$scenario_dir/python_tasks.yaml"
		python_policy "$interpreter" | sed '1,/^profiles:/d'
	} >"$work/policy.yaml"
	for way in "${ways[@]}"; do
		watch "$version-$way" --no-bare --status 0 --policy "$work/policy.yaml" -- \
			"$interpreter" "$work/app/app.py" "$site" "$work/secret" "$way"
		has_shim || continue
		expect_deviations 1 maker-demo file.read "$work/secret"
		expect_no_deviation owner-demo
	done
	for way in own_work started_by_other; do
		watch "$version-$way" --no-bare --status 0 --policy "$work/policy.yaml" -- \
			"$interpreter" "$work/app/app.py" "$site" "$work/secret" "$way"
		has_shim || continue
		expect_deviations 1 owner-demo file.read "$work/secret"
		expect_deviations 0 maker-demo file.read "$work/secret"
	done
done
