#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# However control gets to a package: threads, pools, generators, coroutines, destructors, callbacks
# out of C. And a function of the application stays the application's whoever calls it.
. "$(dirname "$0")/../lib/scenario.sh"
. "$root/tests/lib/python.sh"
need_program openssl

site=$work/env/lib/python3/site-packages
dist_install "$site" flow-demo 1.0 flow_demo
dist_install "$site" plain-demo 1.0 plain_demo
echo secret >"$work/secret"
mkdir "$work/app"
cat >"$work/app/app.py" <<'PY'
import asyncio, subprocess, sys
sys.path.insert(0, sys.argv[1])
import flow_demo, plain_demo
path, way = sys.argv[2], sys.argv[3]


def own(path):
    return open(path).read()


async def together():
    await asyncio.gather(flow_demo.read_later(path), asyncio.sleep(0))


ways = {
    "call": lambda: flow_demo.read(path),
    "thread": lambda: flow_demo.in_thread(path),
    "borrowed_thread": lambda: flow_demo.borrowed_thread(path),
    "pool": lambda: flow_demo.in_pool(path),
    "generator": lambda: list(flow_demo.lines(path)),
    "coroutine": lambda: asyncio.run(together()),
    "from_c": lambda: flow_demo.from_c(path),
    "destructor": lambda: flow_demo.Reader(path) and None,
    "sorted": lambda: sorted([path], key=flow_demo.read),
    "map": lambda: list(map(flow_demo.read, [path])),
    "passed": lambda: plain_demo.call(flow_demo.read, path),
    "forked": lambda: forked(flow_demo.read),
    "deep": lambda: deep(400),
    "callback": lambda: plain_demo.call(own, path),
}


def forked(function):
    import multiprocessing
    process = multiprocessing.get_context("fork").Process(target=function, args=(path,))
    process.start()
    process.join()


def deep(left):
    return deep(left - 1) if left else flow_demo.read(path)


ways[way]()
print(way)
PY
ways=(call thread borrowed_thread pool generator coroutine from_c destructor sorted map passed forked deep)

for interpreter in $(python_versions); do
	version=$(python_version "$interpreter")
	[ -n "$version" ] || continue
	python_policy "$interpreter" >"$work/policy.yaml"
	some=("${ways[@]}")
	case $interpreter in /usr/bin/*) ;; *) some=(call generator from_c pool deep) ;; esac
	for way in "${some[@]}"; do
		watch "$version-$way" --no-bare --status 0 --policy "$work/policy.yaml" -- \
			"$interpreter" "$work/app/app.py" "$site" "$work/secret" "$way"
		has_shim || continue
		expect_deviations 1 flow-demo file.read "$work/secret"
		expect_no_deviation app.py
		expect_no_deviation plain-demo
	done
	watch "$version-callback" --no-bare --status 0 --policy "$work/policy.yaml" -- \
		"$interpreter" "$work/app/app.py" "$site" "$work/secret" callback
	expect_no_deviation
	has_shim || continue
	expect_chain file.read "$work/secret" 'app.py\|.*plain-demo\|.*app.py'
done
