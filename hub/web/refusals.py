"""What the graph's doors say to what they do not let in: the same words whichever way it came."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from hub.auth.errors import ProviderUnavailable, PurposeRefused
from hub.auth.resource import Unauthorized
from hub.errors import HubError, StoreUnavailable
from hub.live import TooManyStreams
from hub.log import logger
from hub.web.http import CLOSE, BodyTooLarge, BodyTooSlow
from hub.web.rates import TooManyRequests

INTERNAL: Final = "INTERNAL_ERROR"
_log = logger()


class RequestMalformed(HubError):
    """The request is no GraphQL request."""

    code = "BAD_REQUEST"
    public = "The request is no GraphQL request."

    def __init__(self, message: str, status: int = 400, *, allow: bytes = b"") -> None:
        super().__init__()
        self.message = message
        self.status = status
        self.allow = allow


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is said of an error."""

    status: int
    code: str
    message: str
    headers: Sequence[tuple[bytes, bytes]] = ()

    @property
    def body(self) -> bytes:
        """Write it as an answer of the graph."""
        return msgspec.json.encode({"errors": [{"message": self.message, "extensions": {"code": self.code}}]})


def refusal_of(error: Exception, id_: str) -> Refusal:
    """Say it, and log what is the hub's own trouble.

    Args:
        error: any; what is not known is told by nothing but the id.
        id_: of the request.
    """
    match error:
        case RequestMalformed():
            allow = ((b"allow", error.allow),) if error.allow else ()
            return Refusal(error.status, error.code, error.message, allow)
        case BodyTooLarge():
            # The connection stays: the rest is taken and thrown away, so that the client comes to read this.
            return Refusal(413, error.code, error.public)
        case BodyTooSlow():
            return Refusal(408, error.code, error.public, (CLOSE,))
        case Unauthorized():
            return Refusal(401, error.code, error.public, ((b"www-authenticate", error.challenge),))
        case PurposeRefused():
            return Refusal(403, error.code.upper(), error.public)
        case StoreUnavailable():
            refusal = Refusal(503, error.code.upper(), error.public)
            _log.warning("graphql.not_answered", request_id=id_, code=refusal.code)
            return refusal
        case ProviderUnavailable():
            _log.warning("graphql.not_answered", request_id=id_, code=error.code)
            return Refusal(503, error.code, error.public, (_after(error.retry_seconds),))
        case TooManyRequests() | TooManyStreams():
            return Refusal(429, error.code, error.public, (_after(error.retry_seconds),))
        case _:
            _log.error("graphql.failed", request_id=id_, error=type(error).__name__)
            return Refusal(500, INTERNAL, f"Something went wrong in the hub. Tell us this id: {id_}")


def _after(seconds: int) -> tuple[bytes, bytes]:
    return b"retry-after", b"%d" % seconds
