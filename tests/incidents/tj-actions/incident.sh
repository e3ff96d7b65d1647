# SPDX-License-Identifier: Apache-2.0
# The runner is a process beside the action, watched or not: the action finds it by its pid.
peer_files() { cp "$folder/memdump.py" "$work/peers/cdn/"; }
home()
{
	[ -z "${runner-}" ] || kill "$runner" 2>/dev/null
	start "$python" -c 'import sys, time
secret = "\"value\":\"DUMMY\",\"isSecret\":true"
time.sleep(60)' runner_demo
	runner=$started
	export RUNNER_PID=$runner GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
	mkdir "$HOME/repository"
	(cd "$HOME/repository" && git init -q . && echo changed >file && git add file)
}
install()
{
	cp "$folder/$1/changed-files" "$app/"
	sed "s/PEER_PORT/$PEER_PORT/" -i "$app/changed-files"
}
command=(bash "$app/changed-files")
damaged() { grep -q DUMMY-FOUND "$here/out"; }
spared() { ! grep -q DUMMY-FOUND "$here/out"; }
