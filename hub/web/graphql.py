"""GraphQL over HTTP: POST with JSON by a short path, GET for queries that no foreign page can have sent, no more.

Source: GraphQL over HTTP, working draft. The media type decides the status: `application/json` is answered with 200
whenever the request itself was well formed; `application/graphql-response+json` tells refusals by status.

A browser sends neither a JSON body nor the preflight header to another origin without asking first, which keeps forged
requests out. A GET without that header is taken only where the browser itself, or a client that speaks like one, says
by Fetch Metadata that no foreign page is behind it: `Sec-Fetch-Mode: cors` cannot come from a link, a form or an image,
and with a foreign page behind it carries `Origin`. No page can set or remove these headers.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope, Send

from hub.auth.errors import TokenDenied
from hub.auth.resource import Unauthorized
from hub.log import logger
from hub.operations import STREAM_ONLY, Answer, Known, Operations
from hub.web.events import EventStreams, told_once
from hub.web.http import (
    ALWAYS,
    REQUEST_ID,
    Bodies,
    ClientGone,
    request_id,
    respond,
    respond_well,
)
from hub.web.media import LEGACY, MODERN, STREAM, Media, is_json, media_for
from hub.web.messages import Params
from hub.web.rates import Rates, payer
from hub.web.refusals import INTERNAL, RequestMalformed, refusal_of
from schema.access import ANONYMOUS, AccessProfile

PREFLIGHT: Final = b"graphql-require-preflight"
BODY_SECONDS: Final = 10.0
_STATUS: Final = {
    "CHANGE_BY_GET": 405,
    "PARTNER_UNAVAILABLE": 503,
    "STORE_UNAVAILABLE": 503,
    "QUERY_TIMEOUT": 504,
}
_ONCE: Final = frozenset({b"authorization", b"content-length", b"content-type", b"dpop", b"purpose-of-use"})
_NUL: Final = b"\\u0000"
_log = logger()


_decode = msgspec.json.Decoder(Params).decode


class Doorkeeper(Protocol):
    """Tells who asks."""

    async def profile(self, method: str, headers: dict[bytes, bytes], /) -> AccessProfile:
        """Read the profile off a request.

        Raises:
            Unauthorized: credentials came that do not hold.
        """
        ...

    def denied(self) -> Unauthorized:
        """Say what is to be said of a token that was good once."""
        ...


class GraphQLEndpoint:
    """The one address of the graph."""

    def __init__(
        self,
        operations: Operations,
        *,
        body_bytes_max: int,
        body_seconds: float = BODY_SECONDS,
        door: Doorkeeper,
        rates: Rates,
        address: Callable[[Scope], str],
        streams: EventStreams | None = None,
    ) -> None:
        """Take what answers.

        Args:
            operations: answers operations.
            body_bytes_max: largest body.
            body_seconds: longest time a body may take.
            door: tells who asks.
            rates: what each client may ask.
            address: tells where a request comes from, to count those who have no token.
            streams: tells subscriptions; without, there are none.
        """
        self._operations = operations
        self._bodies = Bodies(bytes_max=body_bytes_max, seconds=body_seconds)
        self._door = door
        self._rates = rates
        self._address = address
        self._streams = streams
        self._policy = (b"ratelimit-policy", rates.policy)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        media = media_for(headers.get(b"accept", b""))
        try:
            if media is None or len(headers) != len(scope["headers"]):
                media = _checked(scope, media)
            request = await self._posted(headers, receive) if scope["method"] == "POST" else b""
            profile = await self._door.profile(scope["method"], headers)
            asked: Known | Params | None = self._operations.known(request, profile)
            if asked is None:
                asked = _decoded(request) if request else _asked_for(scope, headers)
            client, body = payer(profile, scope, self._address)
            turn = self._rates.enter(client, body)
            answer = Answer(b"", INTERNAL)
            try:
                if isinstance(asked, Known):
                    id_ = request_id(scope) if asked.bound.plan.private else ""
                    answer = await self._operations.again(asked, profile, id_)
                else:
                    answer = await self._executed(asked, profile, request, scope)
            finally:
                self._rates.leave(turn, answer.price)
            self._still_good(answer)
            if answer.code == STREAM_ONLY and media.streams and self._streams and isinstance(asked, Params) and request:
                subscription = (asked.query, asked.variables, asked.operationName or None)
                await self._streams.follow(
                    scope, receive, send, asked=subscription, profile=profile, pays=(client, body)
                )
                return
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001  # the last door: nothing of it may reach a stranger
            await _fail(scope, send, media or LEGACY, error)
            return
        if media is STREAM:
            await told_once(scope, send, answer.body)
        elif answer.code is not None:
            await _tell(scope, send, media, answer)
        elif profile is ANONYMOUS:
            await respond_well(send, (media.header,), answer.body)
        else:
            left = (b"ratelimit", self._rates.told(turn))
            await respond_well(send, (media.header, self._policy, left), answer.body)

    async def _executed(self, params: Params, profile: AccessProfile, request: bytes, scope: Scope) -> Answer:
        extensions = params.extensions
        return await self._operations.execute(
            params.query,
            variables=params.variables,
            operation_name=params.operationName or None,
            profile=profile,
            tell_cost=extensions is not None and extensions.get("cost") is True,
            request=request,
            request_id="" if profile is ANONYMOUS else request_id(scope),
            may_change=scope["method"] == "POST",
        )

    def _still_good(self, answer: Answer) -> None:
        if answer.code == TokenDenied.code:
            raise self._door.denied()

    async def _posted(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        if not is_json(headers.get(b"content-type", b"")):
            raise RequestMalformed("Send JSON in UTF-8, with content-type application/json.", 415)
        # An empty body is no JSON; a space says so further on, and tells it from a request that has none.
        return await self._bodies.read(headers.get(b"content-length", b""), receive) or b" "


def _decoded(body: bytes) -> Params:
    if _NUL in body:
        raise RequestMalformed("Texts cannot hold the character U+0000.")
    try:
        return _decode(body)
    except msgspec.ValidationError as error:
        raise RequestMalformed(f"The body is no GraphQL request: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RequestMalformed("The body is no JSON in UTF-8, or it is nested too deeply.") from None


def _checked(scope: Scope, media: Media | None) -> Media:
    """Refuse a header that may come once and came twice: who sits in front may have read the other one."""
    if media is None:
        raise RequestMalformed("The answer is JSON or events; the header Accept takes none.", 406)
    names = [name for name, _ in scope["headers"] if name in _ONCE]
    if len(names) != len(set(names)):
        raise RequestMalformed("A header came twice that may come once.")
    return media


# ---- GET -------------------------------------------------------------------------------------------------------------


def _asked_for(scope: Scope, headers: dict[bytes, bytes]) -> Params:
    if scope["method"] != "GET":
        raise RequestMalformed("Use POST.", 405, allow=b"GET, POST")
    if not _no_foreign_page(headers):
        raise RequestMalformed("Use POST. GET needs the header GraphQL-Require-Preflight.", 405, allow=b"POST")
    try:
        pairs = parse_qsl(scope["query_string"].decode("ascii"), strict_parsing=True, errors="strict", max_num_fields=8)
        given: dict[str, Any] = dict(pairs)
        if len(given) != len(pairs) or "\0" in given.get("query", "") or _NUL.decode() in str(given):
            raise RequestMalformed("The query string names something twice, or holds the character U+0000.")
        for name in ("variables", "extensions"):
            if name in given:
                given[name] = msgspec.json.decode(given[name])
        return msgspec.convert(given, Params)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise RequestMalformed("The query string cannot be read.") from None


def _no_foreign_page(headers: dict[bytes, bytes]) -> bool:
    if headers.get(PREFLIGHT):
        return True
    return (
        headers.get(b"sec-fetch-mode") == b"cors"
        and headers.get(b"sec-fetch-site", b"same-origin") == b"same-origin"
        and b"origin" not in headers
        and b"cookie" not in headers
    )


# ---- Errors ----------------------------------------------------------------------------------------------------------


async def _tell(scope: Scope, send: Send, media: Media, answer: Answer) -> None:
    """Send an answer that is an error; the hub's own troubles are told whatever the media type."""
    assert answer.code is not None
    status = _STATUS.get(answer.code, 400 if media.modern else 200)
    id_ = request_id(scope)
    headers = [media.header, *ALWAYS, (REQUEST_ID, id_.encode())]
    if status == 405:  # noqa: PLR2004  # method not allowed
        headers.append((b"allow", b"POST"))
    elif answer.code in _STATUS:
        _log.warning("graphql.not_answered", request_id=id_, code=answer.code)
    await respond(send, status, headers, answer.body)


async def _fail(scope: Scope, send: Send, media: Media, error: Exception) -> None:
    id_ = request_id(scope)
    refusal = refusal_of(error, id_)
    media = MODERN if media is STREAM else media
    headers = [media.header, *ALWAYS, (REQUEST_ID, id_.encode()), *refusal.headers]
    await respond(send, refusal.status, headers, refusal.body)
