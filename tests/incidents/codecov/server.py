# SPDX-License-Identifier: Apache-2.0
"""The two peers of the Codecov scenario, on loopback: the vendor and the rogue.

server.py READY RECEIVED    writes "VENDOR_PORT ROGUE_PORT" to READY once both can be talked to,
                            and a line "ROLE BYTES" to RECEIVED for each upload

Takes 18201 and 18202, or free ports when those are taken. Ends with its parent, or after ten minutes (a loaded machine takes its time).
"""
import http.server
import os
import sys
import threading
import time

PEERS = (("vendor", "127.0.0.10", 18201), ("rogue", "127.0.0.66", 18202))
LIFETIME_S = 600


class Upload(http.server.BaseHTTPRequestHandler):
    timeout = 5

    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 1 << 20))
        is_upload = self.path.split("?")[0] == "/upload/v2"
        if is_upload:
            with open(sys.argv[2], "a", encoding="ascii") as file:
                file.write(f"{self.server.role} {len(body)}\n")
        answer = b"accepted" if is_upload else b""
        self.send_response(200 if is_upload else 404)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_GET(self):
        """The vendor gives its script out, as it was (healthy) or as it became (compromised)."""
        twin = self.path.strip("/")
        known = self.server.role == "vendor" and twin in ("healthy", "compromised")
        answer = b""
        if known:
            path = os.path.join(os.path.dirname(os.path.abspath(__file__)), twin, "codecov")
            with open(path, "rb") as file:
                answer = file.read()
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


def listen(role, address, port):
    try:
        server = http.server.ThreadingHTTPServer((address, port), Upload)
    except OSError:
        server = http.server.ThreadingHTTPServer((address, 0), Upload)
    server.role = role
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def main():
    parent = os.getppid()
    ports = [listen(*peer) for peer in PEERS]
    with open(sys.argv[1] + ".new", "w", encoding="ascii") as file:
        file.write(f"{ports[0]} {ports[1]}\n")
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    end = time.monotonic() + LIFETIME_S
    while time.monotonic() < end and os.getppid() == parent:
        time.sleep(0.2)


main()
