#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's Python packages at their real work, servers and clients, under the shipped profiles: flask,
# requests, urllib3, httpx, aiohttp, and boto3 against storage of our own. Nothing deviates.
. "$(dirname "$0")/../gauntlet/lib.sh"
need_program openssl

"$python" -c 'import flask, requests, urllib3, httpx, aiohttp, boto3' || {
	fail "Debian's Python packages are not installed"
	exit 1
}
certificates "$work/tls"
mkdir -p "$work/app/templates" "$work/app/static"
echo '<p>Hello, {{ name }}: {{ total }}</p>' >"$work/app/templates/hello.html"
echo 'body {}' >"$work/app/static/plain.css"

# A server says its port in a file and ends on SIGTERM; the client's output is the run's.
cat >"$work/drive.sh" <<'SH'
server=$1 client=$2
shift 2
rm -f port
"${PYTHON:-/usr/bin/python3}" "$server" port "$@" >server.out 2>server.err &
pid=$!
for try in $(seq 600); do [ -s port ] && break; kill -0 $pid || break; sleep 0.05; done
[ -s port ] || { cat server.err; exit 1; }
/usr/bin/python3 "$client" "$(cat port)" "$@"
echo "client $?"
kill -TERM $pid
wait $pid
echo "server $?"
SH

cat >"$work/app/served.py" <<'PY'
import os, sqlite3, sys, time
import flask
from werkzeug.serving import make_server

app = flask.Flask(__name__)
base = sqlite3.connect("visits.db", check_same_thread=False)
base.execute("create table if not exists visits (name text)")


@app.route("/hello/<name>")
def hello(name):
    base.execute("insert into visits values (?)", (name,))
    base.commit()
    total = base.execute("select count(*) from visits").fetchone()[0]
    return flask.render_template("hello.html", name=name, total=total)


@app.route("/sum", methods=["POST"])
def added():
    return flask.jsonify(sum=sum(flask.request.get_json()["numbers"]))


@app.route("/upload", methods=["POST"])
def upload():
    file = flask.request.files["file"]
    file.save("uploaded")
    return str(os.path.getsize("uploaded"))


@app.route("/session")
def session():
    flask.session["n"] = flask.session.get("n", 0) + 1
    return str(flask.session["n"])


@app.route("/broken")
def broken():
    raise RuntimeError("broken")


if __name__ == "__main__":
    import signal
    app.secret_key = b"not a secret"
    tls = (sys.argv[2], sys.argv[3]) if len(sys.argv) > 3 else None
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=tls)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with open(sys.argv[1] + ".new", "w") as file:
        file.write(str(server.port))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    server.serve_forever()
PY
cat >"$work/app/requested.py" <<'PY'
import io, sys
import requests

url = ("https://localhost:" if len(sys.argv) > 2 else "http://127.0.0.1:") + sys.argv[1]
with requests.Session() as session:
    session.verify = sys.argv[4] if len(sys.argv) > 2 else True
    for name in ("ada", "grace"):
        print(session.get(f"{url}/hello/{name}", timeout=20).text.strip())
    print(session.post(f"{url}/sum", json={"numbers": [1, 2, 3]}).json())
    print(session.post(f"{url}/upload", files={"file": io.BytesIO(b"x" * 700000)}).text)
    print(session.get(f"{url}/session").text, session.get(f"{url}/session").text)
    print(session.get(f"{url}/static/plain.css").text.strip(), session.get(f"{url}/broken").status_code)
    print(session.get(f"{url}/nowhere").status_code)
PY
quiet flask --any-stderr -- bash "$work/drive.sh" "$work/app/served.py" "$work/app/requested.py"
expect "both ended well" grep -c -x -e 'client 0' -e 'server 0' "$here/out"
quiet flask-tls --any-stderr -- bash "$work/drive.sh" "$work/app/served.py" "$work/app/requested.py" \
	"$work/tls/cert.pem" "$work/tls/key.pem" "$work/tls/ca.pem"
expect "the client ended well" grep -qx 'client 0' "$here/out"

cat >"$work/app/test_client.py" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
import served
client = served.app.test_client()
print(client.get("/hello/test").data, client.post("/sum", json={"numbers": [2, 2]}).json)
PY
quiet flask-test-client --any-stderr -- "$python" "$work/app/test_client.py" "$work/app"
# The command of the package, which imports the application by its name.
cat >"$work/flask_run.sh" <<'SH'
cd "$1" || exit 1
/usr/bin/python3 -m flask --app served routes
SH
quiet flask-routes --any-stderr -- bash "$work/flask_run.sh" "$work/app"
expect "the routes are told" grep -q /hello/ "$here/out"

# --- asynchronous --------------------------------------------------------------------------------
cat >"$work/app/aio_server.py" <<'PY'
import asyncio, os, ssl, sys
from aiohttp import web


async def echo(request):
    if request.path == "/ws":
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data.upper())
        return socket
    return web.json_response({"got": (await request.text())[:20], "method": request.method})


async def note(app):
    with open(sys.argv[1] + ".new", "w") as file:
        file.write(str(app["socket"].getsockname()[1]))
    os.rename(sys.argv[1] + ".new", sys.argv[1])


def main():
    import socket
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", echo)
    app.router.add_static("/static", os.path.join(os.path.dirname(__file__), "static"))
    app["socket"] = socket.create_server(("127.0.0.1", 0))
    app.on_startup.append(note)
    context = None
    if len(sys.argv) > 2:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
    web.run_app(app, sock=app["socket"], ssl_context=context, print=None)


main()
PY
cat >"$work/app/aio_client.py" <<'PY'
import asyncio, ssl, sys
import aiohttp

url = ("https://localhost:" if len(sys.argv) > 2 else "http://127.0.0.1:") + sys.argv[1]


async def one(session, n):
    async with session.post(f"{url}/{n}", data=f"number {n}") as reply:
        return (await reply.json())["got"]


async def main():
    context = ssl.create_default_context(cafile=sys.argv[4]) if len(sys.argv) > 2 else None
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        print(await asyncio.gather(*(one(session, n) for n in range(20))))
        async with session.ws_connect(f"{url}/ws") as ws:
            await ws.send_str("hello")
            print((await ws.receive()).data)


asyncio.run(main())
PY
cat >"$work/app/httpx_client.py" <<'PY'
import asyncio, sys
import httpx, urllib3

secure = len(sys.argv) > 2
url = ("https://localhost:" if secure else "http://127.0.0.1:") + sys.argv[1]
verify = sys.argv[4] if secure else True
with httpx.Client(verify=verify) as client:
    print(client.get(url + "/a").json(), client.put(url + "/b", content=b"body").json())


async def main():
    async with httpx.AsyncClient(verify=verify) as client:
        replies = await asyncio.gather(*(client.get(f"{url}/{n}") for n in range(10)))
        print([reply.status_code for reply in replies])


asyncio.run(main())
pool = urllib3.PoolManager(ca_certs=sys.argv[4]) if secure else urllib3.PoolManager()
print(pool.request("GET", url + "/c", retries=urllib3.Retry(2)).status)
PY
for client in aio_client httpx_client; do
	quiet "$client" --any-stderr -- bash "$work/drive.sh" "$work/app/aio_server.py" "$work/app/$client.py"
	expect "both ended well" grep -qx 'client 0' "$here/out"
	expect "the server ended well" grep -qx 'server 0' "$here/out"
	quiet "$client-tls" --any-stderr -- bash "$work/drive.sh" "$work/app/aio_server.py" \
		"$work/app/$client.py" "$work/tls/cert.pem" "$work/tls/key.pem" "$work/tls/ca.pem"
	expect "the client ended well" grep -qx 'client 0' "$here/out"
done

# --- storage -------------------------------------------------------------------------------------
cat >"$work/app/storage.py" <<'PY'
"""As much of S3 as boto3's upload, download and list ask for."""
import http.server, os, signal, sys
from urllib.parse import urlsplit

objects = {}


class Storage(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, body=b"", kind="application/xml", head=False):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"0"')
        self.send_header("Last-Modified", "Mon, 02 Jan 2023 00:00:00 GMT")
        self.end_headers()
        if not head:
            self.wfile.write(body)

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def do_PUT(self):
        if self.headers.get("Expect", "").lower() == "100-continue":
            pass  # handled by parse_request
        objects[urlsplit(self.path).path] = self.body()
        self.answer(200)

    def do_HEAD(self):
        found = objects.get(urlsplit(self.path).path)
        self.answer(200 if found is not None else 404, found or b"", "binary/octet-stream", head=True)

    def do_GET(self):
        path = urlsplit(self.path).path
        if path.count("/") == 1:
            keys = "".join(f"<Contents><Key>{name.split('/', 2)[2]}</Key><Size>{len(data)}</Size></Contents>"
                           for name, data in sorted(objects.items()) if name.count("/") > 1)
            return self.answer(200, f"<ListBucketResult><Name>bucket</Name>{keys}</ListBucketResult>".encode())
        found = objects.get(path)
        self.answer(200 if found is not None else 404, found or b"<Error><Code>NoSuchKey</Code></Error>",
                    "binary/octet-stream")

    def do_DELETE(self):
        objects.pop(urlsplit(self.path).path, None)
        self.answer(204)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Storage)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(server.server_address[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
PY
cat >"$work/app/boto.py" <<'PY'
import os, sys
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{sys.argv[1]}",
                      config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}))
with open("data", "wb") as file:
    file.write(b"0123456789" * 1000)
client.create_bucket(Bucket="bucket")
client.put_object(Bucket="bucket", Key="small", Body=b"text")
client.upload_file("data", "bucket", "large")
client.download_file("bucket", "large", "back")
print(os.path.getsize("back"), client.get_object(Bucket="bucket", Key="small")["Body"].read())
print([entry["Key"] for entry in client.list_objects_v2(Bucket="bucket")["Contents"]])
print(client.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "small"}).split("?")[0][-13:])
client.delete_object(Bucket="bucket", Key="small")
try:
    client.get_object(Bucket="bucket", Key="small")
except ClientError as error:
    print(error.response["Error"]["Code"])
session = boto3.Session(profile_name="other")
print(session.client("s3").meta.region_name, session.get_credentials().access_key)
PY
prepare()
{
	mkdir -p "$work/home/.aws"
	printf '[default]\naws_access_key_id = DUMMY\naws_secret_access_key = DUMMY\n[other]\naws_access_key_id = OTHER\naws_secret_access_key = DUMMY\n' >"$work/home/.aws/credentials"
	printf '[default]\nregion = us-east-1\n[profile other]\nregion = eu-west-1\n' >"$work/home/.aws/config"
}
quiet boto-files --any-stderr -- bash "$work/drive.sh" "$work/app/storage.py" "$work/app/boto.py"
expect "the client ended well" grep -qx 'client 0' "$here/out"
quiet boto-variables --any-stderr -- env AWS_ACCESS_KEY_ID=DUMMY AWS_SECRET_ACCESS_KEY=DUMMY \
	AWS_DEFAULT_REGION=us-east-1 bash "$work/drive.sh" "$work/app/storage.py" "$work/app/boto.py"
expect "the client ended well" grep -qx 'client 0' "$here/out"
