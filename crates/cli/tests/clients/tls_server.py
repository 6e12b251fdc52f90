"""A server that speaks PostgreSQL's first packets, and TLS with the OpenSSL of Python's
cryptography: newer than any engine's, with ML-KEM, sessions to take up again, and a certificate of
each kind of key.

Arguments: `tickets` or `ids`, then files with a chain and its key each. The first line of the
output is the port and OpenSSL's version; it ends with its input.
"""

import socket
import struct
import sys
import threading

from OpenSSL import SSL

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
SASL = b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"


def message(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body


def take(stream, count):
    taken = b""
    while len(taken) < count:
        more = stream.recv(count - len(taken))
        if not more:
            raise EOFError
        taken += more
    return taken


def serve(client, context):
    try:
        with client:
            while True:
                length, code = struct.unpack("!II", take(client, 8))
                if code == GSS_REQUEST:
                    client.sendall(b"N")
                elif code == SSL_REQUEST:
                    client.sendall(b"S")
                    break
                else:
                    words = b"SFATAL\0VFATAL\0C28000\0Mno pg_hba.conf entry, no encryption\0\0"
                    client.sendall(message(b"E", words))
                    return
            inside = SSL.Connection(context, client)
            inside.set_accept_state()
            inside.do_handshake()
            try:
                length, version = struct.unpack("!II", take(inside, 8))
                take(inside, length - 8)
                inside.sendall(message(b"R", struct.pack("!I", 10) + SASL))
                inside.recv(1)
            finally:
                # OpenSSL forgets a session that came to no end.
                inside.set_shutdown(SSL.SENT_SHUTDOWN | SSL.RECEIVED_SHUTDOWN)
    # Scanners leave in every way.
    except (SSL.Error, OSError, EOFError, struct.error):
        pass


context = SSL.Context(SSL.TLS_SERVER_METHOD)
context.set_session_id(b"pgkeep")
# Clients that leave without a farewell can take their sessions up again.
context.set_options(SSL.OP_IGNORE_UNEXPECTED_EOF)
if sys.argv[1] == "ids":
    context.set_options(SSL.OP_NO_TICKET)
for file in sys.argv[2:]:
    context.use_certificate_chain_file(file)
    context.use_privatekey_file(file)
listener = socket.create_server(("127.0.0.1", 0), backlog=128)


def accept():
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, context), daemon=True).start()


threading.Thread(target=accept, daemon=True).start()
version = SSL.OpenSSL_version(SSL.OPENSSL_VERSION).decode().split()[1]
print(listener.getsockname()[1], version, flush=True)
sys.stdin.read()
