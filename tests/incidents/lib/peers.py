# SPDX-License-Identifier: Apache-2.0
"""The peers of every incident, on loopback: one address per role, one TCP port for all of them.

peers.py READY DIRECTORY    writes "TCP_PORT DNS_PORT REDIS_PORT" to READY once all can be talked to

vendor 127.0.0.10, cdn 127.0.0.11 and rogue 127.0.0.66 speak HTTP: GET hands out the files of
DIRECTORY/ROLE (an empty answer for others), POST and PUT take what comes and keep a line about it in
DIRECTORY/received. The rogue's name server 127.0.0.67 answers every A query with 127.0.0.66, but
names below vendor.test with 127.0.0.10. The data base 127.0.0.12, at one of redis' usual ports, answers
every line "GET key" after 50 ms with the key. Ends after two minutes, or with its parent.
"""
import http.server
import os
import socket
import struct
import sys
import threading
import time

ROLES = {"vendor": "127.0.0.10", "cdn": "127.0.0.11", "rogue": "127.0.0.66"}
DNS = "127.0.0.67"
REDIS = "127.0.0.12"
LIFETIME_S = 120


class Peer(http.server.BaseHTTPRequestHandler):
    timeout = 5

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        name = os.path.basename(self.path.split("?")[0])
        try:
            with open(os.path.join(sys.argv[2], self.server.role, name), "rb") as file:
                body = file.read()
        except OSError:
            body = b""
        self.note("GET", 0)
        self.answer(body)

    def do_POST(self):
        length = min(int(self.headers.get("Content-Length") or 0), 1 << 20)
        self.rfile.read(length)
        self.note(self.command, length)
        self.answer(b"accepted")

    do_PUT = do_POST

    def note(self, method, length):
        with open(os.path.join(sys.argv[2], "received"), "a", encoding="ascii") as file:
            file.write(f"{self.server.role} {method} {length}\n")

    def log_message(self, *arguments):
        pass


def listen(port):
    """All roles on one port; OSError when one of them has it not free."""
    servers = []
    try:
        for role, address in ROLES.items():
            server = http.server.ThreadingHTTPServer((address, port), Peer)
            server.role = role
            servers.append(server)
            port = server.server_address[1]
    except OSError:
        for server in servers:
            server.server_close()
        raise
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    return port


def serve_dns(server):
    while True:
        query, peer = server.recvfrom(2048)
        try:
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].lower())
                at += query[at] + 1
            address = ROLES["vendor" if labels[-2:] == [b"vendor", b"test"] else "rogue"]
            answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(address)
            server.sendto(query[:2] + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0)
                          + query[12:at + 5] + answer, peer)
        except IndexError:
            pass


def serve_redis(server):
    def one(peer):
        with peer, peer.makefile("rw", encoding="ascii", newline="\r\n") as lines:
            for line in lines:
                time.sleep(0.05)
                lines.write(f"+{line.split()[-1]}\r\n")
                lines.flush()

    while True:
        peer, _ = server.accept()
        threading.Thread(target=one, args=(peer,), daemon=True).start()


def listen_redis():
    for port in range(6379, 6400):
        try:
            return socket.create_server((REDIS, port)), port
        except OSError:
            pass
    raise OSError("no port of redis is free")


def main():
    parent = os.getppid()
    for attempt in range(20):
        try:
            port = listen(0)
            break
        except OSError:
            if attempt == 19:
                raise
    dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    dns.bind((DNS, 0))
    threading.Thread(target=serve_dns, args=(dns,), daemon=True).start()
    redis, redis_port = listen_redis()
    threading.Thread(target=serve_redis, args=(redis,), daemon=True).start()
    with open(sys.argv[1] + ".new", "w", encoding="ascii") as file:
        file.write(f"{port} {dns.getsockname()[1]} {redis_port}\n")
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    end = time.monotonic() + LIFETIME_S
    while time.monotonic() < end and os.getppid() == parent:
        time.sleep(0.2)


main()
