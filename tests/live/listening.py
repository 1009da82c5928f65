"""Who listens in the tests: streams read event by event, as a client of any make would."""

import json
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from auth.partner import Partner
from databases import cloned
from referrals_town import Body, Town
from sqlmodel import Session
from web.serving import serving
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from hub.app import create_app
from hub.auth import registry
from hub.auth.people import People, Place
from hub.auth.registry import NewClient
from hub.auth.root import RootKey
from hub.live import StreamPatience
from hub.settings import ClientKeys, Delivery, Settings
from hub.store import Database
from hub.web.connection import bounds
from schema.tables.oauth import ClientKind
from schema.tables.people import Stage
from schema.vocabulary import AccessScope, Purpose

PEN = "pen-international"
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
SUBPROTOCOL = "graphql-transport-ws"
Proofs = dict[str, str]
FAST = StreamPatience(beat=0.2)
BEATS_MOST = 100
"""Beats for which an answer is waited for."""


class TooMany(Exception):
    """The hub opens no more streams."""


class Ear(ABC):
    """One stream, as it comes."""

    request_id: str

    @abstractmethod
    def raw(self) -> tuple[str, str]:
        """Give what comes next: `next` with its data, `beat`, or how it goes on."""

    @abstractmethod
    def ended(self) -> str:
        """Give the code by which it ends, having looked that it does end."""

    @abstractmethod
    def close(self) -> None:
        """Listen no more."""

    def next(self) -> dict[str, Any]:
        """Give the next answer; some beats are passed over."""
        name, data = self.told()
        assert name == "next", name
        return json.loads(data)

    def told(self) -> tuple[str, str]:
        """Give what comes next but beats."""
        came = (self.raw() for _ in range(BEATS_MOST))
        return next(each for each in came if each[0] != "beat")

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


class EventsEar(Ear):
    """A stream of server-sent events."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.request_id = answer.headers["x-request-id"]
        self._lines = answer.iter_lines()

    def raw(self) -> tuple[str, str]:
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

    def ended(self) -> str:
        answer = self.next()
        (error,) = answer["errors"]
        assert self.raw() == ("complete", "")
        assert self.raw() == ("end", "")
        return error["extensions"]["code"]

    def close(self) -> None:
        self.answer.close()


class SocketEar(Ear):
    """A subscription in a WebSocket of its own."""

    def __init__(self, socket: ClientConnection, query: str, **variables: object) -> None:
        assert socket.response is not None
        self.socket = socket
        self.request_id = socket.response.headers["x-request-id"]
        say(socket, type="subscribe", id="it", payload={"query": query, "variables": variables})

    def raw(self) -> tuple[str, str]:
        message = json.loads(self.socket.recv(20))
        if message["type"] == "ping":
            # Nobody takes it where the hub has hung up meanwhile; what it said before is read all the same.
            with suppress(ConnectionClosed):
                say(self.socket, type="pong")
            return "beat", ""
        assert message["id"] == "it"
        return message["type"], json.dumps(message.get("payload"))

    def ended(self) -> str:
        name, data = self.told()
        assert name == "error", name
        ((error,), how) = json.loads(data), hung_up(self.socket)
        code = error["extensions"]["code"]
        assert how == (1012 if code == "SERVER_STOPPING" else 4403, code)
        return code

    def close(self) -> None:
        self.socket.close()


def say(socket: ClientConnection, **message: object) -> None:
    """Send a message of the protocol."""
    socket.send(json.dumps(message))


def hung_up(socket: ClientConnection, *, any_more: bool = False) -> tuple[int, str]:
    """Give code and reason by which the hub hangs up.

    Args:
        socket: an open one.
        any_more: whether something else may come before.
    """
    came = []
    with pytest.raises(ConnectionClosed) as closed:
        came.extend(iter(lambda: socket.recv(20), None))
    assert any_more or not came, came
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


@dataclass
class Street:
    """The town's bodies at the door of its hub."""

    town: Town
    database: Database
    settings: Settings
    http: httpx.Client
    url: str = ""
    way: str = "events"
    last_token: str = ""
    clients: dict[str, Partner] = field(default_factory=dict)
    server: ExitStack = field(default_factory=ExitStack)
    ears: ExitStack = field(default_factory=ExitStack)

    @contextmanager
    def open(self, *, ws: Any = None, **more: Any) -> Iterator[None]:
        """Serve, with these ways of waiting."""
        app = create_app(self.settings, self.database, clock=self.town.clock, **more)
        given = bounds(self.settings) | ({} if ws is None else {"ws": ws})
        with self.server:
            self.url = self.server.enter_context(serving(app, port=self.settings.port, **given))
            try:
                yield
            finally:
                self.leave()

    def leave(self) -> None:
        """Let nobody listen any more."""
        self.ears.close()

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

    def token(self, slug: str = PEN) -> str:
        """Give a new token of a body."""
        return self.client(slug).access_token(scope=" ".join(SCOPES))

    def proved(self, token: str, method: str, slug: str = PEN, **claims: object) -> Proofs:
        """Give headers of a token with a new proof."""
        proof = self.client(slug).proof(method, f"{self.url}/graphql", **({"token": token} | claims))
        return {"authorization": f"DPoP {token}", "dpop": proof}

    def headers(self, slug: str = PEN, **more: str) -> dict[str, str]:
        """Give a new token of a body with a proof, as headers of a request for events."""
        return self.proved(self.token(slug), "POST", slug) | {"accept": "text/event-stream"} | more

    def session(self, account: UUID | None = None) -> dict[str, str]:
        """Sign somebody in, the lead unless told otherwise; give the cookie."""
        place = Place.of(self.settings)
        people = People(self.town.engine, self.town.clock, place, RootKey.load(self.settings.root_key))
        with self.town.engine.begin() as connection:
            token = people.sessions.start(connection, account or self.town.lead, stage=Stage.FULL, amr=("hwk",))
        return {"cookie": f"{place.cookie('session')}={token}"}

    def post(self, headers: dict[str, str], query: str, **variables: object) -> httpx.Response:
        """Send an operation; the answer is not read yet."""
        body = {"query": query, "variables": variables}
        request = self.http.build_request("POST", f"{self.url}/graphql", json=body, headers=headers)
        answer = self.http.send(request, stream=True)
        self.ears.callback(answer.close)
        return answer

    def socket(self, headers: dict[str, str] | None = None, **more: Any) -> ClientConnection:
        """Open a WebSocket; nothing is said yet."""
        url = f"{self.url.replace('http', 'ws', 1)}/graphql"
        given = {"subprotocols": [SUBPROTOCOL], "proxy": None, "compression": None, "max_queue": None} | more
        return self.ears.enter_context(connect(url, additional_headers=headers, **given))

    def introduced(self, said: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> ClientConnection:
        """Open a WebSocket, and say who it is."""
        socket = self.socket(headers)
        say(socket, type="connection_init", **({} if said is None else {"payload": said}))
        assert json.loads(socket.recv(20)) == {"type": "connection_ack"}
        return socket

    def listen(self, slug: str = PEN, query: str = ALL, **variables: object) -> Ear:
        """Open a stream of a body's program, and wait until it is heard."""
        return self._heard(lambda: self._opened(slug, query, variables))

    def at_the_console(self, query: str = ALL, account: UUID | None = None) -> Ear:
        """Open a stream in a new session, and wait until it is heard."""
        cookie = self.session(account) | {"origin": self.url}
        if self.way == "socket":
            return self._heard(lambda: SocketEar(self.introduced({"x-hub-console": "1"}, cookie), query))
        cookie |= {"accept": "text/event-stream", "x-hub-console": "1"}
        return self._heard(lambda: EventsEar(self.post(cookie, query)))

    def _opened(self, slug: str, query: str, variables: dict[str, object]) -> Ear:
        self.last_token = self.token(slug)
        if self.way == "socket":
            return SocketEar(self.introduced(self.proved(self.last_token, "GET", slug)), query, **variables)
        headers = self.proved(self.last_token, "POST", slug) | {"accept": "text/event-stream"}
        answer = self.post(headers, query, **variables)
        assert answer.status_code in {200, 429}, answer.read()
        if answer.status_code == 429:
            raise TooMany
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        return EventsEar(answer)

    @staticmethod
    def _heard(opened: Any) -> Ear:
        """Wait for the first beat; who left a moment ago may be counted still."""
        deadline = time.monotonic() + 5
        while True:
            try:
                ear = opened()
                name, data = ear.raw()
                if name == "error" and "TOO_MANY_STREAMS" in data:
                    raise TooMany  # noqa: TRY301  # the same as by HTTP
            except (TooMany, ConnectionClosed):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            else:
                assert name == "beat", (name, data)
                return ear

    def taken(self, body: Body) -> Any:
        """Bring a referral to a body's person."""
        made = self.town.received(body)
        self.town.do("take", self.town.program(body), made.referral_id)
        return made


@contextmanager
def opened(
    template: Database, folder: Path, patience: StreamPatience = FAST, more: dict[str, int] | None = None, **how: object
) -> Iterator[Street]:
    """Open a town and its hub.

    Args:
        template: a database with the facts.
        folder: for the hub's own files.
        patience: how long its streams wait.
        more: settings beside its own.
        how: to serve it, as `Street.open` takes it.
    """
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    settings = Settings(
        data_dir=folder,
        port=port,
        client_keys=ClientKeys.LOOPBACK,
        delivery=Delivery.ELSEWHERE,
        streams_of_one=3,
        **(more or {}),
        oauth_per_minute=10**6,
    )
    with cloned(template) as database, httpx.Client(timeout=20) as http:
        engine = database.engine()
        street = Street(Town(engine, derive=RootKey.load(settings.root_key).derive), database, settings, http)
        try:
            with street.open(stream_patience=patience, **how):
                yield street
        finally:
            engine.dispose()
