#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Keys of the policy language whose meaning depends on what a run tells of peers, failures, children
# and callbacks: each is asked by a guard or a profile of its own.
. "$(dirname "$0")/../lib/scenario.sh"

# guarded ID COUNT: that many alerts have this id.
guarded()
{
	local got
	check
	got=$(jq -s --arg id "$1" 'map(select(.rule.id == $id) | .count) | add // 0' "$here/alerts.jsonl")
	[ "$got" = "$2" ] || fail "expected $2 of $1, found $got; told were" - < <(alerts_told)
}

cat >"$work/peers.py" <<'PY'
import os, socket
def attempt(kind, *address):
    s = socket.socket(kind, socket.SOCK_STREAM)
    try:
        s.connect(address[0])
    except OSError:
        pass
    return s
server = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
server.bind(("::ffff:127.0.0.10", 0))
server.listen()
port = server.getsockname()[1]
client = attempt(socket.AF_INET6, ("::ffff:127.0.0.10", port))
server.accept()
quiet = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
quiet.bind("\0sowatch-test-%d" % os.getpid())
quiet.listen()
attempt(socket.AF_UNIX, "\0sowatch-test-%d" % os.getpid())
named = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
named.bind("named.sock")
named.listen()
attempt(socket.AF_UNIX, "named.sock")
attempt(socket.AF_UNIX, "nobody.sock")
for number in (1, 2):
    open("old.%d" % number, "w").close()
    os.rename("old.%d" % number, "new.%d" % number)
PY
cat >"$work/peers.yaml" <<'YAML'
version: 1
guards:
  - {name: mapped, network: {connect: [{to: "127.0.0.10", ports: ["1024-65535"], proto: tcp}]}}
  - {name: mapped-cidr, network: {connect: [{to: "::ffff:127.0.0.8/125"}]}}
  - {name: low-ports, network: {connect: [{to: "127.0.0.10", ports: ["1-1023"]}]}}
  - {name: listening, network: {listen: [{to: "127.0.0.10"}]}}
  - {name: accepting, network: {accept: [{to: "127.0.0.0/8"}]}}
  - {name: abstract, network: {connect: [{to: "unix:@sowatch-test-*"}]}}
  - {name: named, network: {connect: [{to: "unix:**/cwd/named.sock"}]}}
  - {name: nobody, network: {connect: [{to: "unix:**/cwd/nobody.sock"}]}}
  - {name: nobody-tried, judge: attempts, network: {connect: [{to: "unix:**/cwd/nobody.sock"}]}}
  - {name: pair, file: {rename: [{from: "**/cwd/old.1", to: "**/cwd/new.1"}]}}
  - {name: no-pair, file: {rename: [{from: "**/cwd/old.1", to: "**/cwd/new.2"}]}}
YAML
watch peers --policy "$work/peers.yaml" -- "$python" "$work/peers.py"
guarded mapped 1
guarded mapped-cidr 1
guarded low-ports 0
guarded listening 1
guarded accepting 1
guarded abstract 1
guarded named 1
guarded nobody 0
guarded nobody-tried 1
guarded pair 1
guarded no-pair 0

# Failures of files and programs.
cat >"$work/attempts.yaml" <<'YAML'
version: 1
guards:
  - {name: done, file: {read: ["**/cwd/missing"]}, exec: {run: ["**/cwd/missing"]}}
  - {name: tried, judge: attempts, file: {read: ["**/cwd/missing"]}}
  - {name: tried-run, exec: {run: [{program: "**/cwd/missing", judge: attempts}]}}
YAML
watch attempts --policy "$work/attempts.yaml" -- "$python" -c '
import os
try: open("missing")
except OSError: pass
try: os.execv("./missing", ["missing"])
except OSError: pass'
guarded done 0
guarded tried 1
guarded tried-run 1

# Whose a child's acts are.
prepare() { echo hello >data.txt; cp /bin/cat mine; cp /bin/cat own; cp /bin/cat free; cp /bin/cat unsaid; }
cat >"$work/child.yaml" <<'YAML'
version: 1
profiles:
  - name: starter
    match: {script: "**/start.sh"}
    file: {read: ["**/start.sh", "/etc/ld.so.cache"]}
    watch: descendants
    exec:
      load: any
      run:
        - {program: "**/cwd/mine", child: mine}
        - {program: "**/cwd/own", child: own}
        - {program: "**/cwd/free", child: free}
        - {program: "**/cwd/unsaid"}
  - {name: cats, match: {executable: [mine, own, free, unsaid]}, file: {read: ["**/cwd/data.txt", "/etc/ld.so.cache"]}}
YAML
printf '#!/bin/sh\n./"$1" data.txt >/dev/null\n:\n' >"$work/start.sh"
chmod 755 "$work/start.sh"
for child in mine own free unsaid; do
	watch $child --policy "$work/child.yaml" -- "$work/start.sh" $child
	case $child in
	mine | unsaid) expect_deviations 1 start.sh file.read "$cwd/data.txt" ;;
	*) expect_deviations 0 start.sh file.read "$cwd/data.txt" ;;
	esac
	expect_deviations 0 $child file.read "$cwd/data.txt"
done

# A callback goes past a library that only answers for itself.
prepare() { echo hello >data.txt; }
for watch in "" "watch: [anywhere], "; do
	printf 'version: 1\nprofiles: [{name: walker, match: {library: libwalker.so}, %sfile: none}]\n' \
		"$watch" >"$work/anywhere.yaml"
	watch "callback${watch:+-anywhere}" --policy "$work/anywhere.yaml" -- "$subjects/callback_app" data.txt
	expect_deviations "$([ -n "$watch" ] && echo 1 || echo 0)" libwalker.so file.read "$cwd/data.txt"
done

# Distributions by name and version, as their metadata says it.
mkdir -p "$work/site/demo_pkg" "$work/site/Demo_Pkg-1.5rc1.dist-info"
printf 'def act():\n    open("data.txt").close()\n' >"$work/site/demo_pkg/__init__.py"
printf 'Metadata-Version: 2.1\nName: Demo_Pkg\nVersion: 1.5rc1\n' >"$work/site/Demo_Pkg-1.5rc1.dist-info/METADATA"
printf 'demo_pkg/__init__.py,,\nDemo_Pkg-1.5rc1.dist-info/METADATA,,\nDemo_Pkg-1.5rc1.dist-info/RECORD,,\n' \
	>"$work/site/Demo_Pkg-1.5rc1.dist-info/RECORD"
for range in '>=1.4 <1.5rc2' '<1.5' '>1.5rc1'; do
	printf 'version: 1\nprofiles: [{name: demo, match: {python: demo.pkg, version: "%s"}, file: none}]\n' \
		"$range" >"$work/dist.yaml"
	watch "distribution $range" --policy "$work/dist.yaml" -- env PYTHONPATH="$work/site" \
		PYTHONDONTWRITEBYTECODE=1 "$python" -c 'import demo_pkg; demo_pkg.act()'
	case $range in '>=1.4 '*) count=1 ;; *) count=0 ;; esac
	! has_shim || expect_deviations $count demo-pkg file.read "$cwd/data.txt"
done
