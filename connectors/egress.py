"""The one way out to partners: registered places only, at addresses that were checked, within bounds.

An address somebody else chose is a door to the inside of our network. So: a place (scheme, host, port) must be
registered; https only; every address its name resolves to is looked at, also where one is wrapped in another, and one
that is not of the public internet spoils them all; the connection goes to the very address that was checked, so that a
name cannot change its meaning in between (DNS rebinding); no redirects, no proxies, no cookies, no compression; time
and size are bounded; each request has a connection of its own, or one that was checked so a moment ago (see `keeping`).
Where a place has pins, its certificate must hold one of those keys, so that a valid certificate of somebody else
is not enough.

For sandboxes alone there is a way out to loopback, by http too; such a way leads nowhere else.
"""

import ipaddress
import logging
import select
import socket
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import httpcore2
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from httpcore2 import AsyncNetworkBackend, AsyncNetworkStream

from connectors.errors import ConnectorError, Invalid, Refused, Unauthorized, Unavailable, Uncertain
from connectors.keeping import Kept

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]

BYTES_MAX: Final = 300_000
TIMEOUT_SECONDS: Final = 20.0
CONNECT_SECONDS: Final = 5.0
LONGEST_SECONDS: Final = 30.0
KEPT_MOST: Final = 32
"""Connections to one place at once, where they are kept."""
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_V4_BITS: Final = 0xFFFFFFFF
_PORTS: Final = {"https": 443, "http": 80}
_SENDING: Final = "send_request_headers.started"

# At DEBUG it writes down whom we speak with and the headers that come back.
logging.getLogger("httpcore2").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """By name in small letters; of several of one name the first."""
    body: bytes

    def type(self) -> str:
        """Tell the media type, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere we may go: scheme, host and port."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> "Place":
        """Take the place out of an address.

        Raises:
            Refused: it is no address to go to.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise Refused("it is no address") from error
        if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None or not url.isascii():
            raise Refused("it is no address to go to")
        return cls(parts.scheme, parts.hostname.lower(), _PORTS[parts.scheme] if port is None else port)


def public(address: Address) -> bool:
    """Tell whether an address is one of the public internet, also where it is wrapped in another."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & _V4_BITS)
        if inner is not None and not public(inner):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def checked(addresses: Iterable[str], *, loopback: bool) -> tuple[str, ...]:
    """Look at every address a name resolved to, and give them. For others that go out by ways of their own, too.

    Args:
        addresses: as the resolver gave them.
        loopback: True for a place of a sandbox: then they must be of this machine.

    Raises:
        Refused: one of them is not of the public internet, or not of this machine.
        Unavailable: there is none.
    """
    found: list[str] = []
    for text in addresses:
        address = ipaddress.ip_address(text.partition("%")[0])
        if not (address.is_loopback if loopback else public(address)):
            raise Refused("the address is not one to go to")
        found.append(str(address))
    if not found:
        raise Unavailable("the name has no address")
    return tuple(dict.fromkeys(found))


def pin_of(certificate: bytes) -> str:
    """Give the pin of a certificate: SHA-256 of its public key (RFC 7469, section 2.4), base64.

    Args:
        certificate: DER.
    """
    key = x509.load_der_x509_certificate(certificate).public_key()
    return b64encode(sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()).decode()


def of_the_system(host: str, port: int) -> list[str]:
    """Ask the system's resolver. It knows no deadline, and may hang."""
    return [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


async def resolved(host: str, port: int, *, look: Callable[[str, int], list[str]] = of_the_system) -> list[str]:
    """Ask a resolver that blocks, beside: one that hangs is left alone.

    Raises:
        Unavailable: it does not know the name.
    """
    try:
        return await anyio.to_thread.run_sync(look, host, port, abandon_on_cancel=True)
    except OSError as error:
        raise Unavailable("the name cannot be resolved") from error


def tls_context(cafile: str | None = None) -> ssl.SSLContext:
    """Make a context that checks names and speaks TLS 1.3 only.

    Args:
        cafile: authorities to believe in place of the system's.
    """
    context = ssl.create_default_context(cafile=cafile)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


@dataclass
class Egress:
    """Goes out to registered places, one request at a time for each call; calls may run beside each other."""

    places: Mapping[Place, frozenset[str]]
    """Where we may go, and the pins of each place; none means the web's authorities are believed."""
    loopback: bool = False
    resolve: Resolve = resolved
    timeout_seconds: float = TIMEOUT_SECONDS
    bytes_max: int = BYTES_MAX
    tls: ssl.SSLContext = field(default_factory=tls_context)
    keep_seconds: float = 0.0
    """How long a connection is kept for the next request; not at all by default. Who keeps some must close them."""
    longest_seconds: float = LONGEST_SECONDS
    """How long one is kept at most, however often it is used: then name, addresses and key are looked at again."""
    _kept: dict[Place, Kept] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def to(cls, *urls: str, pins: Iterable[str] = (), **more: Any) -> "Egress":
        """Make one that goes to the places of these addresses."""
        return cls({Place.of(url): frozenset(pins) for url in urls}, **more)

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Reply:
        """Read. Whatever goes wrong on the way, nothing was done.

        Raises:
            Unavailable, Unauthorized, Refused, Invalid: as their docs say.
        """
        return await self._request("GET", url, headers or {}, None, safe=True)

    async def post(self, url: str, body: bytes, *, headers: Mapping[str, str], safe: bool = False) -> Reply:
        """Send. It is `safe` when sending it again does no harm whatever became of it, as for a token.

        Raises:
            Uncertain: it was sent, at least in part, and no whole answer came. All else as for `get`.
        """
        return await self._request("POST", url, headers, body, safe=safe)

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, safe: bool
    ) -> Reply:
        place = Place.of(url)
        if place not in self.places:
            raise Refused("the place is not registered", host=place.host)
        if place.scheme != "https" and not self.loopback:
            raise Refused("the place is not https", host=place.host)
        sent = False

        async def trace(event: str, _: object) -> None:
            nonlocal sent
            sent = sent or event.endswith(_SENDING)

        try:
            with anyio.fail_after(self.timeout_seconds):
                return await self._spoken(method, url, headers, body, place, trace)
        except ConnectorError as error:
            if sent and not safe and isinstance(error, Invalid):
                raise Uncertain(error.reason) from error
            raise
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, OSError) as error:
            if sent and not safe:
                raise Uncertain("the answer was lost", kind=type(error).__name__) from error
            raise Unavailable("it cannot be reached", kind=type(error).__name__) from error

    async def _spoken(  # noqa: PLR0917  # private
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        place: Place,
        trace: Callable[[str, object], Awaitable[None]],
    ) -> Reply:
        limits = {"connect": CONNECT_SECONDS, "read": None, "write": None, "pool": None}
        base = {"accept-encoding": "identity"} | ({} if self.keep_seconds else {"connection": "close"}) | dict(headers)
        async with (
            self._way(place) as pool,
            pool.stream(
                method,
                url,
                headers=list(base.items()),
                content=body,
                extensions={"trace": trace, "timeout": limits},
            ) as answer,
        ):
            read = bytearray()
            async for chunk in answer.aiter_stream():
                read += chunk
                if len(read) > self.bytes_max:
                    raise Invalid("the answer is too long", bytes_max=self.bytes_max)
            named: dict[str, str] = {}
            for name, value in answer.headers:
                named.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
            return Reply(answer.status, named, bytes(read))

    @asynccontextmanager
    async def _way(self, place: Place) -> AsyncIterator[httpcore2.AsyncConnectionPool]:
        if not self.keep_seconds:
            backend = _Checked(place, self)
            async with httpcore2.AsyncConnectionPool(
                ssl_context=self.tls, network_backend=backend, max_connections=1
            ) as pool:
                yield pool
            return
        kept = self._kept.get(place)
        if kept is None:
            kept = self._kept[place] = Kept(
                partial(
                    httpcore2.AsyncConnectionPool,
                    ssl_context=self.tls,
                    network_backend=_Checked(place, self),
                    max_connections=KEPT_MOST,
                    keepalive_expiry=self.keep_seconds,
                ),
                idle_seconds=self.keep_seconds,
                longest_seconds=self.longest_seconds,
            )
        async with kept.pool() as pool:
            yield pool

    async def aclose(self) -> None:
        """Close what was kept."""
        kept = list(self._kept.values())
        self._kept.clear()
        for each in kept:
            await each.aclose()


class _Checked(AsyncNetworkBackend):
    """Connects to an address that was checked, whatever the name means a moment later."""

    def __init__(self, place: Place, egress: Egress) -> None:
        self._place: Final = place
        self._egress: Final = egress
        self._inner: Final = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,  # Any: httpcore's options
    ) -> AsyncNetworkStream:
        """Resolve once, look at all addresses, and go to the first that answers."""
        assert (host.lower(), port) == (self._place.host, self._place.port)
        found = await self._egress.resolve(host.strip("[]"), port)
        addresses = checked(found, loopback=self._egress.loopback)
        for left, address in zip(reversed(range(len(addresses))), addresses, strict=True):
            try:
                stream = await self._inner.connect_tcp(
                    address, port, timeout=timeout, local_address=local_address, socket_options=socket_options
                )
            except (httpcore2.NetworkError, httpcore2.TimeoutException):
                if not left:
                    raise
            else:
                return _Pinned(stream, self._egress.places[self._place])
        raise Unavailable("the name has no address")

    async def connect_unix_socket(self, *_: Any, **__: Any) -> AsyncNetworkStream:  # Any: never used
        """Never."""
        raise Refused("nothing goes out over sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(seconds)


class _Pinned(AsyncNetworkStream):
    """A connection whose certificate must hold a pinned key, where there are pins."""

    def __init__(self, inner: AsyncNetworkStream, pins: frozenset[str]) -> None:
        self._inner: Final = inner
        self._pins: Final = pins
        self._socket: Final = inner.get_extra_info("socket")
        self._look: Final = select.poll()
        if self._socket is not None:
            self._look.register(self._socket, select.POLLIN)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  # httpcore's
        """Read."""
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109  # httpcore's
        """Write."""
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close."""
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's
    ) -> AsyncNetworkStream:
        """Speak TLS, and look at the key before anything is said."""
        try:
            stream = await self._inner.start_tls(ssl_context, server_hostname, timeout)
        except httpcore2.ConnectError as error:
            # The pool hides causes, so they are looked at here.
            if isinstance(error.__cause__, ssl.SSLCertVerificationError):
                raise Unauthorized("the certificate does not hold", host=server_hostname) from error
            raise
        if self._pins:
            shown = stream.get_extra_info("ssl_object").getpeercert(binary_form=True)
            if shown is None or pin_of(shown) not in self._pins:
                await stream.aclose()
                raise Unauthorized("the certificate is not the one agreed on", host=server_hostname)
        return _Pinned(stream, self._pins)

    def get_extra_info(self, info: str) -> Any:
        """Pass on what the connection knows."""
        if info == "is_readable" and self._socket is not None:
            # The pool asks it of each connection it keeps, for every request; the way there is long.
            return self._socket.fileno() < 0 or bool(self._look.poll(0))
        return self._inner.get_extra_info(info)
