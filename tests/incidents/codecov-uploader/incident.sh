# SPDX-License-Identifier: Apache-2.0
# The twins of ../codecov, whose own test has the other forms, for the table and the recorded logs.
need_program git curl
more_policy=$scenario_dir/codecov/loopback.yaml
home()
{
	export CODECOV_PORT=$PEER_PORT ROGUE_PORT=$PEER_PORT CODECOV_URL=http://127.0.0.10:$PEER_PORT
}
install()
{
	export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
	export GIT_AUTHOR_NAME=Builder GIT_AUTHOR_EMAIL=builder@example.org
	export GIT_COMMITTER_NAME=Builder GIT_COMMITTER_EMAIL=builder@example.org
	cp "$scenario_dir/codecov/$1/codecov" "$app/"
	(
		cd "$app" && git init -q . && git checkout -q -b main &&
			git remote add origin https://git.example.org/shop/basket.git &&
			echo '<coverage line-rate="0.93"/>' >coverage.xml &&
			git add coverage.xml && git commit -q -m basket
	) || fail "no repository"
}
command=(bash "$app/codecov")
damaged() { grep -q '^rogue POST' "$work/peers/received"; }
spared() { ! grep -q '^rogue' "$work/peers/received"; }
