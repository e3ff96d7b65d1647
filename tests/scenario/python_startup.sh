#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A line of a .pth file is the distribution's that owns the file, and it runs at start-up; so does
# what it imports. The honest .pth of the system's packages stay quiet.
. "$(dirname "$0")/../lib/scenario.sh"
. "$root/tests/lib/python.sh"

# Nothing deviates; the kernel alone says that it was not told of Python's frames.
expect_quiet_start()
{
	expect_no_deviation
	if can_tell python; then expect_verdict clean; else expect_verdict unknown; fi
}

need_program openssl

"$python" -m venv --without-pip "$work/venv" 2>/dev/null || { fail "python3-venv is not installed"; exit 1; }
site=$(echo "$work"/venv/lib/python3*/site-packages)
dist_install "$site" pth-demo 1.0 pth_demo pth_demo.pth
dist_install "$site" flow-demo 1.0 flow_demo
echo secret >"$work/secret"
mkdir "$work/app"
cat >"$work/app/app.py" <<'PY'
import json, sys
if len(sys.argv) > 1:
    open(sys.argv[1]).close()
print("done")
PY
app=("$work/venv/bin/python3" "$work/app/app.py")

watch line --policy "$scenario_dir/python.yaml" -- env "PTH_DEMO_LINE=$work/secret" "${app[@]}"
! has_shim || expect_deviation pth-demo file.read "$work/secret"
! has_shim || expect_no_deviation app.py

watch imported --policy "$scenario_dir/python.yaml" -- env "PTH_DEMO_READS=$work/secret" "${app[@]}"
! has_shim || expect_deviation pth-demo file.read "$work/secret"

# (In a virtual environment site goes through the directory twice, watched or not.)
# The same by the phase, for subjects no profile speaks of.
watch guard-line -p "$root/policies" -p "$scenario_dir/python_startup.yaml" -- \
	env "PTH_DEMO_LINE=$work/secret" "${app[@]}"
if has_shim; then
	expect_deviation pth-demo file.read "$work/secret"
	expect_alert "the guard is the rule" '.rule.profile == "guards" and .rule.id == "start-up-test"'
fi
watch guard-import -p "$root/policies" -p "$scenario_dir/python_startup.yaml" -- \
	env "PTH_DEMO_READS=$work/secret" "${app[@]}"
! has_shim || expect_deviation pth-demo file.read "$work/secret"

# The application's own reading of it later is not start-up; honest .pth files (the system's) are quiet.
watch steady -p "$root/policies" -p "$scenario_dir/python_startup.yaml" -- "${app[@]}" "$work/secret"
expect_quiet_start
watch system -p "$root/policies" -p "$scenario_dir/python_startup.yaml" -- "$python" "$work/app/app.py"
expect_quiet_start

# Without site there is no .pth; -I leaves site in.
watch no-site -p "$root/policies" -p "$scenario_dir/python_startup.yaml" -- \
	env "PTH_DEMO_LINE=$work/secret" "$work/venv/bin/python3" -S "$work/app/app.py"
expect_quiet_start
watch isolated --policy "$scenario_dir/python.yaml" -- \
	env "PTH_DEMO_LINE=$work/secret" "$work/venv/bin/python3" -I "$work/app/app.py"
! has_shim || expect_deviation pth-demo file.read "$work/secret"

# Nested: another's directory added by a line does not hand on the lines that follow.
cat >"$site/aaa_nested.pth" <<PTH
import site; site.addsitedir("$work/other")
import os; p = os.environ.get("NESTED_READS"); p and open(p).close()
PTH
mkdir "$work/other"
cp "$python_subjects/pth_demo.pth" "$work/other/"
watch nested --policy "$scenario_dir/python.yaml" -- env "NESTED_READS=$work/secret" "${app[@]}"
expect_no_deviation
! has_shim || expect_event aaa-nested file.read
