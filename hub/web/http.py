"""The bare minimum of ASGI for the hot path: a body within bounds, an answer in two messages, who asked by which id."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import uuid4

from starlette.types import Receive, Scope, Send

from hub.errors import HubError
from hub.web.connection import read_whole, write_whole

Headers = Iterable[tuple[bytes, bytes]]

ALWAYS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)
_ALWAYS: Final = b"".join(b"%b: %b\r\n" % header for header in ALWAYS)
CLOSE: Final = (b"connection", b"close")
REQUEST_ID: Final = b"x-request-id"
_ID_BYTES: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_."
_ID_LENGTHS: Final = range(8, 65)
_LENGTH_DIGITS_MAX: Final = 15


class BodyTooLarge(HubError):
    """The body is larger than the hub takes."""

    code = "BODY_TOO_LARGE"
    public = "The body is too large."


class BodyTooSlow(HubError):
    """The body did not arrive in time."""

    code = "BODY_TOO_SLOW"
    public = "The body did not arrive in time."


class ClientGone(Exception):
    """The client went away before its request was whole."""


def request_id(scope: Scope) -> str:
    """Give the request's id: the caller's own, where it is one for sure, else a new one."""
    for name, value in scope["headers"]:
        if name == REQUEST_ID and len(value) in _ID_LENGTHS and not value.translate(None, _ID_BYTES):
            return str(value, "ascii")
    return str(uuid4())


class Bodies:
    """Reads bodies, each within bounds of size and of time, for one event loop.

    A timer for each body costs as much as answering; so bodies under way are listed, and while there are any, one timer
    looks for those that are late.
    """

    def __init__(self, *, bytes_max: int, seconds: float) -> None:
        self._bytes_max = bytes_max
        self._seconds = seconds
        self._since: dict[asyncio.Task[object], float] = {}
        self._late: set[asyncio.Task[object]] = set()
        self._watched = False

    async def read(self, length: bytes, receive: Receive) -> bytes:
        """Read a whole body, giving up as soon as it is too large, whatever its length claims.

        Args:
            length: the header content-length, or nothing.
            receive: from ASGI.

        Raises:
            BodyTooLarge: it has more bytes than it may.
            BodyTooSlow: it took longer than it may.
            ClientGone: the connection ended.
        """
        if length.isdigit() and (len(length) > _LENGTH_DIGITS_MAX or int(length) > self._bytes_max):
            raise BodyTooLarge(limit=self._bytes_max)
        whole = read_whole(receive, self._bytes_max)
        if whole is not None:
            return whole
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        self._since[task] = loop.time()
        if not self._watched:
            self._watched = True
            loop.call_later(self._seconds / 4, self._watch, loop)
        body = b""
        more = True
        try:
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                chunk: bytes = message.get("body", b"")
                body = body + chunk if body else chunk
                if len(body) > self._bytes_max:
                    raise BodyTooLarge(limit=self._bytes_max)
                more = message.get("more_body", False)
        except asyncio.CancelledError:
            if task in self._late:
                task.uncancel()
                raise BodyTooSlow(seconds=self._seconds) from None
            raise
        finally:
            del self._since[task]
            self._late.discard(task)
        return body

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        oldest = loop.time() - self._seconds
        for task, since in self._since.items():
            if since < oldest and task not in self._late:
                self._late.add(task)
                task.cancel()
        self._watched = bool(self._since)
        if self._watched:
            loop.call_later(self._seconds / 4, self._watch, loop)


async def respond(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Send a whole answer; its length is added to the headers."""
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def respond_well(send: Send, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
    """Send a whole answer with status 200, the hot path's way: `ALWAYS` and the length are added to the headers."""
    lines = [b"%b: %b\r\n" % header for header in headers]
    if not write_whole(send, (*lines, _ALWAYS), body):
        await respond(send, 200, [*headers, *ALWAYS], body)
