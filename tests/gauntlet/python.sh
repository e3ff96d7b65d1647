#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# python3: requests, redis, sqlite3, ssl, subprocess, multiprocessing, asyncio, pools.
. "$(dirname "$0")/lib.sh"

need_program python3 redis-server openssl
certificates "$work/tls"
port=$(free_port) tls=$(free_port) redis_port=$(free_port)
serve hello 127.0.0.1 "$port"
mkdir "$work/www"; echo '{"answer": 42}' >"$work/www/a.json"
http=$(free_port)
serve http 127.0.0.1 "$http" "$work/www"
(cd "$work/www" && exec openssl s_server -quiet -accept "127.0.0.1:$tls" -cert "$work/tls/cert.pem" \
	-key "$work/tls/key.pem" -WWW) </dev/null >/dev/null 2>&1 &
background+=($!)
start redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --logfile "$work/redis.log"
wait_until 10 bash -c "</dev/tcp/127.0.0.1/$redis_port && </dev/tcp/127.0.0.1/$tls"

# Frames are what the shim reads, in the process.
frames='Python code ran whose frames were not told: .*no shim is in it'
cat >"$work/requests_job.py" <<'PY'
import sys, requests
with requests.Session() as session:
    for _ in range(3):
        print(session.get(f"http://127.0.0.1:{sys.argv[1]}/a.json", timeout=5).json())
print(requests.get(f"https://localhost:{sys.argv[2]}/a.json", verify=sys.argv[3], timeout=5).status_code)
try:
    requests.get("http://127.0.0.1:1/", timeout=5)
except requests.ConnectionError:
    print("refused")
PY
not_told kernel "$frames"
quiet requests --any-stderr -- "$python" "$work/requests_job.py" "$http" "$tls" "$work/tls/ca.pem"

cat >"$work/redis_job.py" <<'PY'
import asyncio, sys, threading, redis, redis.asyncio
port = int(sys.argv[1])
client = redis.Redis(port=port)
client.set("a", 1)
print(client.incr("a"), client.pipeline().incr("a").incr("a").execute())
threads = [threading.Thread(target=lambda: client.incr("t")) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(client.getdel("t"))
async def main():
    other = redis.asyncio.Redis(port=port)
    print(sorted(await asyncio.gather(*(other.incr("n") for _ in range(50))))[-1])
    await other.delete("n", "a")
    await other.close()
asyncio.run(main())
PY
not_told kernel "$frames"
quiet redis --any-stderr -- "$python" "$work/redis_job.py" "$redis_port"

cat >"$work/many_job.py" <<'PY'
import concurrent.futures, multiprocessing, os, sqlite3, ssl, subprocess, sys, tempfile, urllib.request, zipfile, uuid, platform, logging, getpass, locale
def square(n): return n * n
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool: print(pool.map(square, range(5)))
    with concurrent.futures.ThreadPoolExecutor(4) as pool: print(list(pool.map(square, range(5))))
    with concurrent.futures.ProcessPoolExecutor(2) as pool: print(list(pool.map(square, range(3))))
    base = sqlite3.connect("x.db"); base.execute("create table t (n)")
    base.executemany("insert into t values (?)", ((n,) for n in range(100))); base.commit()
    print(base.execute("select sum(n) from t").fetchone())
    print(subprocess.run("echo shell | tr a-z A-Z", shell=True, capture_output=True, text=True).stdout.strip())
    print(subprocess.check_output([sys.executable, "-c", "print('child')"]).decode().strip())
    context = ssl.create_default_context(cafile=sys.argv[2])
    print(urllib.request.urlopen(f"https://localhost:{sys.argv[1]}/a.json", context=context).read())
    with tempfile.TemporaryDirectory() as directory:
        with zipfile.ZipFile(os.path.join(directory, "z.zip"), "w") as archive: archive.writestr("a", "b" * 1000)
    print(platform.processor() is not None, getpass.getuser() != "", locale.getlocale() is not None)
    logging.basicConfig(filename="app.log"); logging.warning("hello")
    print(os.popen("echo popen").read().strip())
PY
not_told kernel "$frames"
quiet many --any-stderr -- "$python" "$work/many_job.py" "$tls" "$work/tls/ca.pem"

# It asks ldconfig, which is static: without the kernel's side that is a hole.
not_told shim 'a process ran without the shim: /.*ldconfig'
not_told kernel "$frames"
quiet ldconfig -- "$python" -c 'import ctypes.util; print(ctypes.util.find_library("c"))'
expect "it was found" grep -q libc.so "$here/out"
