# SPDX-License-Identifier: Apache-2.0
# The quiet gauntlet: real programs at real work under the shipped policies. Sourced by the scripts
# beside it. `quiet` runs a command bare and watched (lib/scenario.sh) and demands the same output
# and status, no deviation, no bypass, nothing lost, and the replay the same.
. "$(dirname "${BASH_SOURCE[0]}")/../lib/scenario.sh"
may_be_unknown=''

# not_told VANTAGE REGEX: under that vantage the next `quiet` has to be unknown, and every reason that
# is given begins with a match. README.md lists them all.
not_told() { [ "${SOWATCH_VANTAGE:-shim}" != "$1" ] || may_be_unknown=$2; }

# quiet_unknown: unknown, for the reason that was to be expected and no other
quiet_unknown()
{
	local others
	others=$(jq -r '.reasons[]?' "$here/summary.json" 2>&1 | grep -vE -- "^(${may_be_unknown:-none})")
	[ -z "$others" ] || fail "the verdict is unknown; reasons are" - <<<"$others"
}

# quiet NAME [OPTION of watch]... -- CMD [ARG]...
quiet()
{
	case " $* " in
	*" --status "*) watch "$@" ;;
	*) watch "$1" --status 0 "${@:2}" ;;
	esac
	expect_no_deviation
	expect_no_loss
	check
	case $(jq -r .verdict "$here/summary.json" 2>/dev/null) in
	clean) [ -z "$may_be_unknown" ] || fail "the verdict is clean, and should be unknown" ;;
	unknown) quiet_unknown ;;
	*) fail "the verdict is $(jq -r .verdict "$here/summary.json" 2>&1)" ;;
	esac
	may_be_unknown=''
}

# certificates DIR: an authority of our own and a certificate for localhost and 127.0.0.1 by it.
certificates()
{
	mkdir -p "$1" && (
		cd "$1" &&
		openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=Test-CA \
			-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign &&
		openssl req -newkey rsa:2048 -nodes -keyout key.pem -out server.csr -subj /CN=localhost &&
		printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >ext &&
		openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 30 \
			-extfile ext
	) >/dev/null 2>"$1/openssl.log" || fail "no certificates could be made" - <"$1/openssl.log"
}
