#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Python's honest helpers in the name of a script that may do nothing but talk to localhost: imports,
# ctypes' ldconfig, platform's uname, uuid, tempfile's try, multiprocessing's listener and tracker.
. "$(dirname "$0")/../lib/scenario.sh"

need_program python3
cat >"$work/script.yaml" <<'YAML'
version: 1
profiles:
  - name: strict-script
    match: {script: "**/honest.py"}
    reason: what the script is charged with must become visible
    network: {connect: [{to: [localhost]}], bind: [{to: [localhost]}]}
    file: {read: ["**/honest.py"]}
    exec: none
YAML
cat >"$work/honest.py" <<'PY'
import asyncio, ctypes.util, getpass, locale, multiprocessing, os, platform, socket, ssl, tempfile, time, uuid
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import shared_memory

def double(number):
    return number * 2

if __name__ == "__main__":
    ctypes.util.find_library("c")
    platform.processor()
    uuid.getnode(), uuid.uuid1()
    os.path.expanduser("~root"), getpass.getuser()
    locale.setlocale(locale.LC_ALL, "")
    time.localtime()
    ssl.create_default_context()
    tempfile.gettempdir()
    socket.getaddrinfo("localhost", 80)
    asyncio.run(asyncio.sleep(0))
    with multiprocessing.Pool(2) as pool:
        print(pool.map(double, [1, 2]))
    with multiprocessing.Manager() as manager:
        manager.dict()["a"] = 1
    spawned = multiprocessing.get_context("spawn").Process(target=double, args=(1,))
    spawned.start()
    spawned.join()
    shared = shared_memory.SharedMemory(create=True, size=100)
    shared.close()
    shared.unlink()
    with ProcessPoolExecutor(1) as executor:
        print(list(executor.map(double, [3])))
PY
TMPDIR=/tmp
watch honest -p "$root/policies" -p "$work/script.yaml" --any-stderr -- /usr/bin/python3 "$work/honest.py"
expect_no_deviation
expect_event honest.py exec.run 2
expect "it did its work" grep -qx '\[6\]' "$here/out"

# What is no helper is told, from the same interpreter and with the same standard library in between.
cat >"$work/honest.py" <<'PY'
import pathlib, subprocess
subprocess.run(["/sbin/ldconfig", "-C", "/nowhere", "-p"], stderr=subprocess.DEVNULL)
subprocess.run(["true"])
pathlib.Path("/etc/passwd").read_text()
pathlib.Path("/tmp/nine-letters").write_text("x")
pathlib.Path("/tmp/nine-letters").unlink()
PY
watch not-honest -p "$root/policies" -p "$work/script.yaml" --any-stderr -- /usr/bin/python3 "$work/honest.py"
expect_deviation honest.py exec.run '.*/true'
expect_deviation honest.py exec.run '.*/ldconfig'
expect_deviation honest.py file.read /etc/passwd
expect_deviation honest.py file.write /tmp/nine-letters
