"""The addresses partners use: an inbox, what they read of a referral, and the keys of the hub's messages.

Tokens go in and out as `application/jose`; whatever is not done is a problem (RFC 9457) with a stable `code`, which
`docs/handoff.md` lists. What is decided is decided in `partners`.
"""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from connectors.errors import ConnectorError, Throttled
from connectors.messages import PROTOCOL
from connectors.transports.credentials import SCHEME
from connectors.transports.https import JOSE
from hub.auth.errors import ProviderUnavailable
from hub.auth.people.throttle import network
from hub.auth.resource import Unauthorized
from hub.errors import HubError, StoreUnavailable
from hub.log import logger
from hub.partners import Door, OwnKeys
from hub.partners.door import Asked, NotThere, ScopeMissing
from hub.web.http import Bodies, BodyTooLarge, BodyTooSlow, ClientGone
from hub.web.problems import problem
from hub.web.rates import Pace, TooManyRequests

BODY_BYTES_MAX: Final = 256_000
"""As long as a sealed message may be."""
BODY_SECONDS: Final = 10.0
REFUSED_COST: Final = 10
"""What a refused request counts: who guesses is slowed before who speaks."""
JWKS_PATH: Final = "/handoff/jwks"
METADATA_PATH: Final = "/.well-known/icorn-handoff"
_PUBLIC_SECONDS: Final = 300
_ONCE: Final = frozenset({b"authorization", b"dpop"})
_STATUS: Final = {
    "unauthorized": 401,
    "refused": 409,
    "invalid": 422,
    "throttled": 429,
    "unsupported": 501,
    "unavailable": 503,
    "uncertain": 503,
}
_CODES: Final = {409: "refused", 503: "unavailable"}
_log = logger()
Endpoint = Callable[[Request], Awaitable[Response]]


class HeaderTwice(HubError):
    """A header that carries credentials came twice."""

    code = "invalid"
    public = "A header came twice."


def routes(
    door: Door, keys: OwnKeys, pace: Pace, address: Callable[[Scope], str], *, base: str, issuer: str
) -> list[Route]:
    """Give the addresses.

    Args:
        door: what answers.
        keys: ours, to publish.
        pace: how often one may ask.
        address: tells where a request comes from.
        base: address under which the world sees the hub.
        issuer: the hub's name in messages.
    """
    bodies = Bodies(bytes_max=BODY_BYTES_MAX, seconds=BODY_SECONDS)

    async def inbox(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JOSE:
            return problem(request, 415, code="unsupported_media_type")
        body = await bodies.read(request.headers.get("content-length", "").encode(), request.receive)
        known, speaking, read = await door.known(body)
        _count(request, pace, known.organisation_id)
        token = await door.take(known, speaking, read)
        return Response(status_code=202) if token is None else Response(token, media_type=JOSE)

    async def packet(request: Request) -> Response:
        asked = await who(request)
        return Response(await door.packet(asked, _named(request)), media_type=JOSE)

    async def status(request: Request) -> Response:
        asked = await who(request)
        return Response(await door.status(asked, _named(request)), media_type=JOSE)

    async def who(request: Request) -> Asked:
        if request.url.query:
            # It would not be signed for.
            raise NotThere
        raw = request.scope["headers"]
        if any(sum(name == each for name, _ in raw) > 1 for each in _ONCE):
            raise HeaderTwice
        asked = await door.asked(request.method, request.url.path, dict(raw))
        _count(request, pace, asked.known.organisation_id)
        return asked

    async def jwks(_request: Request) -> Response:
        return _public(await run_in_threadpool(keys.jwks), "application/jwk-set+json")

    async def described(_request: Request) -> Response:
        return _public(
            {
                "protocol": PROTOCOL,
                "issuer": issuer,
                "base": base,
                "inbox": f"{base}/inbox",
                "jwks_uri": f"{base}{JWKS_PATH}",
                "protected_resource": f"{base}/.well-known/oauth-protected-resource/graphql",
            }
        )

    def guarded(endpoint: Endpoint) -> Endpoint:
        return _paced(_guarded(endpoint), pace, address)

    return [
        Route("/inbox", guarded(inbox), methods=["POST"]),
        Route("/referrals/{handoff}/packet", guarded(packet), methods=["GET"]),
        Route("/referrals/{handoff}/status", guarded(status), methods=["GET"]),
        Route(JWKS_PATH, guarded(jwks), methods=["GET"]),
        Route(METADATA_PATH, described, methods=["GET"]),
    ]


def _count(request: Request, pace: Pace, organisation_id: UUID) -> None:
    """Let who has shown who it is pay for itself, wherever it comes from."""
    pace.admit(f"partner {organisation_id}")
    request.state.price = 0


def _named(request: Request) -> UUID:
    text = request.path_params["handoff"]
    try:
        named = UUID(text)
    except ValueError:
        raise NotThere from None
    if str(named) != text:
        # One address for each: what is signed for is what is read.
        raise NotThere
    return named


def _paced(endpoint: Endpoint, pace: Pace, address: Callable[[Scope], str]) -> Endpoint:
    """Refuse who comes too often, before and after it is known to be a partner: RFC 6585, section 4."""

    async def paced(request: Request) -> Response:
        came_from = network(address(request.scope))
        try:
            pace.check(came_from)
            response = await endpoint(request)
        except TooManyRequests as error:
            _log.info("handoff.slowed", path=_plain(request), retry_seconds=error.retry_seconds)
            return problem(request, 429, {"retry-after": str(error.retry_seconds)}, code="throttled")
        refused = 400 <= response.status_code < 500  # noqa: PLR2004  # the sender's mistakes
        pace.pay(came_from, getattr(request.state, "price", REFUSED_COST if refused else 1))
        return response

    return paced


def _guarded(endpoint: Endpoint) -> Endpoint:
    """Answer what the hub answers for as problems; the rest is for the last door."""

    async def guarded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except TooManyRequests:
            raise
        except ConnectorError as error:
            return _told(request, error)
        except Unauthorized as error:
            headers = {"www-authenticate": f"{error.challenge.decode()}, {SCHEME}"}
            return problem(request, 401, headers, code="unauthorized")
        except ClientGone:
            return Response(status_code=400)
        except HubError as error:
            status, headers = _mapped(error)
            _log.info("handoff.refused", path=_plain(request), code=error.code, status=status)
            # What the house calls it is no business of strangers, unless this room says so.
            return problem(request, status, headers, code=_CODES.get(status, error.code.lower()))

    return guarded


def _mapped(error: HubError) -> tuple[int, dict[str, str]]:
    match error:
        case BodyTooLarge():
            return 413, {"connection": "close"}
        case BodyTooSlow():
            return 408, {"connection": "close"}
        case NotThere():
            return 404, {}
        case ScopeMissing():
            return 403, {}
        case HeaderTwice():
            return 400, {}
        case StoreUnavailable():
            return 503, {"retry-after": "5"}
        case ProviderUnavailable():
            return 503, {"retry-after": str(error.retry_seconds)}
        case _:
            return 409, {}


def _told(request: Request, error: ConnectorError) -> Response:
    status = _STATUS.get(error.code, 503)
    code = str(error.facts.get("problem", error.code))
    headers = {}
    if isinstance(error, Throttled):
        headers["retry-after"] = str(round(error.retry_seconds))
    if status == 401:  # noqa: PLR2004  # RFC 9110, section 11.6.1 asks for a challenge
        headers["www-authenticate"] = SCHEME
    _log.info("handoff.refused", path=_plain(request), code=code, reason=error.reason)
    return problem(request, status, headers, code=code)


def _plain(request: Request) -> str:
    """Name the address without the referral."""
    named = request.path_params.get("handoff")
    return request.url.path if named is None else request.url.path.replace(named, "*")


def _public(body: dict[str, object], media: str = "application/json") -> Response:
    headers = {"cache-control": f"public, max-age={_PUBLIC_SECONDS}"}
    return JSONResponse(body, headers=headers, media_type=media)
