"""Who listens in the tests: streams read event by event, as a client of any make would."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from auth.partner import Partner
from referrals_town import Body, Town
from sqlmodel import Session
from web.serving import serving

from hub.app import create_app
from hub.auth import registry
from hub.auth.registry import NewClient
from hub.settings import Settings
from hub.store import Database
from schema.tables.oauth import ClientKind
from schema.vocabulary import AccessScope, Purpose

ALL = """subscription($referral: ID, $after: Int) {
  it: referralEvents(referral: $referral, afterNumber: $after) {
    number kind to referral { id case { id identity { legalName } } }
  }
}"""
SCOPES = (
    AccessScope.CASE_READ,
    AccessScope.IDENTITY_READ,
    AccessScope.RISK_READ,
    AccessScope.REFERRAL_RECEIVE,
    AccessScope.REFERRAL_SEND,
    AccessScope.REFERRAL_DECIDE,
)


class Ear:
    """One stream, as it comes."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.iter_lines()

    def raw(self) -> tuple[str, str]:
        """Give the next event with its data, or a beat."""
        name, data = "", []
        for line in self._lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data:"):
                data.append(line.removeprefix("data:").removeprefix(" "))
            elif line == ":":
                name = "beat"
            else:
                assert not line, line
                return name, "\n".join(data)
        return "end", ""

    def next(self) -> dict[str, Any]:
        """Give the next answer; beats are passed over."""
        while True:
            name, data = self.raw()
            if name != "beat":
                assert name == "next", name
                return json.loads(data)

    def event(self) -> dict[str, Any]:
        """Give what happened next."""
        answer = self.next()
        assert "errors" not in answer, answer
        return answer["data"]["it"]

    def beats(self, number: int = 3) -> list[str]:
        """Wait for so many beats; give what came meanwhile."""
        came = []
        while number:
            name, data = self.raw()
            if name == "beat":
                number -= 1
            else:
                came.append(f"{name} {data}")
        return came

    def ended(self) -> str:
        """Give the code by which it ends, having looked that it does end."""
        answer = self.next()
        (error,) = answer["errors"]
        assert self.raw() == ("complete", "")
        assert self.raw() == ("end", "")
        return error["extensions"]["code"]


@dataclass
class Street:
    """The town's bodies at the door of its hub."""

    town: Town
    database: Database
    settings: Settings
    http: httpx.Client
    url: str = ""
    clients: dict[str, Partner] = field(default_factory=dict)
    server: ExitStack = field(default_factory=ExitStack)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Serve."""
        app = create_app(self.settings, self.database, clock=self.town.clock)
        with self.server:
            self.url = self.server.enter_context(serving(app, port=self.settings.port))
            yield

    def client(self, slug: str) -> Partner:
        """Give a body's program."""
        if slug not in self.clients:
            partner = Partner(self.url, self.town.clock, self.http)
            with Session(self.town.engine) as session, session.begin():
                new = NewClient(
                    name=slug,
                    kind=ClientKind.MACHINE,
                    body=slug,
                    scopes=SCOPES,
                    purposes=[Purpose.RESIDENCY_PLACEMENT],
                    jwks=partner.jwks,
                )
                partner.id = registry.create(session, new, now=self.town.now, loopback=True).id
            self.clients[slug] = partner
        return self.clients[slug]

    def headers(self, slug: str, **more: str) -> dict[str, str]:
        """Give a new token of a body with a proof, as headers."""
        partner = self.client(slug)
        token = partner.access_token(scope=" ".join(SCOPES))
        proof = partner.proof("POST", f"{self.url}/graphql", token=token)
        return {"authorization": f"DPoP {token}", "dpop": proof, "accept": "text/event-stream"} | more

    def post(self, headers: dict[str, str], query: str, **variables: object) -> httpx.Response:
        """Send an operation; the answer is not read yet."""
        body = {"query": query, "variables": variables}
        request = self.http.build_request("POST", f"{self.url}/graphql", json=body, headers=headers)
        return self.http.send(request, stream=True)

    def listen(self, slug: str = "pen-international", query: str = ALL, **variables: object) -> Ear:
        """Open a stream of a body's program, and wait until it is heard."""
        answer = self.post(self.headers(slug), query, **variables)
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        ear = Ear(answer)
        first = ear.raw()
        assert first == ("beat", ""), first
        return ear

    def taken(self, body: Body) -> Any:
        """Bring a referral to a body's person."""
        made = self.town.received(body)
        self.town.do("take", self.town.program(body), made.referral_id)
        return made
