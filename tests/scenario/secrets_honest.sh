#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Programs whose work it is to take their user's secret to somebody do so unseen of any finding, when
# they are typed and when a script runs them.
. "$(dirname "$0")/../lib/scenario.sh"

need_program curl wget git redis-cli psql ssh node
export API_TOKEN=VALUE DB_PASSWORD=VALUE AWS_SECRET_ACCESS_KEY=VALUE
export REDISCLI_AUTH=VALUE PGPASSWORD=VALUE PGCONNECT_TIMEOUT=5 GIT_TERMINAL_PROMPT=0 GIT_CONFIG_NOSYSTEM=1
peer=127.0.0.10

prepare()
{
	mkdir -p "$HOME/.ssh" "$HOME/.aws"
	printf 'machine %s login a password VALUE\n' $peer >"$HOME/.netrc"
	printf 'http://a:VALUE@%s:18911\n' $peer >"$HOME/.git-credentials"
	printf '[credential]\n\thelper = store\n' >"$HOME/.gitconfig"
	printf '%s:*:*:*:VALUE\n' $peer >"$HOME/.pgpass"
	ssh-keygen -q -t ed25519 -N '' -f "$HOME/.ssh/id_ed25519"
	chmod 600 "$HOME/.pgpass" "$HOME/.netrc"
}

# quiet NAME COMMAND: typed by its user, and out of a script; nobody answers at the other end.
quiet()
{
	watch "$1" --any-stderr -- sh -c "$2; true"
	expect_no_deviation
	printf '#!/bin/bash\n%s\ntrue\n' "$2" >"$work/$1.sh"
	chmod +x "$work/$1.sh"
	watch "$1-script" --any-stderr -- "$work/$1.sh"
	expect_no_deviation
}

quiet curl "curl -n -s --noproxy '*' http://$peer:18911/"
quiet wget "wget -q -t 1 --no-proxy -O /dev/null http://$peer:18911/"
quiet git "printf 'protocol=http\nhost=$peer:18911\n\n' | git credential fill; git -c http.proxy= ls-remote http://$peer:18911/x"
quiet redis "redis-cli -h $peer -p 18912 ping"
quiet psql "psql -w -h $peer -p 18913 -U a -c 'select 1' b"
quiet ssh "ssh -o BatchMode=yes -o StrictHostKeyChecking=no -p 18914 $peer true"
quiet node "node -e '0'"
