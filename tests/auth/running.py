"""The authorization server on a real socket, with a real database, a clock that is set, people signed in by name."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import uvicorn
from partner import Partner
from sqlalchemy import Engine
from sqlmodel import Session
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from hub.auth import denials, once, registry
from hub.auth.assemble import Auth, assemble
from hub.auth.dpop import check_proof
from hub.auth.errors import ClientRefused, ProofRefused, TokenRefused
from hub.auth.registry import NewClient
from hub.auth.sessions import Account
from hub.auth.tokens import subjects_of
from hub.clock import Clock
from hub.settings import ClientKeys, Settings
from hub.web.oauth import routes
from hub.web.rates import Pace
from schema.tables import AgreementRow, OrganisationRow
from schema.tables.oauth import ClientKind
from schema.vocabulary import (
    AccessScope,
    AgreementState,
    Category,
    Certainty,
    Liaison,
    OrganisationKind,
    Purpose,
    Relation,
)


def no_cookies() -> CookieJar:
    """Keep none: each test says itself which browser it is."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class People:
    """Accounts, and who is signed in: whoever the cookie `person` names."""

    clock: Clock
    accounts: dict[UUID, Account] = field(default_factory=dict)

    def add(self, *scopes: AccessScope, relation: Relation = Relation.CASEWORKER, **more: Any) -> UUID:
        account = Account(id=uuid4(), relation=relation, scopes=frozenset(scopes), **more)
        self.accounts[account.id] = account
        return account.id

    def current(self, cookie_header: str) -> Account | None:
        cookie = SimpleCookie(cookie_header).get("person")
        account = None if cookie is None else self.accounts.get(UUID(cookie.value))
        if account is None:
            return None
        return Account(
            id=account.id,
            relation=account.relation,
            organisation_id=account.organisation_id,
            city_id=account.city_id,
            scopes=account.scopes,
            amr=("hwk", "user"),
            auth_time=self.clock.now(),
        )

    def account(self, account_id: UUID) -> Account | None:
        return self.accounts.get(account_id)


@dataclass
class World:
    """A running authorization server and what it takes to play with it."""

    auth: Auth
    engine: Engine
    clock: Any
    people: People
    http: httpx.Client
    port: int
    pace: Pace

    @property
    def issuer(self) -> str:
        return self.auth.config.issuer

    @contextmanager
    def session(self) -> Iterator[Session]:
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    def body(self, slug: str = "pen", *, categories: tuple = tuple(Category), purposes: tuple = tuple(Purpose), **more):
        """Make a body with an agreement in force."""
        with self.session() as session:
            row = OrganisationRow(
                slug=slug,
                name=slug,
                kind=next(iter(OrganisationKind)),
                certainty=Certainty.SYNTHETIC,
                refers_to_icorn=next(iter(Liaison)),
                receives_from_icorn=next(iter(Liaison)),
            )
            session.add(row)
            session.flush()
            session.add(
                AgreementRow(
                    **{
                        "organisation_id": row.id,
                        "state": AgreementState.IN_FORCE,
                        "categories": list(categories),
                        "purposes": list(purposes),
                        "certainty": Certainty.SYNTHETIC,
                    }
                    | more
                )
            )
        return row.id

    def client(self, kind: ClientKind, *, algorithm: str = "ES256", **more: Any) -> Partner:
        """Make a client with keys of its own."""
        partner = Partner(self.issuer, self.clock, self.http, algorithm=algorithm)
        if "jwks_uri" not in more:
            more["jwks"] = partner.jwks
        with self.session() as session:
            new = NewClient(name=f"{kind.value} client", kind=kind, **more)
            partner.id = registry.create(session, new, now=self.clock.now(), loopback=True).id
        return partner

    def machine(self, *scopes: AccessScope, body: str | None = "pen", **more: Any) -> Partner:
        """Make a body's program; the body too, where there is none yet."""
        if body is not None:
            try:
                with self.session() as session:
                    registry.body(session, body)
            except ClientRefused:
                self.body(body)
        scopes = scopes or (AccessScope.NETWORK_READ, AccessScope.REFERRAL_SEND)
        return self.client(ClientKind.MACHINE, body=body, scopes=scopes, **more)

    def web(self, *scopes: AccessScope, **more: Any) -> Partner:
        """Make a site where people sign in; the hub's own unless told otherwise."""
        base = {"first_party": True, "redirect_uris": ["https://console.example/back"]}
        scopes = scopes or (AccessScope.NETWORK_READ, AccessScope.CASE_READ)
        return self.client(ClientKind.WEB, **(base | {"scopes": scopes} | more))

    def gateway(self, *scopes: AccessScope, **more: Any) -> Partner:
        scopes = scopes or (AccessScope.NETWORK_READ, AccessScope.REFERRAL_SEND)
        return self.client(ClientKind.GATEWAY, **({"scopes": scopes} | more))


def resource(auth: Auth, engine: Engine, clock: Clock) -> Route:
    """Stand in for the graph: everything a resource server must check, and what it learned."""

    async def answer(request: Request) -> JSONResponse:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        proofs = request.headers.getlist("dpop")
        if scheme != "DPoP" or len(proofs) != 1:
            return JSONResponse({"error": "invalid_token", "reason": "scheme"}, 401)
        try:
            claims = await auth.verifier.verified(token)
            proof = check_proof(
                proofs[0], method=request.method, url=auth.config.resource, now=clock.now(), token=token, jkt=claims.jkt
            )
        except (TokenRefused, ProofRefused) as error:
            return JSONResponse({"error": error.code, "reason": error.reason}, 401)

        def look() -> str | None:
            with Session(engine) as session, session.begin():
                if denials.denied(session, subjects_of(claims), issued_at=claims.issued_at, now=clock.now()):
                    return "denied"
                if not once.use_proof(session, proof.hash, expires_at=proof.expires_at):
                    return "replayed"
            return None

        refused = await run_in_threadpool(look)
        if refused is not None:
            return JSONResponse({"error": "invalid_token", "reason": refused}, 401)
        return JSONResponse({"sub": claims.sub, "client_id": claims.client_id, "scopes": sorted(claims.scopes)})

    return Route("/graphql", answer)


@contextmanager
def served(app: Starlette, listening: socket.socket) -> Iterator[None]:
    """Serve on a socket that listens already, from a thread of its own."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield
    server.should_exit = True
    thread.join()


def peer(scope: Any) -> str:
    """Tell where a request comes from: where it says, as it does to a proxy."""
    return dict(scope["headers"]).get(b"x-from", b"127.0.0.1").decode()


@contextmanager
def world(engine: Engine, folder: Path, clock: Clock, **settings: Any) -> Iterator[World]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        port = listening.getsockname()[1]
        base = {"data_dir": folder, "port": port, "client_keys": ClientKeys.LOOPBACK, "oauth_per_minute": 10**9}
        people = People(clock)
        given = Settings(**(base | settings))
        pace = Pace(given.oauth_per_minute, time.monotonic)
        auth = assemble(given, engine, sessions=people, clock=clock, admit=pace.admit)
        app = Starlette(routes=[*routes(auth, pace, peer), resource(auth, engine, clock)])
        with served(app, listening), httpx.Client(timeout=10, cookies=no_cookies()) as http:
            yield World(auth, engine, clock, people, http, port, pace)
