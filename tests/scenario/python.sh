#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# python3 opening files and sockets and starting a program, under the shipped policies.
. "$(dirname "$0")/../lib/scenario.sh"

port=$(free_port)
serve hello 127.0.0.1 "$port"
prepare() { echo hello >data.txt; }
cat >"$work/job.py" <<'PY'
import json, os, socket, sqlite3, ssl, subprocess, sys, tempfile, threading, zlib
print(open("data.txt").read().strip())
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as peer:
    print(peer.recv(100))
print(subprocess.run(["echo", "from a child"], capture_output=True, text=True).stdout)
with tempfile.TemporaryDirectory() as directory:
    with open(os.path.join(directory, "x.json"), "w") as file:
        json.dump({"n": 1}, file)
    base = sqlite3.connect(os.path.join(directory, "x.db"))
    base.execute("create table t (n)")
    base.execute("insert into t values (?)", (len(zlib.compress(b"x" * 1000)),))
    base.commit()
    print(base.execute("select count(*) from t").fetchone())
    base.close()
ssl.create_default_context()
threads = [threading.Thread(target=lambda: open("data.txt").close()) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(socket.gethostbyname("localhost"), os.path.expanduser("~") == os.environ["HOME"])
sys.exit(3)
PY

watch job --status 3 -- "$python" "$work/job.py" "$port"
expect_no_deviation
if can_tell python; then
	expect_verdict clean
else
	expect_verdict unknown
	expect_said 'Python code ran whose frames were not told'
fi
expect_event job.py file.read 9
expect_event job.py net.connect
expect_event job.py exec.run
expect_covered
