"""JSON from an address that somebody else chose: keys of clients, what a provider tells of itself.

Fetching is a door to the inside of the network, so it is narrow: https, no redirects, public addresses only, and the
connection goes to the very address that was checked, so that a name cannot change its meaning in between (DNS
rebinding). 64 KiB, and three seconds for all of it, from asking for the name's address to the last byte.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit

from connectors.egress import public
from hub.auth.errors import KeyRefused
from hub.auth.jose import Json, Malformed, loads

BYTES_MAX: Final = 64 * 1024
SECONDS_MAX: Final = 3.0
LOOKUPS_MAX: Final = 8
"""Names looked up at once. One that hangs holds its thread until the system gives it up."""
_HTTPS: Final = 443
_OK: Final = 200
_LEAST_SECONDS: Final = 0.001

Resolve = Callable[[str, int], list[str]]
Connect = Callable[[tuple[str, int], float], socket.socket]
Trust = Callable[[], ssl.SSLContext]


class Fetcher:
    """Goes out and brings JSON back. Threads share it."""

    def __init__(
        self,
        *,
        loopback: bool = False,
        seconds: float = SECONDS_MAX,
        resolve: Resolve | None = None,
        connect: Connect | None = None,
        trust: Trust = ssl.create_default_context,
    ) -> None:
        """Take how the world is reached.

        Args:
            loopback: whether to go to this machine too, by http.
            seconds: longest time one fetch may take.
            resolve: gives the addresses of a name; may hang.
            connect: opens a connection to an address within some seconds.
            trust: gives whose certificates are believed.
        """
        self._loopback: Final = loopback
        self._seconds: Final = seconds
        self._resolve: Final = resolve or _resolved
        self._connect: Final = connect or _connected
        self._trust: Final = trust
        self._places: Final = threading.BoundedSemaphore(LOOKUPS_MAX)

    def fetch(self, url: str, form: Mapping[str, str] | None = None) -> Json:
        """Fetch a JSON object.

        Args:
            url: where it is.
            form: what to send there; where there is none, nothing is sent.

        Raises:
            KeyRefused: the address is not one to go to, or what comes from there is no JSON object.
        """
        deadline = time.monotonic() + self._seconds
        sent = None if form is None else urlencode(form).encode()
        try:
            parts = urlsplit(url)
            local = self._loopback and parts.scheme == "http"
            if (parts.scheme != "https" and not local) or parts.username is not None or not parts.hostname:
                raise KeyRefused("because its address is not https")
            port = parts.port or (80 if local else _HTTPS)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            address = self._checked(parts.hostname, port, deadline, local=local)
            with self._connect((address, port), _left(deadline)) as plain:
                return self._got(plain, _Ask(parts.hostname, parts.netloc, path, sent), deadline, secure=not local)
        except (OSError, http.client.HTTPException, ValueError, Malformed) as error:
            raise KeyRefused("as it cannot be fetched") from error

    def _checked(self, host: str, port: int, deadline: float, *, local: bool) -> str:
        """Resolve a name once, and give the one address to go to. One bad address among several spoils them all."""
        addresses = self._looked_up(host, port, deadline)
        for text in addresses:
            address = ipaddress.ip_address(text)
            if not (address.is_loopback if local else public(address)):
                raise KeyRefused("because its address is not public")
        if not addresses:
            raise KeyRefused("as its name has no address")
        return addresses[0]

    def _looked_up(self, host: str, port: int, deadline: float) -> list[str]:
        """Look a name up beside this thread: the system's resolver knows no deadline, and may hang for a minute.

        Raises:
            TimeoutError: it took too long, or too many names are being looked up.
        """
        if not self._places.acquire(timeout=_left(deadline)):
            raise TimeoutError
        found: Future[list[str]] = Future()

        def look() -> None:
            try:
                addresses = self._resolve(host, port)
            except Exception as error:  # noqa: BLE001  # handed over to who waits
                found.set_exception(error)
            else:
                found.set_result(addresses)
            finally:
                self._places.release()

        threading.Thread(target=look, daemon=True, name="look-up").start()
        return found.result(timeout=_left(deadline))

    def _got(self, plain: socket.socket, ask: "_Ask", deadline: float, *, secure: bool) -> Json:
        """Ask over a connection that stands, and read no more than may be."""
        wire = plain
        if secure:
            wire = self._trust().wrap_socket(plain, server_hostname=ask.host, do_handshake_on_connect=False)
        with wire, _hurried(wire, _left(deadline)):
            if isinstance(wire, ssl.SSLSocket):
                wire.do_handshake()
            return loads(_body(wire, ask))


def _resolved(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _connected(address: tuple[str, int], seconds: float) -> socket.socket:
    return socket.create_connection(address, timeout=seconds)


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), _LEAST_SECONDS)


@contextmanager
def _hurried(wire: socket.socket, seconds: float) -> Iterator[None]:
    """End a connection when its time is over: the timeout of a socket starts anew with every byte that comes."""

    def end() -> None:
        with suppress(OSError):
            socket.socket.shutdown(wire, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        yield
        if not timer.is_alive():
            raise KeyRefused("as it comes too slowly")
    finally:
        timer.cancel()


@dataclass(frozen=True, slots=True)
class _Ask:
    """What is asked of a host."""

    host: str
    netloc: str
    path: str
    sent: bytes | None


def _body(wire: socket.socket, ask: _Ask) -> bytes:
    connection = http.client.HTTPConnection(ask.host)
    connection.sock = wire
    method = "GET" if ask.sent is None else "POST"
    connection.putrequest(method, ask.path, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", ask.netloc)
    connection.putheader("Accept", "application/jwk-set+json, application/json")
    connection.putheader("Connection", "close")
    if ask.sent is not None:
        connection.putheader("Content-Type", "application/x-www-form-urlencoded")
        connection.putheader("Content-Length", str(len(ask.sent)))
    connection.endheaders(ask.sent)
    body = b""
    # An answer that is left half read would hold the connection open.
    with connection.getresponse() as answer:
        if answer.status != _OK:
            raise KeyRefused("as its address does not answer 200")
        while chunk := answer.read1(BYTES_MAX + 1 - len(body)):
            body += chunk
            if len(body) > BYTES_MAX:
                raise KeyRefused("as it is too large")
    return body
