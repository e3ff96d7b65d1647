# SPDX-License-Identifier: Apache-2.0
"""A client with one pooled connection. A request that is given up takes its connection with it."""
import select
import socket


class Redis:
    def __init__(self, address, port):
        self.peer, self.connection = (address, port), None

    def get(self, key, patience):
        """The value, or None when it took too long."""
        if not self.connection:
            self.connection = socket.create_connection(self.peer, timeout=5)
        self.connection.sendall(f"GET {key}\r\n".encode())
        if not select.select([self.connection], [], [], patience)[0]:
            self.give_up()
            return None
        return self.connection.recv(100).decode().strip()[1:]

    def give_up(self):
        self.connection.close()
        self.connection = None
