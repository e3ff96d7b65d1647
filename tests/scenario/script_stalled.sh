#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A script out of a pipe is known by where it came from however late the collector looks: here it stands
# still from before the script is fetched until the script is over.
. "$(dirname "$0")/../lib/scenario.sh"

need_program curl bash dash
vendor=$(free_port 127.0.0.10)
rogue=$(free_port 127.0.0.66)
mkdir "$work/www" "$work/rogue"
echo taken >"$work/rogue/answer"
serve http 127.0.0.10 "$vendor" "$work/www"
serve http 127.0.0.66 "$rogue" "$work/rogue"
cat >"$work/www/script" <<END
grep -c . /etc/hostname >/dev/null
env >/dev/null
curl -s http://127.0.0.66:$rogue/answer
END
cat >"$work/policy.yaml" <<END
version: 1
profiles:
  - name: uploader
    match: [{origin: "127.0.0.10:$vendor"}]
    watch: [descendants]
    network: {connect: [{to: ["127.0.0.10"], ports: [$vendor]}]}
    exec: {run: [{program: grep}, {program: curl}], load: ["/usr/lib/**"]}
END

# stalled NAME COMMAND: watched by a collector that sleeps until the command is over
stalled()
{
	rm -f "$work/pid" "$work/over"
	(
		wait_until 60 test -e "$work/over"
		kill -CONT "$(cat "$work/pid")"
	) &
	background+=("$!")
	watch "$1" --policy "$work/policy.yaml" --no-bare --status 0 -- bash -c \
		"echo \$PPID >$work/pid; kill -STOP \$PPID; $2; touch $work/over"
	expect_alert "env is the fetched script's" \
		".subject.origin == \"127.0.0.10:$vendor\" and .action == \"exec.run\"
			and (.object.program | endswith(\"/env\")) and .rule.profile == \"uploader\""
	expect_alert "so is the contact that its curl made" \
		".subject.origin == \"127.0.0.10:$vendor\" and .action == \"net.connect\"
			and .object.address == \"127.0.0.66\" and .rule.profile == \"uploader\""
	expect_count "127.0.0.10:$vendor" exec.run 3
}

fetch="curl -s http://127.0.0.10:$vendor/script"
for shell in bash dash; do
	stalled "$shell-substitution" "$shell <($fetch)"
	stalled "$shell-pipe" "$fetch | $shell"
	stalled "$shell-staged" "$fetch | cat | sed s/x/x/ | $shell -s -- word"
done
