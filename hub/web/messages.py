"""The words of graphql-transport-ws: what clients say, what the hub says, and why it hangs up.

Source: GraphQL over WebSocket protocol, as npm's graphql-ws has it (PROTOCOL.md); close codes from 4000 on are its own.
"""

import json
from enum import IntEnum
from typing import Annotated, Any, Final

import msgspec

from hub.web.refusals import Refusal, RequestMalformed

SUBPROTOCOL: Final = "graphql-transport-ws"
ACK: Final = '{"type":"connection_ack"}'
PING: Final = '{"type":"ping"}'
PONG: Final = '{"type":"pong"}'
_NUL: Final = "\\u0000"
CREDENTIALS: Final = frozenset({b"authorization", b"dpop", b"purpose-of-use", b"x-hub-console"})
"""Headers that say who asks."""


class Close(IntEnum):
    """Why the hub hangs up."""

    IDLE = 1000
    STOPPING = 1012
    LATER = 1013
    MALFORMED = 4400
    NOT_INTRODUCED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL = 4406
    INTRODUCED_LATE = 4408
    SUBSCRIBER_EXISTS = 4409
    INTRODUCED_TWICE = 4429
    BROKEN = 4500

    @classmethod
    def of(cls, refusal: Refusal) -> "Close":
        """Give the code for a refusal that ends the connection."""
        by_status = {400: cls.MALFORMED, 401: cls.FORBIDDEN, 403: cls.FORBIDDEN, 429: cls.LATER, 503: cls.LATER}
        return by_status.get(refusal.status, cls.BROKEN)


class Params(msgspec.Struct, frozen=True):
    """What a client asks; the names are those of the wire."""

    query: str
    variables: dict[str, Any] | None = None
    operationName: str | None = None  # noqa: N815  # as it is written in the request
    extensions: dict[str, Any] | None = None


Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Init(msgspec.Struct, frozen=True, tag_field="type", tag="connection_init"):
    """A client introduces itself."""

    payload: dict[str, Any] | None = None


class Subscribe(msgspec.Struct, frozen=True, tag_field="type", tag="subscribe"):
    """It asks for something under an id of its own."""

    id: Id
    payload: Params


class Complete(msgspec.Struct, frozen=True, tag_field="type", tag="complete"):
    """It wants no more of that."""

    id: Id


class Ping(msgspec.Struct, frozen=True, tag_field="type", tag="ping"):
    """It wants to know whether anybody is there."""

    payload: dict[str, Any] | None = None


class Pong(msgspec.Struct, frozen=True, tag_field="type", tag="pong"):
    """It is there."""

    payload: dict[str, Any] | None = None


Message = Init | Subscribe | Complete | Ping | Pong
_decode = msgspec.json.Decoder(Message).decode


def read(text: str | None) -> Message:
    """Read a message.

    Args:
        text: None where it came as bytes.

    Raises:
        RequestMalformed: it is none; what it says is short enough for the reason of a close.
    """
    if text is None:
        raise RequestMalformed("Messages are texts.")
    if _NUL in text:
        raise RequestMalformed("Texts cannot hold the character U+0000.")
    try:
        message: Message = _decode(text)
    except msgspec.ValidationError:
        raise RequestMalformed("That is no message of graphql-transport-ws.") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise RequestMalformed("Messages are JSON, not nested too deeply.") from None
    return message


def credentials(payload: dict[str, Any] | None) -> dict[bytes, bytes]:
    """Read who asks off an introduction: the headers that nobody could send with it, whatever their case.

    Raises:
        RequestMalformed: one of them comes twice, or is no header.
    """
    found: dict[bytes, bytes] = {}
    for given, value in (payload or {}).items():
        name = given.lower().encode()
        if name not in CREDENTIALS:
            continue
        if name in found or not isinstance(value, str) or not (value.isascii() and value.isprintable()):
            raise RequestMalformed(f"{name.decode()} is one text, and comes once.")
        found[name] = value.encode()
    return found


def next_of(id_: str, body: bytes) -> str:
    """Write an answer."""
    return f'{{"id":{json.dumps(id_)},"type":"next","payload":{body.decode()}}}'


def error_of(id_: str, body: bytes) -> str:
    """Write the answer that holds nothing but errors, and so is the last."""
    return json.dumps({"id": id_, "type": "error", "payload": json.loads(body)["errors"]})


def complete_of(id_: str) -> str:
    """Write that there is no more."""
    return json.dumps({"id": id_, "type": "complete"})
