# SPDX-License-Identifier: Apache-2.0
# What demo.sh and test.sh share: the two peers, a repository to upload from, and one watched run.
# Sourced. SOWATCH: the program, or SOWATCH_BUILD: its build directory.

act_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
act_root=$(cd "$act_dir/../../.." && pwd)
: "${SOWATCH:=${SOWATCH_BUILD:-$act_root/build/release}/bin/sowatch}"
# This name also carries sessions to watched programs: keep it out of their environment.
act_sowatch=$SOWATCH
unset SOWATCH
[ -x /usr/bin/python3 ] && act_python=/usr/bin/python3 || act_python=python3

act_work='' act_server=''

act_end()
{
	if [ -n "$act_server" ]; then
		kill "$act_server" 2>/dev/null
		wait "$act_server" 2>/dev/null
	fi
	[ -z "$act_work" ] || rm -rf "$act_work"
}

# act_begin: everything below $act_work, gone at the end; CODECOV_PORT and ROGUE_PORT exported.
act_begin()
{
	local program try
	for program in bash curl git jq "$act_python"; do
		command -v "$program" >/dev/null || { echo "skip: $program is not installed"; exit 77; }
	done
	[ -x "$act_sowatch" ] || { echo "error: $act_sowatch is not there; build it first" >&2; exit 1; }
	act_work=$(mktemp -d) || exit 1
	act_work=$(readlink -f "$act_work")
	trap act_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	"$act_python" "$act_dir/server.py" "$act_work/ready" "$act_work/received" </dev/null &
	act_server=$!
	for ((try = 0; try < 100; try++)); do
		[ -s "$act_work/ready" ] && break
		sleep 0.05
	done
	read -r CODECOV_PORT ROGUE_PORT <"$act_work/ready" || { echo "error: the peers did not start" >&2; exit 1; }
	export CODECOV_PORT ROGUE_PORT CODECOV_URL=http://127.0.0.10:$CODECOV_PORT
	act_repository
}

# A project with a coverage report; nothing of the caller's own configuration takes part.
act_repository()
{
	export HOME=$act_work/home GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
	export GIT_AUTHOR_NAME=Builder GIT_AUTHOR_EMAIL=builder@example.org
	export GIT_COMMITTER_NAME=Builder GIT_COMMITTER_EMAIL=builder@example.org
	unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE http_proxy all_proxy ALL_PROXY
	# Without it bash looks its user up, which asks nscd: two connections more of the script.
	export SHELL=/bin/sh
	mkdir -p "$HOME" "$act_work/project/src"
	(
		cd "$act_work/project" &&
			git init -q . && git checkout -q -b main &&
			git remote add origin https://git.example.org/shop/basket.git &&
			echo 'int main(void) { return 0; }' >src/main.c &&
			echo '<coverage line-rate="0.93"/>' >coverage.xml &&
			git add -A && git commit -q -m 'basket'
	) || { echo "error: the demo's repository could not be made" >&2; exit 1; }
}

# act_command TWIN [FORM]: how it is run, in the array act_argv: as a file, or as the vendor's page said,
# `bash <(curl -s URL)` (substitution) and `curl -s URL | bash` (pipe).
act_command()
{
	case ${2-file} in
	file) act_argv=(bash "$act_dir/$1/codecov") ;;
	substitution) act_argv=(bash -c "bash <(curl -s $CODECOV_URL/$1)") ;;
	pipe) act_argv=(bash -c "curl -s $CODECOV_URL/$1 | bash") ;;
	esac
}

# act_run TWIN DIRECTORY [OPTION]...: the twin's uploader under sowatch; log, alerts and summary in
# DIRECTORY. Standard error is sowatch's. ACT_FORM: the form it is run in.
act_run()
{
	local twin=$1 directory=$2
	shift 2
	: >"$act_work/received"
	act_command "$twin" "${ACT_FORM-file}"
	(cd "$act_work/project" && exec timeout -k 2 60 "$act_sowatch" run \
		-p "$act_root/policies" -p "$act_dir/loopback.yaml" --accept shim-only --service codecov-demo \
		-o "$directory/$twin.swl" --alerts "$directory/$twin.jsonl" --summary "$directory/$twin.json" \
		"$@" -- "${act_argv[@]}" </dev/null)
}

# act_replay TWIN DIRECTORY: judges the log again with the policy in it.
act_replay()
{
	"$act_sowatch" replay "$2/$1.swl" --accept shim-only --alerts "$2/$1.replay.jsonl" \
		--summary "$2/$1.replay.json" </dev/null
}

# act_received ROLE: how many bytes that peer was sent.
act_received()
{
	awk -v role="$1" '$1 == role { sum += $2 } END { print sum + 0 }' "$act_work/received"
}
