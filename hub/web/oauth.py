"""OAuth over HTTP: requests to values and back. What is decided is decided in `auth`, in a worker thread.

Nothing is redirected but by 303, nothing is cached but public keys and metadata, and no endpoint answers other origins
(FAPI 2.0 Security Profile, section 5.3.2.2: no CORS at the authorization endpoint; the others are for servers).
"""

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from html import escape
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from hub.auth import authorize, metadata, registration
from hub.auth.assemble import Auth
from hub.auth.authorize import Consent, Failed, Step
from hub.auth.people.throttle import network
from hub.auth.request import Form, Reply
from hub.errors import HubError
from hub.log import logger
from hub.web.http import Bodies, BodyTooLarge, BodyTooSlow, ClientGone
from hub.web.rates import Pace, TooManyRequests
from schema.vocabulary.access import LETS

FORM: Final = "application/x-www-form-urlencoded"
FORM_BYTES_MAX: Final = 64 * 1024
FORM_SECONDS: Final = 10.0
FIELDS_MAX: Final = 50
REFUSED_COST: Final = 10
"""What a refused request counts: who guesses is slowed before who asks."""
_PUBLIC_SECONDS: Final = 300
_TOO_MANY: Final = 429
_NO_MISTAKE: Final = frozenset({"use_dpop_nonce"})
"""Errors that clients must make: the first proof that needs a nonce has none."""
_log = logger()
_NO_STORE: Final = {"cache-control": "no-store", "pragma": "no-cache"}
_STYLE: Final = (
    "body{font:1.1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;color:#1a1a1a;"
    "background:#fff}"
    "h1{font-size:1.5rem}button{font:inherit;padding:.6rem 1.4rem;margin:1rem 1rem 0 0;border:2px solid #1a1a1a;"
    "border-radius:.3rem;background:#fff;color:#1a1a1a;cursor:pointer}button.yes{background:#14508c;border-color:#14508c;"
    "color:#fff}button:focus-visible{outline:3px solid #e08a00;outline-offset:2px}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
Endpoint = Callable[[Request], Awaitable[Response]]


def routes(auth: Auth, pace: Pace, address: Callable[[Scope], str]) -> list[Route]:
    """Give the addresses of the authorization server; where its tokens are refused, the graph's description alone.

    Args:
        auth: what answers.
        pace: how often one may ask.
        address: tells where a request comes from.
    """
    server, config = auth.server, auth.config
    bodies = Bodies(bytes_max=FORM_BYTES_MAX, seconds=FORM_SECONDS)

    def form(answer: Callable[[Form], Reply]) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            fields = await _fields(request, bodies)
            if fields is None:
                return _malformed()
            headers = request.headers
            asked = Form(fields, tuple(headers.getlist("dpop")), "authorization" in headers)
            reply = await run_in_threadpool(answer, asked)
            request.state.price = _price(reply)
            return _response(reply)

        return guarded(endpoint)

    def guarded(endpoint: Endpoint, *, page: bool = False) -> Endpoint:
        return _paced(_guarded(endpoint), pace, address, page=page)

    async def authorization(request: Request) -> Response:
        query = dict(request.query_params)
        told_twice = len(query) != len(request.query_params.multi_items())
        if told_twice or not all(value.isprintable() for value in query.values()):
            return _page(Failed())
        return _page(await run_in_threadpool(authorize.begin, server, query, request.headers.get("cookie", "")))

    async def decision(request: Request) -> Response:
        fields = await _fields(request, bodies)
        origin = request.headers.get("origin", config.origin)
        if (
            fields is None
            or origin != config.origin
            or request.headers.get("sec-fetch-site", "same-origin") != "same-origin"
        ):
            return _page(Failed(403))
        return _page(await run_in_threadpool(authorize.decide, server, dict(fields), request.headers.get("cookie", "")))

    async def register(request: Request) -> Response:
        try:
            asked = json.loads(await bodies.read(_length(request), request.receive))
        except (ValueError, RecursionError):
            asked = None
        return _response(await run_in_threadpool(registration.register, server, asked))

    async def jwks(_request: Request) -> Response:
        await run_in_threadpool(server.ring.refresh)
        return _public(server.ring.jwks(), "application/jwk-set+json")

    async def described(_request: Request) -> Response:
        return _public(metadata.authorization_server(config))

    async def resource(_request: Request) -> Response:
        return _public(metadata.protected_resource(config))

    graph = Route(metadata.protected_resource_path(config), resource, methods=["GET"])
    if not config.own_tokens:
        return [graph]
    return [
        Route("/oauth/token", form(server.token), methods=["POST"]),
        Route("/oauth/par", form(lambda asked: authorize.push(server, asked)), methods=["POST"]),
        Route("/oauth/revoke", form(lambda asked: server.endpoint("revoke", asked)), methods=["POST"]),
        Route("/oauth/introspect", form(lambda asked: server.endpoint("introspect", asked)), methods=["POST"]),
        Route("/oauth/authorize", guarded(authorization, page=True), methods=["GET"]),
        Route("/oauth/authorize", guarded(decision, page=True), methods=["POST"]),
        Route("/oauth/register", guarded(register), methods=["POST"]),
        Route("/oauth/jwks", guarded(jwks), methods=["GET"]),
        Route(metadata.authorization_server_path(config), described, methods=["GET"]),
        graph,
    ]


def _price(reply: Reply) -> int:
    """Tell what the address pays: nothing for a client that is let in, as it has paid itself."""
    error = reply.body.get("error") if isinstance(reply.body, Mapping) else None
    return REFUSED_COST if error is not None and error not in _NO_MISTAKE else 0


def _paced(endpoint: Endpoint, pace: Pace, address: Callable[[Scope], str], *, page: bool) -> Endpoint:
    """Refuse who asks too often, before and after the request is known to be a client's: RFC 6585, section 4."""

    async def paced(request: Request) -> Response:
        came_from = network(address(request.scope))
        try:
            pace.check(came_from)
            response = await endpoint(request)
        except TooManyRequests as error:
            _log.info("oauth.slowed", path=request.url.path, retry_seconds=error.retry_seconds)
            response = _page(Failed(_TOO_MANY)) if page else _too_many(error)
            response.headers["retry-after"] = str(error.retry_seconds)
            return response
        refused = 400 <= response.status_code < 500  # noqa: PLR2004  # the client's mistakes
        pace.pay(came_from, getattr(request.state, "price", REFUSED_COST if refused else 1))
        return response

    return paced


def _too_many(error: TooManyRequests) -> Response:
    """Answer in the form of RFC 6749, section 5.2."""
    return JSONResponse({"error": "temporarily_unavailable", "error_description": error.public}, _TOO_MANY, _NO_STORE)


def _guarded(endpoint: Endpoint) -> Endpoint:
    """Answer what the hub answers for in OAuth's form; the rest is for the last door."""

    async def guarded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (BodyTooLarge, BodyTooSlow) as error:
            body = {"error": "invalid_request", "error_description": error.public}
            status = 413 if isinstance(error, BodyTooLarge) else 408
            return JSONResponse(body, status, {**_NO_STORE, "connection": "close"})
        except ClientGone:
            return Response(status_code=400)
        except TooManyRequests:
            raise
        except HubError:
            return JSONResponse({"error": "temporarily_unavailable"}, 503, _NO_STORE)

    return guarded


async def _fields(request: Request, bodies: Bodies) -> tuple[tuple[str, str], ...] | None:
    """Read a form: RFC 6749, appendix B. None when it is none."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM or request.query_params:
        return None
    body = await bodies.read(_length(request), request.receive)
    try:
        text = body.decode("ascii")
        return tuple(parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict"))
    except ValueError:
        return None


def _length(request: Request) -> bytes:
    return request.headers.get("content-length", "").encode()


def _malformed() -> Response:
    body = {"error": "invalid_request", "error_description": "Send a form in the body, and no query."}
    return JSONResponse(body, 400, _NO_STORE)


def _response(reply: Reply) -> Response:
    if isinstance(reply.body, Mapping):
        response: Response = JSONResponse(dict(reply.body), reply.status)
    else:
        response = Response(reply.body, reply.status)
    for name, value in reply.headers:
        if name.lower() == "set-cookie":
            response.headers.append(name, value)
        else:
            response.headers[name] = value
    return response


def _public(body: Mapping[str, Any], media: str = "application/json") -> Response:
    headers = {"cache-control": f"public, max-age={_PUBLIC_SECONDS}", "x-content-type-options": "nosniff"}
    return JSONResponse(dict(body), headers=headers, media_type=media)


def _page(step: Step) -> Response:
    match step:
        case Reply():
            response = _response(step)
            response.headers["referrer-policy"] = "no-referrer"
            return response
        case Consent():
            response = _html(_consent(step), 200, f"'self' {step.returns_to}")
            for name, value in step.headers:
                response.headers.append(name, value)
            return response
        case Failed():
            return _html(_slow() if step.status == _TOO_MANY else _failed(), step.status, "'none'")


def _html(body: str, status: int, form_action: str) -> Response:
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action {form_action}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        **_NO_STORE,
        "content-security-policy": policy,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }
    return HTMLResponse(body, status, headers)


def _document(title: str, main: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{title}</h1>{main}</main></body></html>"
    )


def _consent(page: Consent) -> str:
    scopes = "".join(f"<li>{escape(LETS[scope])}</li>" for scope in page.scopes)
    return _document(
        "Allow access?",
        f"<p><strong>{escape(page.client_name)}</strong> asks to use the hub in your name, to do this:</p>"
        f"<ul>{scopes}</ul>"
        f"<p>You will go back to {escape(page.returns_to)}.</p>"
        '<form method="post" action="/oauth/authorize">'
        f'<input type="hidden" name="ticket" value="{escape(page.ticket)}">'
        f'<input type="hidden" name="csrf" value="{escape(page.csrf)}">'
        '<button class="yes" name="decision" value="allow">Allow</button>'
        '<button name="decision" value="deny">Do not allow</button></form>',
    )


def _slow() -> str:
    said = "<p>Too much was asked from here in a short time. Wait a minute, then go on.</p>"
    return _document("Too much at once", said)


def _failed() -> str:
    return _document(
        "This sign-in cannot go on",
        "<p>The address was used before, is too old, or was meant for another browser. "
        "Go back to the site you came from and begin again.</p>",
    )
