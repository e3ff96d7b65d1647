# SPDX-License-Identifier: Apache-2.0
# Set-up shared by ./run and ./test: packages by apt when they are missing, configure, build.
# One line per step on stderr; the details go to build/setup.log. Sourced, needs $root.

packages_build="gcc g++ cmake ninja-build pkg-config binutils libyaml-dev libpcre2-dev
libjansson-dev libpsl-dev libprotobuf-c-dev protobuf-c-compiler libzstd-dev libxxhash-dev libsodium-dev
libelf-dev libunwind8 libunwind-dev libcmocka-dev scdoc clang libbpf-dev"
packages_demo="curl git python3 jq"
packages_test="redis-server redis-tools nginx-light libjemalloc2 busybox-static musl-tools
strace openssl libxml2-utils procps util-linux qemu-system-x86 python3-jsonschema python3-yaml
libpython3.11 libpython3.11-testsuite python3-requests python3-venv
python3-pip python3-setuptools python3-wheel python3-flask python3-httpx python3-aiohttp python3-boto3
python3-urllib3"
# real programs for the gauntlet
packages_gauntlet="age apt-utils default-jdk-headless dpkg-dev ffmpeg gnupg imagemagick make nodejs
openssh-client openssh-server perl postgresql python3-redis python3-requests ruby sqlite3 webp
xz-utils zstd"

setup_log=$root/build/setup.log

setup_say() { printf '%s\n' "$*" >&2; }

setup_fail()
{
	setup_say "error: $1"
	[ ! -s "$setup_log" ] || { setup_say "the last lines of ${setup_log#"$root"/}:"; tail -n 25 "$setup_log" >&2; }
	exit 1
}

# Runs a command with its output in the log.
setup_quietly() { { printf '\n$ %s\n' "$*"; "$@"; } >>"$setup_log" 2>&1 </dev/null; }

setup_missing()
{
	local package
	for package; do
		dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
			printf '%s ' "$package"
	done
}

# apt with a policy that starts no service: redis-server and nginx are wanted as programs only. The
# policy goes away again however this ends.
setup_apt()
(
	policy=/usr/sbin/policy-rc.d as_root=''
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null && sudo -n true 2>/dev/null && as_root=sudo ||
			setup_fail "these Debian packages are missing, and neither root nor sudo is at hand: apt-get install $*"
	fi
	if [ ! -e $policy ]; then
		trap '$as_root rm -f $policy' EXIT
		trap 'exit 1' HUP INT TERM
		printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
		$as_root chmod 755 $policy
	fi
	setup_quietly $as_root env DEBIAN_FRONTEND=noninteractive apt-get update
	setup_quietly $as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-install-recommends "$@"
)

setup_packages()
{
	local missing
	command -v dpkg-query >/dev/null || { setup_say "no dpkg here: taking the packages for granted"; return 0; }
	missing=$(setup_missing "$@")
	[ -n "$missing" ] || return 0
	setup_say "installing: $missing"
	setup_apt $missing || setup_fail "apt could not install: $missing"
}

# setup_build PRESET [NINJA-TARGET]...
setup_build()
{
	local preset=$1
	shift
	local directory=$root/build/$preset
	if [ ! -e "$directory/build.ninja" ]; then
		setup_say "configuring build/$preset"
		(cd "$root" && setup_quietly cmake --preset "$preset") ||
			setup_fail "configuring build/$preset failed"
	fi
	# A line for a build, none for finding that there is nothing to build.
	setup_quietly ninja -C "$directory" "$@" &
	local job=$! try
	for try in 1 2 3 4 5 6 7 8; do
		kill -0 $job 2>/dev/null || break
		sleep 0.1
	done
	! kill -0 $job 2>/dev/null || setup_say "building build/$preset"
	wait $job || setup_fail "building build/$preset failed"
}

setup_begin()
{
	mkdir -p "$root/build" && : >"$setup_log" || {
		setup_say "error: cannot write to $root/build"
		exit 1
	}
}
