"""Talk to a server byte by byte, as no decent client would."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

BODY = b'{"query":"{__typename}"}'
HEAD = b"POST /graphql HTTP/1.1\r\nhost: hub\r\ncontent-type: application/json\r\n"
WHOLE = HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY


@contextmanager
def connected(url: str, seconds: float = 30) -> Iterator[socket.socket]:
    """Open a connection."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=seconds) as connection:
        yield connection


def answer_of(connection: socket.socket) -> bytes:
    """Read one answer, to the end that its head names; less where the connection ends before."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = _read(connection)
        if not more:
            return data
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    while len(rest) < int(fields.get(b"content-length", 0)):
        more = _read(connection)
        if not more:
            break
        rest += more
    return head + b"\r\n\r\n" + rest


def ended(connection: socket.socket) -> bool:
    """Wait for the other side to close."""
    while _read(connection):
        pass
    return True


def _read(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""
