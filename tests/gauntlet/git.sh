#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# git: clone, fetch and push over files, over http and over ssh to this machine.
. "$(dirname "$0")/lib.sh"

need_program git curl
port=$(free_port)
prepare()
{
	export GIT_AUTHOR_DATE=2024-01-01T00:00:00Z GIT_COMMITTER_DATE=2024-01-01T00:00:00Z
	git config --global user.name Tester
	git config --global user.email tester@example.org
	git config --global init.defaultBranch main
	git config --global --add safe.directory '*'
	git init -q --bare hub.git
	git -C hub.git config http.receivepack true
	git init -q seed
	for number in 1 2 3; do
		seq "$number" 200 >seed/file$number
		git -C seed add . && git -C seed commit -q -m "commit $number"
	done
	git -C seed push -q "$PWD/hub.git" main
	chmod -R a+rwX hub.git # python's CGI server turns into nobody
}
cat >"$work/round.sh" <<'SH'
set -e
export GIT_AUTHOR_DATE=2024-01-02T00:00:00Z GIT_COMMITTER_DATE=2024-01-02T00:00:00Z
rm -rf work other
git clone -q "$1" work
git clone -q "$1" other
cd work
git checkout -q -b topic
echo more >>file1
git commit -q -a -m more
git rebase -q main
git checkout -q main
git merge -q --no-ff -m merged topic
git push -q origin main
cd ../other
git fetch -q
git merge -q --ff-only origin/main
git log --format='%h %s' | head -3
git stash list
git archive HEAD | tar t | sort
git blame -s file1 | tail -1
git gc -q
git fsck
SH
quiet files --any-stderr -- bash "$work/round.sh" ./hub.git
quiet file-url --any-stderr -- bash "$work/round.sh" "file://$cwd/hub.git"

cat >"$work/backend.py" <<'PY'
import http.server, os, sys
class Handler(http.server.CGIHTTPRequestHandler):
    cgi_directories = ["/git"]
    def log_message(self, *args): pass
    def is_cgi(self):
        self.cgi_info = "/", "git-http-backend" + self.path
        return True
    def translate_path(self, path): return "/usr/lib/git-core/git-http-backend"
os.environ.update(GIT_PROJECT_ROOT=sys.argv[2], GIT_HTTP_EXPORT_ALL="1", REMOTE_USER="tester")
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
PY
fresh
(cd "$work" && exec "$python" "$work/backend.py" "$port" "$cwd") </dev/null >/dev/null 2>"$work/backend.err" &
background+=($!)
wait_until 10 bash -c "</dev/tcp/127.0.0.1/$port"
if curl -sf "http://127.0.0.1:$port/hub.git/info/refs?service=git-upload-pack" -o /dev/null; then
	quiet http --any-stderr -- bash "$work/round.sh" "http://127.0.0.1:$port/hub.git"
else
	fail "git's http server does not answer" - <"$work/backend.err"
fi

# To ourselves, with keys made here and a server of our own.
if [ -x /usr/sbin/sshd ] && [ "$(id -u)" = 0 ]; then
	ssh_port=$(free_port)
	mkdir -p "$work/ssh" /run/sshd
	ssh-keygen -q -t ed25519 -N '' -f "$work/ssh/host"
	ssh-keygen -q -t ed25519 -N '' -f "$work/ssh/user"
	cp "$work/ssh/user.pub" "$work/ssh/authorized"
	printf '%s\n' "ListenAddress 127.0.0.1:$ssh_port" "HostKey $work/ssh/host" "PidFile none" \
		"AuthorizedKeysFile $work/ssh/authorized" "StrictModes no" "UsePAM no" \
		"PermitRootLogin yes" >"$work/ssh/config"
	/usr/sbin/sshd -D -f "$work/ssh/config" -E "$work/ssh/log" </dev/null &
	background+=($!)
	wait_until 10 bash -c "</dev/tcp/127.0.0.1/$ssh_port"
	cat >"$work/ssh/round.sh" <<SH
export GIT_SSH_COMMAND="ssh -p $ssh_port -i $work/ssh/user -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=$work/ssh/known -o LogLevel=ERROR"
exec bash "$work/round.sh" "root@127.0.0.1:$cwd/hub.git"
SH
	quiet ssh --any-stderr -- bash "$work/ssh/round.sh"
fi
