"""Wiring: the one file that knows every room. It decides nothing."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.types import Scope

from hub.auth.assemble import assemble
from hub.auth.config import AuthConfig
from hub.auth.people import People, Place
from hub.auth.resource import ResourceServer
from hub.auth.root import RootKey
from hub.changes import Changes, sweep_keys
from hub.changes.services import services
from hub.clock import Clock, SystemClock
from hub.delivery import Patience, Running, Worker
from hub.delivery.inbound import Exchange, Partners
from hub.delivery.outbox import HandoffOutbox
from hub.live import Listening, Live, Places, StreamPatience
from hub.operations import Operations, Persons
from hub.partners import Book, Door, OwnKeys
from hub.planner import Limits, Planner
from hub.referrals.clockwork import LOOK_SECONDS, Clockwork
from hub.referrals.exchange import Arriving, Serving
from hub.referrals.handing import handlers
from hub.referrals.office import Office
from hub.referrals.service import Referrals
from hub.settings import Delivery, PartnerPlaces, Settings
from hub.store import Database, Reader
from hub.store.sealed import Sealing
from hub.store.vault import Vault
from hub.store.veil import Veil
from hub.web import handoff, oauth
from hub.web.console import Built, console_routes
from hub.web.events import BEAT, EventStreams
from hub.web.forms import Pages
from hub.web.graphql import GraphQLEndpoint
from hub.web.rates import Allowance, Pace, Rates
from hub.web.routes import Site
from hub.web.signin import people_routes
from hub.web.sockets import Sockets
from hub.web.streams import Streams
from schema.root import SCHEMA

_CHORES: Final = (sweep_keys,)
_IDLE_SECONDS: Final = 1.0
"""How long a connection that deliveries use may lie idle and still be taken for alive."""
STREAMS: Final = StreamPatience()


@dataclass(frozen=True, slots=True)
class _Desk:
    """Referrals, and what they are to partners."""

    referrals: Referrals
    exchange: Exchange


def _desk(partners: Partners, root: RootKey, clock: Clock) -> _Desk:
    office = Office(
        vault=Vault(Sealing(root.derive)),
        me=partners.me,
        outbox=HandoffOutbox(),
        partner_of=partners.partner_of,
    )
    return _Desk(Referrals(office), Exchange(handlers(office), Arriving(office, clock), Serving(office)))


def create_app(
    settings: Settings,
    database: Database,
    clock: Clock | None = None,
    watch: Callable[[], float] = time.monotonic,
    *,
    exchange: Callable[[Partners], Exchange] | None = None,
    patience: Patience | None = None,
    look_seconds: float = LOOK_SECONDS,
    stream_patience: StreamPatience = STREAMS,
    beat: bytes = BEAT,
) -> Site:
    """Build the hub over an open database whose tables are up to date; all connections are closed at the end.

    Args:
        settings: what the operator decided.
        database: where data live.
        clock: tells the time.
        watch: tells how much of it passes, to those who only wait.
        exchange: gives who knows what partners are told, and what they tell; referrals do when absent.
        patience: how long deliveries take at most.
        look_seconds: how long from one look at the clocks of referrals to the next.
        stream_patience: how long streams wait for what.
        beat: what shows by server-sent events that a stream is open.
    """
    clock = clock or SystemClock()
    engine = database.engine(bounded=True)
    reader = Reader(
        database.reading,
        connections=settings.read_connections,
        statement_timeout_ms=settings.statement_timeout_ms,
    )
    audited = Reader(
        database.reading,
        connections=settings.read_connections,
        statement_timeout_ms=settings.statement_timeout_ms,
        application_name="icorn-hub-audited",
        appends=True,
    )
    proofs = Reader(database.writing, connections=2, application_name="icorn-hub-proofs", writes=True)
    place = Place.of(settings)
    root = RootKey.load(settings.root_key)
    people = People(engine, clock, place, root)
    pace = Pace(settings.oauth_per_minute, watch)
    auth = assemble(settings, engine, sessions=people.sessions, clock=clock, watch=watch, admit=pace.admit)
    limits = Limits(
        depth=settings.depth_max,
        cost=settings.cost_max,
        cost_per_window=settings.cost_per_minute,
        window_seconds=60,
        at_once=settings.requests_at_once,
    )
    planner = Planner(SCHEMA, limits)
    sign_in = None if auth.provider is None else auth.provider.sign_in
    resource = ResourceServer(auth, people.console, proofs, clock)
    keys = OwnKeys(engine, auth.root, clock, auth.config.issuer)
    book = _book(settings, engine, keys, clock)
    desk = _desk(book, root, clock)
    known = desk.exchange if exchange is None else exchange(book)
    clockwork = Clockwork(engine, desk.referrals, clock, chores=_CHORES, seconds=look_seconds)
    veil, sealing = Veil(root.derive), Sealing(root.derive)
    # Partners come again, as we do: both ways a connection is taken for alive a moment after it was.
    letting_in = database.engine(bounded=True, idle_seconds=_IDLE_SECONDS)
    door = Door(letting_in, book, resource, known, clock, base=settings.public_url)
    # Connections of its own: who asks does not wait for what is brought, nor the other way round.
    bringing = database.engine(bounded=True, idle_seconds=_IDLE_SECONDS)
    running = Running(Worker(bringing, known.handlers, clock, patience=patience), database.conninfo)
    operations = Operations(
        reader=reader,
        clock=clock,
        planner=planner,
        changes=Changes(engine, SCHEMA, planner.catalogue, services(desk.referrals, veil), sealing.mark),
        persons=Persons(audited, sealing, veil),
    )
    rates = Rates(Allowance(cost=limits.cost_per_window, seconds=limits.window_seconds, at_once=limits.at_once), watch)
    listening = Listening(database.reading, reader)
    # Counted apart, so that strangers take no place from those who are known, nor sockets from what is told on them.
    places = partial(Places, settings.streams, settings.streams_of_one)
    live = Live(operations, listening, places(), beat_seconds=stream_patience.beat)
    streams = Streams(live, door=resource, rates=rates)
    graphql = GraphQLEndpoint(
        operations,
        body_bytes_max=settings.body_bytes_max,
        door=resource,
        rates=rates,
        address=_address_of(place),
        streams=EventStreams(operations, streams, send_seconds=stream_patience.send, beat=beat),
    )
    sockets = Sockets(
        operations,
        streams,
        known=places(),
        strangers=places(),
        door=resource,
        rates=rates,
        address=_address_of(place),
        origins=place.origins,
        patience=stream_patience,
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if known.handlers and settings.delivery is Delivery.HERE:
            running.start()
            clockwork.start()
        yield
        await clockwork.stop()
        await running.stop()
        await book.aclose()
        await listening.aclose()
        await reader.aclose()
        await audited.aclose()
        await proofs.aclose()
        bringing.dispose()
        letting_in.dispose()
        engine.dispose()

    pages, address = Pages(people), _address_of(place)
    more = [
        *oauth.routes(auth, pace, address),
        *people_routes(pages, sign_in),
        *console_routes(pages, Built()),
        *handoff.routes(
            door,
            keys,
            Pace(settings.handoff_per_minute, watch),
            address,
            base=settings.public_url,
            issuer=auth.config.issuer,
        ),
    ]
    return Site(graphql, reader.ready, lambda: planner.sdl, lifespan, more, sockets=sockets)


async def deliver(
    settings: Settings,
    database: Database,
    clock: Clock | None = None,
    *,
    exchange: Callable[[Partners], Exchange] | None = None,
    patience: Patience | None = None,
    look_seconds: float = LOOK_SECONDS,
) -> None:
    """Bring deliveries to partners and keep the clocks until cancelled, without serving. See `create_app`."""
    clock = clock or SystemClock()
    engine = database.engine(bounded=True, idle_seconds=_IDLE_SECONDS)
    root = RootKey.load(settings.root_key)
    keys = OwnKeys(engine, root, clock, AuthConfig.of(settings).issuer)
    book = _book(settings, engine, keys, clock)
    desk = _desk(book, root, clock)
    known = desk.exchange if exchange is None else exchange(book)
    running = Running(Worker(engine, known.handlers, clock, patience=patience), database.conninfo)
    clockwork = Clockwork(engine, desk.referrals, clock, chores=_CHORES, seconds=look_seconds)
    try:
        clockwork.start()
        await running.run()
    finally:
        await clockwork.stop()
        await running.stop()
        await book.aclose()
        engine.dispose()


def _book(settings: Settings, engine: Engine, keys: OwnKeys, clock: Clock) -> Book:
    return Book(engine, keys, clock, loopback=settings.partner_places is PartnerPlaces.LOOPBACK)


def _address_of(place: Place) -> Callable[[Scope], str]:
    """Tell where a request comes from: what the outermost of our own proxies saw."""

    def address(scope: Scope) -> str:
        peer: str = scope["client"][0] if scope.get("client") else ""
        if not place.proxies:
            return peer
        forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        return place.address(peer, forwarded.decode("latin-1"))

    return address
