"""Somebody between client and PostgreSQL, with a certificate that the client trusts.

    python3 tls_intercept.py UPSTREAM_PORT CERTIFICATE KEY

It listens on a free port of 127.0.0.1, which it prints, ends the client's TLS with its own
certificate, makes TLS of its own with the server, and passes on what it reads. Nothing but channel
binding can tell that it is there.
"""

import select
import socket
import ssl
import sys
import threading

UPSTREAM, CERTIFICATE, KEY = int(sys.argv[1]), sys.argv[2], sys.argv[3]
SSL_REQUEST = bytes.fromhex("0000000804d2162f")

towards_client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
towards_client.load_cert_chain(CERTIFICATE, KEY)
towards_server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
towards_server.check_hostname = False
towards_server.verify_mode = ssl.CERT_NONE


def received(source):
    """What is there to read; `None` if it is nothing for us, such as a session ticket."""
    source.setblocking(False)
    try:
        return source.recv(65536)
    except ssl.SSLWantReadError:
        return None
    finally:
        source.setblocking(True)


def pass_on(client, server):
    """Both ways in one thread: a TLS connection can't be read and written in two at once."""
    other = {client: server, server: client}
    try:
        while True:
            ready = [end for end in other if end.pending()] or select.select(list(other), [], [])[0]
            for source in ready:
                data = received(source)
                if data == b"":
                    return
                if data:
                    other[source].sendall(data)
    except OSError:
        pass
    finally:
        for end in other:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def intercept(client):
    try:
        if client.recv(8, socket.MSG_WAITALL) != SSL_REQUEST:
            return
        client.sendall(b"S")
        client = towards_client.wrap_socket(client, server_side=True)
        server = socket.create_connection(("127.0.0.1", UPSTREAM), timeout=20)
        server.sendall(SSL_REQUEST)
        if server.recv(1) != b"S":
            return
        server = towards_server.wrap_socket(server)
    except OSError:
        return
    pass_on(client, server)


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=intercept, args=(accepted,), daemon=True).start()
