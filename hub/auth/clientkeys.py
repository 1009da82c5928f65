"""Keys of clients: pasted, or fetched from where the client publishes them.

Fetching is a door to the inside of the network, so it is narrow: https, no redirects, public addresses only, and the
connection goes to the very address that was checked, so that a name cannot change its meaning in between (DNS
rebinding). 64 KiB, 20 keys, kept 20 minutes, and for a key that is not among them one more look a minute.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from hub.auth.clients import Client
from hub.auth.errors import KeyRefused
from hub.auth.jose import Key, Malformed, fits, loads, public_key

BYTES_MAX: Final = 64 * 1024
KEYS_MAX: Final = 20
KEEP_SECONDS: Final = 20 * 60.0
AGAIN_SECONDS: Final = 60.0
TIMEOUT_SECONDS: Final = 3.0
_HTTPS: Final = 443
_OK: Final = 200
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_V4_BITS: Final = 0xFFFFFFFF

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Keys = Mapping[str | None, Key]
"""By key id; a set of one key without an id holds it under None."""


@dataclass(slots=True)
class _Fetched:
    keys: Keys
    until: float
    again_at: float


class ClientKeys:
    """Finds the key that checks a client's signature. Threads share it."""

    def __init__(self, *, loopback: bool = False, resolve: Callable[[str, int], list[str]] | None = None) -> None:
        """Take whether keys may come from this machine by http, and how names are resolved."""
        self._loopback: Final = loopback
        self._resolve: Final = resolve or _resolved
        self._fetched: dict[str, _Fetched] = {}
        self._gates: dict[str, threading.Lock] = {}
        self._lock: Final = threading.Lock()

    def find(self, client: Client, *, kid: str | None, algorithm: str) -> Key | None:
        """Find the key an assertion names: RFC 7515, section 4.1.4. Without an id, a client of one key means that one.

        Returns:
            a key of the algorithm's kind, or None. A key set that cannot be fetched holds no key.
        """
        try:
            keys = self._keys(client, kid)
        except KeyRefused:
            return None
        key = next(iter(keys.values())) if kid is None and len(keys) == 1 else keys.get(kid)
        return key if key is not None and fits(key, algorithm) else None

    def _keys(self, client: Client, kid: str | None) -> Keys:
        if client.jwks_uri is None:
            return key_set(client.jwks or {})
        with self._lock:
            gate = self._gates.setdefault(client.jwks_uri, threading.Lock())
        with gate:
            now = time.monotonic()
            known = self._fetched.get(client.jwks_uri)
            if known is not None:
                missing = kid is not None and kid not in known.keys
                if now < (known.again_at if missing else known.until):
                    return known.keys
            old = {} if known is None else known.keys
            # What cannot be fetched is not asked for again at once, and the old keys go on.
            self._fetched[client.jwks_uri] = _Fetched(old, until=now + AGAIN_SECONDS, again_at=now + AGAIN_SECONDS)
            keys = key_set(self.fetch(client.jwks_uri))
            self._fetched[client.jwks_uri] = _Fetched(keys, until=now + KEEP_SECONDS, again_at=now + AGAIN_SECONDS)
            return keys

    def fetch(self, url: str) -> Mapping[str, Any]:
        """Fetch a key set.

        Raises:
            KeyRefused: the address is not one to go to, or what comes from there is no key set.
        """
        parts = urlsplit(url)
        local = self._loopback and parts.scheme == "http"
        if (parts.scheme != "https" and not local) or parts.username is not None or not parts.hostname:
            raise KeyRefused("because its address is not https")
        port = parts.port or (80 if local else _HTTPS)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            address = self._checked(parts.hostname, port, local=local)
            with socket.create_connection((address, port), timeout=TIMEOUT_SECONDS) as plain:
                return loads(_got(plain, parts.hostname, parts.netloc, path, secure=not local))
        except (OSError, http.client.HTTPException, ValueError, Malformed) as error:
            raise KeyRefused("as it cannot be fetched") from error

    def _checked(self, host: str, port: int, *, local: bool) -> str:
        """Resolve a name once, and give the one address to go to. One bad address among several spoils them all."""
        addresses = self._resolve(host, port)
        for text in addresses:
            address = ipaddress.ip_address(text)
            if not (address.is_loopback if local else public(address)):
                raise KeyRefused("because its address is not public")
        if not addresses:
            raise KeyRefused("as its name has no address")
        return addresses[0]


def key_set(jwks: Mapping[str, Any]) -> Keys:
    """Read a key set: RFC 7517, section 5. Keys that are no use here are passed over, private ones refuse the set.

    Raises:
        KeyRefused: it is no key set, holds too many keys, or a private one.
    """
    listed = jwks.get("keys")
    if not isinstance(listed, list) or len(listed) > KEYS_MAX:
        raise KeyRefused("as it is no key set of at most 20 keys")
    keys: dict[str | None, Key] = {}
    for jwk in listed:
        if not isinstance(jwk, dict) or "d" in jwk or "k" in jwk:
            raise KeyRefused("because a private key is in its set")
        kid = jwk.get("kid")
        if kid is not None and not isinstance(kid, str):
            continue
        try:
            key = public_key(jwk)
        except KeyRefused:
            continue
        if kid in keys:
            raise KeyRefused("as two keys of its set have the same id")
        keys[kid] = key
    return keys


def public(address: Address) -> bool:
    """Tell whether an address is one of the public internet, also where it is wrapped in another."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & _V4_BITS)
        if inner is not None and not public(inner):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _resolved(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@contextmanager
def _hurried(wire: socket.socket) -> Iterator[None]:
    """End a connection when its time is over: the timeout of a socket starts anew with every byte that comes."""

    def end() -> None:
        with suppress(OSError):
            socket.socket.shutdown(wire, socket.SHUT_RDWR)

    timer = threading.Timer(TIMEOUT_SECONDS, end)
    timer.start()
    try:
        yield
        if not timer.is_alive():
            raise KeyRefused("as its set comes too slowly")
    finally:
        timer.cancel()


def _got(plain: socket.socket, host: str, netloc: str, path: str, *, secure: bool) -> bytes:
    """Ask over a connection that stands, and read no more than may be."""
    if secure:
        context = ssl.create_default_context()
        wire: socket.socket = context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
    else:
        wire = plain
    with wire, _hurried(wire):
        if isinstance(wire, ssl.SSLSocket):
            wire.do_handshake()
        return _body(wire, host, netloc, path)


def _body(wire: socket.socket, host: str, netloc: str, path: str) -> bytes:
    connection = http.client.HTTPConnection(host)
    connection.sock = wire
    connection.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", netloc)
    connection.putheader("Accept", "application/jwk-set+json, application/json")
    connection.putheader("Connection", "close")
    connection.endheaders()
    answer = connection.getresponse()
    if answer.status != _OK:
        raise KeyRefused("as its address does not answer 200")
    body = b""
    while chunk := answer.read1(BYTES_MAX + 1 - len(body)):
        body += chunk
        if len(body) > BYTES_MAX:
            raise KeyRefused("as its set is too large")
    return body
