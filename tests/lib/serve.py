# SPDX-License-Identifier: Apache-2.0
"""Small servers for scenarios; each says "ready" in the file READY once it can be talked to.

serve.py READY http ADDRESS PORT DIRECTORY     files of a directory, over HTTP
serve.py READY hello ADDRESS PORT              says "hello" to every connection
serve.py READY dns ADDRESS PORT NAME=IPV4...   answers A queries for the names, nothing for others
"""
import functools
import http.server
import socket
import struct
import sys


def ready():
    with open(sys.argv[1], "w", encoding="ascii") as file:
        file.write("ready\n")


def serve_http(address, port, directory):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=directory)
    handler.func.log_message = lambda *arguments: None
    server = http.server.ThreadingHTTPServer((address, int(port)), handler)
    ready()
    server.serve_forever()


def serve_hello(address, port):
    server = socket.create_server((address, int(port)))
    ready()
    while True:
        peer, _ = server.accept()
        peer.sendall(b"hello")
        peer.close()


def dns_answer(query, names):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += query[at] + 1
    kind = struct.unpack(">H", query[at + 1:at + 3])[0]
    question = query[12:at + 5]
    name = ".".join(labels).lower()
    answer = b""
    if kind == 1 and name in names:
        answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(names[name])
    code = 0x8180 if name in names else 0x8183
    return query[:2] + struct.pack(">HHHHH", code, 1, 1 if answer else 0, 0, 0) + question + answer


def serve_dns(address, port, *pairs):
    names = dict(pair.split("=") for pair in pairs)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, int(port)))
    ready()
    while True:
        query, peer = server.recvfrom(2048)
        try:
            server.sendto(dns_answer(query, names), peer)
        except (IndexError, struct.error, UnicodeDecodeError):
            pass


if __name__ == "__main__":
    {"http": serve_http, "hello": serve_hello, "dns": serve_dns}[sys.argv[2]](*sys.argv[3:])
