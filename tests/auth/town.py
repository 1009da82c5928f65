"""A provider that other people wrote, its clients, and hubs that take its tokens, on real sockets."""

import json
import socket
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from partner import MISSING, Partner, new_key, signed
from running import no_cookies
from sqlmodel import Session
from web import node
from web.serving import root_key, serving

from hub.app import STREAMS, create_app
from hub.auth import registry
from hub.auth.registry import NewClient
from hub.clock import SystemClock
from hub.settings import ClaimNames, ClientKeys, Settings
from schema.tables import AgreementRow, CityRow, OrganisationRow
from schema.tables.oauth import ClientKind
from schema.vocabulary import (
    AccessScope,
    AgreementState,
    Category,
    Certainty,
    CityKind,
    Liaison,
    MembershipStatus,
    OrganisationKind,
    Purpose,
    Region,
)

HERE = Path(__file__).parent / "openid"
NAMES = ClaimNames.read("body=organisation roles=realm.roles city=city")
ASKED = """{ viewer { relation scopes purposes tokenExpiresAt organisation { slug } city { slug } } }"""
IDS = ("program", "site", "stranger", "liar", "desk", "lead", "host", "nowhere", "unknown", "poser")
CLAIMS = {
    "liar": {"organisation": "sar"},
    "desk": {"realm": {"roles": ["offline_access", "caseworker"]}},
    "lead": {"realm": {"roles": "lead"}},
    "host": {"realm": {"roles": ["city_host"]}, "city": "no-oslo"},
    "nowhere": {"realm": {"roles": ["city_host"]}, "city": "no-where"},
    "unknown": {"organisation": "nobody"},
    "site": {"organisation": "pen", "realm": {"roles": ["partner_agreement"]}},
    "poser": {"realm": {"roles": ["lead"]}},
}
SCOPES = [AccessScope.NETWORK_READ, AccessScope.STATS_READ, AccessScope.HEALTH_READ]


@dataclass
class Watch:
    """A watch that goes on by itself, and can be set forward."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@dataclass
class Town:
    """A provider, its clients, and a hub that takes its tokens."""

    issuer: str
    port: int
    http: httpx.Client
    clients: dict[str, Partner]
    key: Any = field(default_factory=new_key)
    kid: str = "first"
    algorithm: str = "ES256"
    hub: str = ""
    engine: Any = None
    watch: Watch = field(default_factory=Watch)
    sites: list[dict] = field(default_factory=list)

    @contextmanager
    def providing(self):
        """Run the provider."""
        told = {
            "issuer": self.issuer,
            "port": self.port,
            "jwks": {"keys": [self.key.as_dict(private=True) | {"kid": self.kid, "use": "sig", "alg": self.algorithm}]},
            "algorithm": self.algorithm,
            "clients": [{"id": one.id, "jwks": one.jwks} for one in self.clients.values()],
            "claims": CLAIMS,
            "sites": self.sites,
            "scopes": ["openid", *(scope.value for scope in AccessScope)],
        }
        with node.running("provider.mjs", json.dumps(told), folder=HERE) as process:
            yield process

    @contextmanager
    def asking(self, database, *, patience=STREAMS, **settings):
        """Run a hub over the database, and point at it."""
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            port = free.getsockname()[1]
        base = {
            "port": port,
            "base_url": "https://hub.example",
            "root_key_file": root_key(),
            "client_keys": ClientKeys.LOOPBACK,
            "openid_issuer": self.issuer,
            "openid_claims": NAMES,
        }
        before = self.hub
        app = create_app(Settings(**(base | settings)), database, watch=self.watch, stream_patience=patience)
        with serving(app) as self.hub:
            yield self
        self.hub = before

    @property
    def resource(self) -> str:
        return "https://hub.example/graphql"

    def token(self, name: str = "program", *, scope: str = "network:read", **more: Any) -> str:
        """Ask the provider for a token."""
        return self.clients[name].access_token(**({"resource": self.resource, "scope": scope} | more))

    def forged(self, name: str = "program", *, key: Any = None, header: dict | None = None, **claims: Any) -> str:
        """Sign what the provider would never sign, by its key unless told otherwise."""
        now = int(time.time())
        base = {
            "iss": self.issuer,
            "sub": name,
            "aud": self.resource,
            "client_id": name,
            "iat": now,
            "exp": now + 300,
            "jti": str(uuid4()),
            "scope": "network:read",
            "cnf": {"jkt": self.clients[name].jkt},
        }
        head = {"typ": "at+jwt", "alg": self.algorithm, "kid": self.kid}
        return signed(head | (header or {}), base | claims, key or self.key)

    def ask(self, token: str, name: str = "program", *, scheme: str = "DPoP", proof: Any = None) -> httpx.Response:
        if proof is None:
            proof = self.clients[name].proof("POST", self.resource, token=token)
        headers = {"Authorization": f"{scheme} {token}"} | ({} if proof is MISSING else {"DPoP": proof})
        return self.http.post(f"{self.hub}/graphql", json={"query": ASKED}, headers=headers)

    def viewer(self, token: str, name: str = "program", **more: Any) -> dict:
        answer = self.ask(token, name, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]["viewer"]

    def refuses(self, token: str, name: str = "program", **more: Any) -> bool:
        answer = self.ask(token, name, **more)
        assert answer.status_code in {200, 401}, answer.text
        if answer.status_code == 401:
            assert answer.json() == {
                "errors": [{"message": "The credentials do not hold.", "extensions": {"code": "UNAUTHORIZED"}}]
            }
        return answer.status_code == 401

    @contextmanager
    def session(self):
        with Session(self.engine) as session, session.begin():
            yield session


def body(session, slug, **more):
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
    base = {"state": AgreementState.IN_FORCE, "categories": [], "purposes": [Purpose.RESIDENCY_PLACEMENT]}
    session.add(AgreementRow(organisation_id=row.id, certainty=Certainty.SYNTHETIC, **(base | more)))


def populate(engine):
    """Tell the hub of the provider's clients: all but the stranger."""
    now = SystemClock().now()
    with Session(engine) as session, session.begin():
        body(session, "pen")
        body(session, "sar", categories=list(Category))
        session.add(
            CityRow(
                slug="no-oslo",
                name="Oslo",
                country="NO",
                kind=next(iter(CityKind)),
                region=next(iter(Region)),
                status=MembershipStatus.MEMBER,
                certainty=Certainty.SYNTHETIC,
            )
        )
        for name in IDS:
            if name == "stranger":
                continue
            of_pen = name in {"program", "liar", "poser"}
            new = NewClient(
                name=name,
                kind=ClientKind.PROVIDED,
                id=name,
                body="pen" if of_pen else None,
                scopes=SCOPES,
                purposes=[Purpose.RESIDENCY_PLACEMENT, Purpose.ADVOCACY] if of_pen else [],
            )
            registry.create(session, new, now=now)


@contextmanager
def settled(database):
    """A provider that does not run yet, its clients, and a database that knows them."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    issuer = f"http://127.0.0.1:{port}"
    with httpx.Client(timeout=20, cookies=no_cookies()) as http:
        engine = database.engine()
        populate(engine)
        clients = {name: Partner(issuer, SystemClock(), http, id=name) for name in IDS}
        yield Town(issuer, port, http, clients, engine=engine)
        engine.dispose()


def own_client(town):
    """Make a client of the hub's own, which speaks to the hub under the name the hub has for the world."""
    own = Partner("https://hub.example", SystemClock(), town.http)
    with town.session() as session:
        new = NewClient(name="own", kind=ClientKind.MACHINE, body="pen", scopes=SCOPES, jwks=own.jwks)
        own.id = registry.create(session, new, now=SystemClock().now()).id
    return own


def own_token(town, own):
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": own.assertion(),
    }
    headers = {"DPoP": own.proof("POST", own.url("token"))}
    return town.http.post(f"{town.hub}/oauth/token", data=form, headers=headers)
