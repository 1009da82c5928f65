"""The bare minimum of ASGI for the hot path: a body within bounds, an answer in two messages."""

from collections.abc import Iterable
from typing import Final

from starlette.types import Receive, Scope, Send

from hub.errors import HubError

Headers = Iterable[tuple[bytes, bytes]]

ALWAYS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)


class BodyTooLarge(HubError):
    """The body is larger than the hub takes."""

    code = "BODY_TOO_LARGE"
    public = "The body is too large."


class ClientGone(Exception):  # noqa: N818  # nobody is left to tell
    """The client went away before its request was whole."""


def header(scope: Scope, name: bytes) -> bytes:
    """Find a header; empty when there is none. Names are lower case."""
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return b""


async def read_body(scope: Scope, receive: Receive, most: int) -> bytes:
    """Read the whole body, giving up as soon as it is too large, whatever its length claims.

    Raises:
        BodyTooLarge: it has more than `most` bytes.
        ClientGone: the connection ended.
    """
    length = header(scope, b"content-length")
    if length.isdigit() and int(length) > most:
        raise BodyTooLarge(limit=most)
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        body = body + chunk if body else chunk
        if len(body) > most:
            raise BodyTooLarge(limit=most)
        more = message.get("more_body", False)
    return body


async def respond(send: Send, status: int, content_type: bytes, body: bytes, more: Headers = ()) -> None:
    """Send a whole answer."""
    headers = [
        (b"content-type", content_type),
        (b"content-length", b"%d" % len(body)),
        *ALWAYS,
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
