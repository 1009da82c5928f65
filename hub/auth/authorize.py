"""From a pushed request to a code: the client pushes, a browser takes, a person decides. Each of them happens once.

RFC 9126 (pushed authorization requests, required of everybody), RFC 7636 (S256 only), RFC 9207 (iss in the answer). The
browser that took a request gets a cookie, and only it may go on: a link to somebody else's half-finished sign-in is
worth nothing. The person goes to /signin and comes back with a ticket, as a request_uri lives 90 s and is used by then.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import urlencode, urlsplit

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError, UnauthorizedClientError
from sqlalchemy import select, update
from sqlmodel import col

from hub.auth import once
from hub.auth.clients import METHOD, Client
from hub.auth.config import PUSHED, TICKET
from hub.auth.grants import CHALLENGE, Code
from hub.auth.request import NO_STORE, Form, Headers, Reply, Request
from hub.auth.server import InvalidProof, Server
from hub.auth.sessions import Account
from hub.auth.text import random_text
from schema.tables import PushedRequestRow
from schema.vocabulary import AccessScope

URN: Final = "urn:ietf:params:oauth:request_uri:"
_KEPT: Final = (
    *("response_type", "client_id", "redirect_uri", "scope", "state"),
    *("code_challenge", "code_challenge_method", "resource"),
)
_TEXT_CHARS: Final = 43
_JKT_CHARS: Final = 43


class _NotSupported(OAuth2Error):
    """A parameter asks for what there is not."""

    def __init__(self, error: str) -> None:
        super().__init__(error=error)


@dataclass(frozen=True, slots=True)
class Consent:
    """A page that asks a person whether to let a client in."""

    client_name: str
    scopes: tuple[AccessScope, ...]
    ticket: str
    csrf: str
    returns_to: str
    """Origin of the client: the form's answer leads there, which the page's policy must allow."""
    headers: Headers


@dataclass(frozen=True, slots=True)
class Failed:
    """A page that says that it cannot go on. It leads nowhere: who sent the person is not known for sure."""

    status: int = 400


Step = Reply | Consent | Failed


def push(server: Server, form: Form) -> Reply:
    """Take a pushed authorization request: RFC 9126, section 2.1."""
    return server.answer("par", form, lambda request: _pushed(server, request))


def _pushed(server: Server, request: Request) -> Reply:
    try:
        client = server.authenticate_client(request, [METHOD], "par")
        _check_pushed(server, request, client)
    except OAuth2Error as error:
        error.redirect_uri = None
        return server.refusal(request, error)
    text, now = random_text(), server.now
    server.session.add(
        PushedRequestRow(
            hash=once.hashed(text),
            client_id=client.id,
            parameters={name: request.payload.data[name] for name in _KEPT if name in request.payload.data},
            jkt=request.jkt,
            expires_at=now + PUSHED,
        )
    )
    return server.handle_response(201, {"request_uri": URN + text, "expires_in": int(PUSHED.total_seconds())}, ())


def _check_pushed(server: Server, request: Request, client: Client) -> None:
    """Check a request as the authorization endpoint would: RFC 9126, section 2.1, item 3."""
    given = request.given
    if given("request_uri") is not None:
        raise InvalidRequestError("A pushed request holds no request_uri.")
    if given("request") is not None:
        raise _NotSupported("request_not_supported")
    if given("client_id") != client.id:
        raise InvalidRequestError("Name the client that sends the request.")
    if not client.check_grant_type("authorization_code"):
        raise UnauthorizedClientError
    if given("response_type") != "code" or given("response_mode") not in {None, "query"}:
        raise _NotSupported("unsupported_response_type")
    if given("code_challenge_method") != "S256" or CHALLENGE.fullmatch(given("code_challenge") or "") is None:
        raise InvalidRequestError("Send a code_challenge by S256.")
    server.target(request)
    if request.form_values.proofs:
        server.prove(request, client)
    request.jkt = given("dpop_jkt")
    if request.jkt is not None and len(request.jkt) != _JKT_CHARS:
        raise InvalidRequestError("dpop_jkt is the SHA-256 thumbprint of a key.")
    if request.proof is not None:
        if request.jkt not in {None, request.proof.jkt}:
            raise InvalidProof("The proof is of another key than dpop_jkt.")
        request.jkt = request.proof.jkt
    grant = server.get_authorization_grant(request)
    assert isinstance(grant, Code)
    grant.validate_consent_request()


def begin(server: Server, query: Mapping[str, str], cookies: str) -> Step:
    """Answer the authorization endpoint: RFC 6749, section 3.1, with a pushed request or a ticket of ours, only."""
    return server.within(lambda: _begun(server, query, cookies))


def _begun(server: Server, query: Mapping[str, str], cookies: str) -> Step:
    browser = _browser(server, cookies)
    headers: Headers = ()
    if "ticket" in query:
        ticket = query["ticket"]
    else:
        taken_by = browser or random_text()
        fresh = _taken(server, query.get("request_uri", ""), query.get("client_id", ""), taken_by)
        if fresh is None:
            return Failed()
        ticket, browser = fresh, taken_by
        headers = (("Set-Cookie", _cookie(server, browser)),)
    row = _waiting(server, ticket, browser)
    client = None if row is None else server.query_client(row.client_id)
    if row is None or client is None:
        return Failed()
    account = server.sessions.current(cookies)
    if account is None:
        back = "/oauth/authorize?" + urlencode({"ticket": ticket})
        location = f"{server.config.issuer}/signin?" + urlencode({"next": server.config.path + back})
        return Reply(303, None, (("Location", location), *NO_STORE, *headers))
    if client.first_party:
        return _decided(server, ticket, browser, account, allowed=True, headers=headers)
    named = row.parameters.get("scope", "").split() or [scope.value for scope in client.scopes & account.scopes]
    to = urlsplit(row.parameters["redirect_uri"])
    return Consent(
        client_name=client.name,
        scopes=tuple(scope for scope in AccessScope if scope.value in named),
        ticket=ticket,
        csrf=_csrf(server, ticket, account),
        returns_to=f"{to.scheme}://{to.netloc}",
        headers=headers,
    )


def decide(server: Server, fields: Mapping[str, str], cookies: str) -> Step:
    """Take the person's decision off the form of the page: once, from the browser that took the request."""
    return server.within(lambda: _chosen(server, fields, cookies))


def _chosen(server: Server, fields: Mapping[str, str], cookies: str) -> Step:
    account = server.sessions.current(cookies)
    ticket = fields.get("ticket", "")
    if account is None or not hmac.compare_digest(
        fields.get("csrf", "").encode(), _csrf(server, ticket, account).encode()
    ):
        return Failed(403)
    return _decided(server, ticket, _browser(server, cookies), account, allowed=fields.get("decision") == "allow")


def _taken(server: Server, request_uri: str, client_id: str, browser: str) -> str | None:
    """Use up a request_uri by one statement, and give the ticket that stands for it from now on."""
    row, now, ticket = PushedRequestRow, server.now, random_text()
    taken = (
        update(row)
        .where(
            col(row.hash) == once.hashed(request_uri.removeprefix(URN)),
            col(row.client_id) == client_id,
            col(row.taken_at).is_(None),
            col(row.expires_at) > now,
        )
        .values(taken_at=now, ticket=once.hashed(ticket), browser=once.hashed(browser), expires_at=now + TICKET)
        .returning(col(row.client_id))
    )
    return None if server.session.execute(taken).first() is None else ticket


def _waiting(server: Server, ticket: str, browser: str | None) -> PushedRequestRow | None:
    """Find a request that this browser took and nobody has decided."""
    row = PushedRequestRow
    found = select(row).where(
        col(row.ticket) == once.hashed(ticket),
        col(row.browser) == once.hashed(browser or ""),
        col(row.decided_at).is_(None),
        col(row.expires_at) > server.now,
    )
    return server.session.execute(found).scalar_one_or_none()


def _decided(
    server: Server, ticket: str, browser: str | None, account: Account, *, allowed: bool, headers: Headers = ()
) -> Step:
    """Settle a request by one statement, and send the browser back with a code or a refusal."""
    row, now = PushedRequestRow, server.now
    settled = (
        update(row)
        .where(
            col(row.ticket) == once.hashed(ticket),
            col(row.browser) == once.hashed(browser or ""),
            col(row.decided_at).is_(None),
            col(row.expires_at) > now,
        )
        .values(decided_at=now)
        .returning(col(row.parameters), col(row.jkt))
    )
    found = server.session.execute(settled).first()
    if found is None:
        return Failed()
    request = Request(server.config.endpoint("authorize"), Form(tuple(found.parameters.items())))
    request.jkt = found.jkt
    try:
        grant = server.get_authorization_grant(request)
    except OAuth2Error:
        return Failed()
    reply = server.create_authorization_response(request, grant_user=account if allowed else None, grant=grant)
    assert isinstance(reply, Reply)
    return Failed() if reply.header("Location") is None else reply.with_headers(*headers)


def _csrf(server: Server, ticket: str, account: Account) -> str:
    key = server.root.derive("consent form")
    return urlsafe_b64encode(hmac.digest(key, f"{ticket}\n{account.id}".encode(), "sha256")).decode()


def _cookie_name(server: Server) -> str:
    return "__Host-hub-authorize" if server.config.secure else "hub-authorize"


def _cookie(server: Server, browser: str) -> str:
    secure = "; Secure" if server.config.secure else ""
    seconds = int(TICKET.total_seconds())
    return f"{_cookie_name(server)}={browser}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


def _browser(server: Server, cookies: str) -> str | None:
    try:
        found = SimpleCookie(cookies).get(_cookie_name(server))
    except CookieError:
        return None
    return found.value if found is not None and len(found.value) == _TEXT_CHARS else None
