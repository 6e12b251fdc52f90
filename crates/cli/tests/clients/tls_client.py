"""Asks a server for TLS as PostgreSQL's clients do, with the OpenSSL of Python's cryptography, and
prints the group of the key exchange. The argument is the port."""

import socket
import struct
import sys

from OpenSSL import SSL

with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as server:
    server.sendall(struct.pack("!II", 8, 80877103))
    assert server.recv(1) == b"S"
    session = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), server)
    session.set_connect_state()
    session.do_handshake()
    print(session.get_group_name())
