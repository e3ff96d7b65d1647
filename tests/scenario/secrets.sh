#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Reading a secret and then contacting somebody new is one finding of kind sequence: who, which secret,
# which peer; never the secret's value. What only reads, or only contacts, or contacts whom it knew, is
# quiet. Variables are the shim's to tell: to the kernel alone only files are secrets.
. "$(dirname "$0")/../lib/scenario.sh"

need_program bash jq curl
export AWS_SECRET_ACCESS_KEY=VALUE-OF-AWS API_TOKEN=VALUE-OF-TOKEN
usual=127.0.0.10:18901 rogue=127.0.0.66:18902

prepare()
{
	mkdir -p "$HOME/.aws" "$HOME/.ssh"
	echo VALUE-OF-FILE >"$HOME/.aws/credentials"
	echo VALUE-OF-KEY >"$HOME/.ssh/id_rsa"
	echo public >"$HOME/.ssh/id_rsa.pub"
}

# sequences N: exactly so many findings of that kind, and nothing else of the guard
sequences()
{
	check
	[ "$(jq -s '[.[] | select(.kind == "sequence")] | length' "$here/alerts.jsonl")" = "$1" ] ||
		fail "expected $1 sequences; told were" - < <(jq -c '[.kind, .message]' "$here/alerts.jsonl")
	check
	! grep -rlE 'VALUE-OF-(AWS|TOKEN|FILE|KEY)' "$here/alerts.jsonl" "$here/summary.json" "$here/err" ||
		fail "the value of a secret was told"
	check
	! "$sowatch" log show "$here/log.swl" 2>&1 | grep -E 'VALUE-OF' ||
		fail "the value of a secret is in the log"
}

# carried SUBJECT ACTION PORT SECRET: one sequence
carried()
{
	sequences 1
	expect_alert "$1 carried $4 to port $3" \
		".kind == \"sequence\" and .subject.name == \"$1\" and .action == \"$2\" and .object.port == $3
			and (.secret.name | endswith(\"$4\")) and .rule.profile == \"guards\"
			and .rule.id == \"secret-then-peer\" and .severity == \"high\"
			and (.secret.time < .time) and (.secret.chain | length > 0) and (.chain | length > 0)"
}

# --- a library -----------------------------------------------------------------------------------

watch variable -- "$subjects/carrier_app" lib look AWS_SECRET_ACCESS_KEY lib connect $rogue lib connect $rogue
if can_see env.read; then
	carried libcarrier.so net.connect 18902 AWS_SECRET_ACCESS_KEY
	expect_alert "its words are a sentence" '.message | test("^library libcarrier.so tried to connect to 127.0.0.66:18902 after it had read the variable AWS_SECRET_ACCESS_KEY: ")'
	expect_verdict deviates
	first=$(jq -rs 'map(select(.kind == "sequence"))[0].fingerprint' "$here/alerts.jsonl")
	recorded=$here/log.swl
else
	sequences 0 # as the manual says
fi

watch again -- "$subjects/carrier_app" lib look AWS_SECRET_ACCESS_KEY lib connect $rogue
if can_see env.read; then
	expect_alert "the fingerprint is the same in another run" ".fingerprint == \"$first\""
fi

watch file -- "$subjects/carrier_app" lib open "$work/home/.aws/credentials" lib connect $rogue
carried libcarrier.so net.connect 18902 .aws/credentials

watch datagram -- "$subjects/carrier_app" lib open "$work/home/.ssh/id_rsa" lib send 127.0.0.67:5353
carried libcarrier.so net.send 5353 .ssh/id_rsa

watch in-a-child -- "$subjects/carrier_app" lib open "$work/home/.ssh/id_rsa" child connect $rogue
carried libcarrier.so net.connect 18902 .ssh/id_rsa

# The healthy twins.
watch usual-peer -- "$subjects/carrier_app" lib connect $usual lib look AWS_SECRET_ACCESS_KEY \
	lib open "$work/home/.aws/credentials" lib connect $usual
expect_clean
watch nothing-read -- "$subjects/carrier_app" lib look HOME lib look AWS_SESSION_TOKEN lib open /etc/hosts \
	lib open "$work/home/.ssh/id_rsa.pub" lib connect $rogue
expect_clean
watch another-reads -- "$subjects/carrier_app" other open "$work/home/.aws/credentials" lib connect $rogue
expect_clean
watch where-it-belongs -- "$subjects/carrier_app" lib open "$work/home/.ssh/id_rsa" lib connect 127.0.0.66:22
expect_clean

# The service itself, which nobody wrote a profile for, takes its secret to its data base. A program
# that somebody in it starts is another matter.
watch itself -- /usr/bin/env "$subjects/carrier_app" app look AWS_SECRET_ACCESS_KEY \
	app open "$work/home/.aws/credentials" app connect $rogue
expect_clean
watch started -- sh -c '"$@"; :' sh "$subjects/carrier_app" app open "$work/home/.aws/credentials" app connect $rogue
carried carrier_app net.connect 18902 .aws/credentials

# --- whose profile names the peer ------------------------------------------------------------------

cat >"$work/named.yaml" <<'END'
version: 1
profiles:
  - name: carrier
    match: {library: libcarrier.so}
    network: {connect: [{to: [127.0.0.66], ports: [18902]}]}
END
watch named --policy "$work/named.yaml" -- "$subjects/carrier_app" lib open "$work/home/.aws/credentials" \
	lib connect $rogue
expect_no_deviation

# --- scripts: by what they start, and by themselves -------------------------------------------------

script() { cat >"$work/$1"; chmod +x "$work/$1"; }

script step.sh <<'END'
#!/bin/bash
cat ~/.aws/credentials >/dev/null
curl -s --noproxy '*' http://127.0.0.66:18902/ -o /dev/null || true
END
watch bash-script --status 0 -- "$work/step.sh"
carried step.sh net.connect 18902 .aws/credentials

script honest.sh <<'END'
#!/bin/bash
echo "$AWS_SECRET_ACCESS_KEY" >/dev/null
cat /etc/hosts >/dev/null
curl -s --noproxy '*' http://127.0.0.66:18902/ -o /dev/null || true
END
watch bash-variables --status 0 -- "$work/honest.sh"
sequences 0 # bash never calls getenv, as the manual says

cat >"$work/take.py" <<'END'
import os, socket, sys
if sys.argv[1] == "environ":
    os.environ["AWS_SECRET_ACCESS_KEY"]
else:
    open(sys.argv[1]).close()
socket.socket().connect_ex(("127.0.0.66", 18902))
END
watch python-file --status 0 -- "$python" "$work/take.py" "$work/home/.aws/credentials"
carried take.py net.connect 18902 .aws/credentials
watch python-environment --status 0 -- "$python" "$work/take.py" /proc/self/environ
sequences 1
expect_alert "all variables at once are secrets" '.secret.group == "environment"'
watch python-environ --status 0 -- "$python" "$work/take.py" environ
sequences 0 # nobody can see that, as the manual says

# --- explained, and not learned away ----------------------------------------------------------------

if can_see env.read; then
	check
	"$sowatch" policy explain "$recorded" "$first" >"$work/explained" 2>&1
	grep -q 'secrets: \["aws"\]' "$work/explained" ||
		fail "explain offers no YAML" - <"$work/explained"
	"$sowatch" policy explain --format json "$recorded" "$first" | jq -r .mend >"$work/mend.yaml"
	check
	"$sowatch" replay -q --accept shim-only -p "$root/policies" -p "$work/mend.yaml" --alerts "$work/mended" "$recorded" \
		>"$work/mended.err" 2>&1
	[ -e "$work/mended" ] && [ ! -s "$work/mended" ] ||
		fail "with the YAML that explain offers it is still told" - < <(
			cat "$work/mend.yaml" "$work/mended.err")
	check
	"$sowatch" learn -o "$work/learned" "$recorded" >"$work/learn.err" 2>&1
	"$sowatch" replay -q --accept shim-only -p "$root/policies" -p "$work/learned" --alerts "$work/relearned" "$recorded" \
		>"$work/relearned.err" 2>&1
	jq -se '[.[] | select(.kind == "sequence")] | length == 1' "$work/relearned" >/dev/null ||
		fail "what was learned hides it" - < <(cat "$work/learn.err" "$work"/learned/* "$work/relearned")
fi
