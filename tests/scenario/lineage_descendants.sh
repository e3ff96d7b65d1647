#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `watch: descendants` holds for everything a script starts, however far it moves away: a session of its
# own, nohup, a parent that is gone, two forks, any number of programs in between.
. "$(dirname "$0")/../lib/scenario.sh"

need_program setsid nohup env xargs find "$python"
cat >"$work/policy.yaml" <<'END'
version: 1
profiles:
  - name: starter
    match: {script: "**/starter-*"}
    watch: [descendants]
    exec: {run: ["/**"], load: ["/**"]}
    file: {read: ["/usr/**", "/etc/**", "/dev/**", "/proc/**", "/tmp/**"], list: any, write: ["/dev/**", "**/done"]}
    reason: may start what it likes, and may not write
END
cat >"$work/act.sh" <<'END'
#!/bin/sh
echo acted >"$1/secret"
echo over >"$1/done"
END
cat >"$work/twice.py" <<'END'
import os, sys
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
while os.getppid() == int(os.environ.get("STARTER", "0")):
    pass
os.execv("/bin/sh", ["sh", sys.argv[1], sys.argv[2]])
END
chmod +x "$work/act.sh"

# way NAME: the script's line that has $work/act.sh write in $PWD
way()
{
	case $1 in
	plain) echo 'ACT "$PWD"' ;;
	setsid) echo 'setsid ACT "$PWD"' ;;
	nohup) echo 'nohup ACT "$PWD" >/dev/null 2>&1 &' ;;
	orphan) echo '(ACT "$PWD" &)' ;;
	twice) echo "$python TWICE ACT \"\$PWD\"" ;;
	many) echo 'env nice env sh -c "exec env bash -c \"exec ACT $PWD\""' ;;
	xargs) echo 'echo "$PWD" | xargs -n 1 ACT' ;;
	find) echo 'find "$PWD" -maxdepth 0 -exec ACT {} \;' ;;
	esac
}

for name in plain setsid nohup orphan twice many xargs find; do
	{
		echo '#!/bin/bash'
		way $name | sed "s,ACT,$work/act.sh,g; s,TWICE,$work/twice.py,g"
		# The daemon's own end is waited for, not slept for.
		echo 'for try in {1..400}; do [ -s done ] && break; read -rt 0.01 <> <(:) || :; done'
	} >"$work/starter-$name"
	chmod +x "$work/starter-$name"
	watch $name --policy "$work/policy.yaml" --any-stderr -- bash "$work/starter-$name"
	expect "it was done" test -s "$cwd/done"
	expect_alert "the writing is told of, by the profile of the script that started it all" \
		'.action == "file.write" and (.object.path | endswith("/secret")) and .rule.profile == "starter"'
	expect_alert "the script is on the chain" \
		"(.object.path // \"\" | endswith(\"/secret\")) and ([.chain[].name] | index(\"starter-$name\"))"
done
