"""What the pages for people share: forms that only our own pages can send, cookies, and how a page is rendered.

Pages work without scripts, but for passkeys. A form counts when it comes from our origin, with the token that belongs
to the cookie of the visit or, once signed in, of the session; so nobody can be made to sign in as somebody else either.
Source: OWASP Cross-Site Request Forgery Prevention Cheat Sheet.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as mac
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from hub.auth.people import Browser, Entered, People, Session, Token, new_token
from hub.auth.people.console import same_origin
from hub.auth.people.sessions import COOKIE, cookie
from hub.errors import HubError
from hub.log import logger
from hub.web.http import Bodies, BodyTooLarge, BodyTooSlow, ClientGone

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "content-security-policy": CSP,
    "cache-control": "no-store",
    # With no-referrer browsers would send their forms with `Origin: null`.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "permissions-policy": "publickey-credentials-get=(self), publickey-credentials-create=(self)",
}
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "x-csrf-token"
VISIT: Final = "visit"
DEVICE: Final = "device"
DEVICE_SECONDS: Final = 180 * 24 * 3600
BODY_BYTES_MOST: Final = 32 * 1024
BODY_SECONDS: Final = 10.0
_FIELDS_MOST: Final = 20
_TOKEN_LETTERS: Final = range(40, 64)
_STATUS: Final = {
    "console_not_built": 503,
    "factor_refused": 422,
    "not_signed_in": 403,
    "PROVIDER_UNAVAILABLE": 503,
    "root_key_refused": 500,
    "sign_in_refused": 403,
    "stale_session": 403,
    "store_unavailable": 503,
    "too_many_tries": 429,
}

Fields: TypeAlias = Mapping[str, Any]  # Any: JSON
Handler: TypeAlias = Callable[["Visit"], Awaitable[Response]]


class FormRefused(HubError):
    """A form did not come from our own pages, or is too old."""

    code = "form_refused"
    public = "This page was open for too long, or was not opened from here. Go back, load it anew, and try again."

    def __init__(self, status: int = 403) -> None:
        super().__init__(status=status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to a page, and who sends it."""

    request: Request
    token: Token
    """Of the visit: the same for all pages of one sign-in."""
    session_token: Token | None
    session: Session | None
    fields: Fields

    @property
    def csrf(self) -> str:
        """The token that forms for this browser must carry."""
        secret = self.session_token or self.token
        return urlsafe_b64encode(mac(secret.encode(), b"csrf", sha256)).decode().rstrip("=")

    @property
    def next(self) -> str:
        """Where to go after signing in; empty where nothing fit was asked for."""
        wanted = self.text("next") or self.request.query_params.get("next", "")
        return wanted if fit_to_go(wanted) else ""

    @property
    def notice(self) -> str:
        """The name of a notice to show."""
        return self.request.query_params.get("notice", "")

    def text(self, name: str) -> str:
        """Give a field of the form; empty when it is missing."""
        value = self.fields.get(name, "")
        return value if isinstance(value, str) else ""


GOALS: Final = ("/account", "/console", "/oauth")
"""Where signing in may lead to: these paths and what lies beneath."""
_GOAL_LETTERS: Final = 2000


def fit_to_go(path: str) -> bool:
    """Tell whether an address is one of ours that signing in may lead to. No scheme, no host, no trick with slashes."""
    plain, _, _query = path.partition("?")
    if len(path) > _GOAL_LETTERS or not path.isascii() or not path.isprintable():
        return False
    if any(trick in path for trick in ("\\", " ", "#")) or any(trick in plain for trick in ("//", "..", "%", ":", "@")):
        return False
    return any(plain == goal or plain.startswith(goal + "/") for goal in GOALS)


def with_query(path: str, **query: str) -> str:
    """Write an address with those parts of a query that are not empty."""
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


class Pages:
    """Renders pages, reads forms, keeps the cookies."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.place = people.place
        self._bodies = Bodies(bytes_max=BODY_BYTES_MOST, seconds=BODY_SECONDS)
        self._origins = frozenset(origin.encode() for origin in people.place.origins)
        self._templates = Environment(
            loader=PackageLoader("hub.web", "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["moment"] = _moment

    def route(self, path: str, *, get: Handler | None = None, post: Handler | None = None) -> Route:
        """Make the route of a page."""
        handlers = {"GET": get, "HEAD": get, "POST": post}
        methods = [method for method, handler in handlers.items() if handler is not None]

        async def endpoint(request: Request) -> Response:
            handler = handlers[request.method]
            assert handler is not None
            return await self._answer(request, handler)

        return Route(path, endpoint, methods=methods)

    def render(self, visit: Visit, page: str, *, status: int = 200, **values: object) -> Response:
        """Render a page."""
        common: dict[str, object] = {
            "csrf": visit.csrf,
            "next": visit.next,
            "notice": visit.notice,
            "session": visit.session,
            "alert": None,
            "field": None,
        }
        text = self._templates.get_template(page).render(common | values)
        return HTMLResponse(text, status_code=status)

    def refuse(self, visit: Visit, page: str, error: HubError, **values: object) -> Response:
        """Render a page again with what was wrong."""
        status = _STATUS.get(error.code, 400)
        response = self.render(visit, page, status=status, alert=sentence(error), **values)
        retry = error.facts.get("retry_seconds")
        if retry is not None:
            response.headers["retry-after"] = str(retry)
        return response

    def go(self, path: str) -> Response:
        """Lead on to one of our own pages: 303, so that forms are not sent twice."""
        return RedirectResponse(path, status_code=303)

    def enter(self, response: Response, entered: Entered) -> Response:
        """Hand a new session to the browser; the visit ends here."""
        self._set(response, COOKIE, entered.token)
        self._set(response, DEVICE, entered.device, seconds=DEVICE_SECONDS)
        self._drop(response, VISIT)
        return response

    def leave(self, response: Response) -> Response:
        """Take the session from the browser."""
        self._drop(response, COOKIE)
        return response

    def browser(self, visit: Visit) -> Browser:
        """Say who knocks."""
        headers, client = visit.request.headers, visit.request.client
        forwarded = ",".join(headers.getlist("x-forwarded-for"))
        return Browser(
            token=visit.token,
            address=self.place.address(client.host if client is not None else "", forwarded),
            device=cookie(headers.get("cookie", ""), self.place.cookie(DEVICE)),
            session=visit.session_token,
        )

    async def _answer(self, request: Request, handler: Handler) -> Response:
        visit = await self._visit(request)
        try:
            if request.method == "POST":
                visit = await self._read(visit)
            response = await handler(visit)
        except ClientGone:
            return Response(status_code=400)
        except HubError as error:
            response = self._refused(visit, error)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if self._new(request) and not _sets(response, self.place.cookie(VISIT)):
            self._set(response, VISIT, visit.token)
        return response

    async def _visit(self, request: Request) -> Visit:
        header = request.headers.get("cookie", "")
        token = self._token(header, VISIT)
        session_token = self._token(header, COOKIE)
        session = None
        if session_token is not None:
            session = await run_in_threadpool(self.people.sessions.find, session_token)
        return Visit(request, token or new_token(), session_token if session is not None else None, session, {})

    async def _read(self, visit: Visit) -> Visit:
        """Read a form or JSON, and refuse what our own pages did not send."""
        headers = visit.request.headers
        origin = [value.encode() for value in headers.getlist("origin")]
        site = [value.encode() for value in headers.getlist("sec-fetch-site")]
        if not same_origin(origin, site, self._origins):
            raise FormRefused
        body = await self._bodies.read(headers.get("content-length", "").encode(), visit.request.receive)
        media = headers.get("content-type", "").partition(";")[0].strip().lower()
        fields = _parsed(media, body)
        said = headers.get(CSRF_HEADER, "") if media == JSON else fields.get(CSRF_FIELD, "")
        if not isinstance(said, str) or not compare_digest(said.encode(), visit.csrf.encode()):
            raise FormRefused
        return Visit(visit.request, visit.token, visit.session_token, visit.session, fields)

    def _refused(self, visit: Visit, error: HubError) -> Response:
        status = error.status if isinstance(error, FormRefused) else _STATUS.get(error.code, 400)
        if isinstance(error, BodyTooLarge | BodyTooSlow):
            status = 413 if isinstance(error, BodyTooLarge) else 408
        if status >= 500:  # noqa: PLR2004  # the hub's own fault
            logger().error("people.page_failed", code=error.code)
        if visit.request.headers.get("content-type", "").startswith(JSON):
            return told(error, status)
        return self.render(visit, "refused.html", status=status, alert=sentence(error))

    def _token(self, header: str, name: str) -> Token | None:
        value = cookie(header, self.place.cookie(name))
        return Token(value) if value is not None and len(value) in _TOKEN_LETTERS else None

    def _new(self, request: Request) -> bool:
        return self._token(request.headers.get("cookie", ""), VISIT) is None

    def _set(self, response: Response, name: str, value: str, *, seconds: int | None = None) -> None:
        response.set_cookie(
            self.place.cookie(name),
            value,
            max_age=seconds,
            path="/",
            secure=self.place.secure,
            httponly=True,
            samesite="lax",
        )

    def _drop(self, response: Response, name: str) -> None:
        response.delete_cookie(
            self.place.cookie(name), path="/", secure=self.place.secure, httponly=True, samesite="lax"
        )


def told(error: HubError, status: int | None = None, *, lead_to: str = "") -> Response:
    """Tell a script what was wrong."""
    body = {"error": sentence(error), "next": lead_to}
    return JSONResponse(body, status_code=status or _STATUS.get(error.code, 400))


def sentence(error: HubError) -> str:
    """Give the sentence for people."""
    said = getattr(error, "sentence", None)
    return said if isinstance(said, str) else error.public


def _parsed(media: str, body: bytes) -> Fields:
    try:
        if media == JSON:
            fields = json.loads(body)
            if not isinstance(fields, dict):
                raise FormRefused(400)
            return fields
        if media != FORM:
            raise FormRefused(415)
        pairs = parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_FIELDS_MOST, errors="replace"
        )
    except (ValueError, RecursionError):
        raise FormRefused(400) from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise FormRefused(400)
    return fields


def _sets(response: Response, name: str) -> bool:
    return any(value.startswith(f"{name}=") for value in response.headers.getlist("set-cookie"))


def _moment(time: datetime) -> str:
    """Write a time for people; the hub's people live in many zones, so in UTC."""
    return f"{time.day} {time:%b %Y, %H:%M} UTC"
