# SPDX-License-Identifier: Apache-2.0
# Real programs that do the same twice, with names that change: for what compares captures.

# acts_write: act.py and commit.sh in $work.
acts_write()
{
	cat >"$work/act.py" <<'PY'
import http.server, os, shutil, sqlite3, subprocess, tempfile, threading, urllib.request
tempfile.tempdir = os.environ["TMPDIR"] # or it tries names of eight letters, which prove nothing
d = tempfile.mkdtemp()
with sqlite3.connect(d + "/x.db") as db:
    db.execute("create table t(a)")
h = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=h.serve_forever, daemon=True).start()
urllib.request.urlopen("http://localhost:%d/" % h.server_address[1]).read()
subprocess.run(["git", "--version"], stdout=subprocess.DEVNULL)
open("/tmp/act-%d.pid" % os.getpid(), "w").close()
os.unlink("/tmp/act-%d.pid" % os.getpid())
shutil.rmtree(d)
PY
	cat >"$work/commit.sh" <<'SH'
git init -q . && echo "$$" >file && git add file
git -c user.name=a -c user.email=a@b commit -q -m x && git log >/dev/null && git gc -q
SH
}

# acts_record N: one run of each into the logs curlN, pythonN, gitN, with the caller's `record`.
acts_record()
{
	record "curl$1" curl -s -o out "file://$work/act.py"
	record "python$1" "$python" "$work/act.py"
	record "git$1" sh "$work/commit.sh"
}
