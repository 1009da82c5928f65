"""Wiring: the one file that knows every room. It decides nothing."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.types import Scope

from hub.auth.assemble import assemble
from hub.auth.config import AuthConfig
from hub.auth.people import People, Place
from hub.auth.resource import ResourceServer
from hub.auth.root import RootKey
from hub.clock import Clock, SystemClock
from hub.delivery import Running, Worker
from hub.delivery.inbound import Exchange, Partners
from hub.operations import Operations
from hub.partners import Book, Door, OwnKeys
from hub.planner import Limits, Planner
from hub.settings import Delivery, PartnerPlaces, Settings
from hub.store import Database, Reader
from hub.web import handoff, oauth
from hub.web.graphql import GraphQLEndpoint
from hub.web.rates import Allowance, Pace, Rates
from hub.web.routes import Site
from hub.web.signin import people_routes
from schema.root import SCHEMA


def exchange(_partners: Partners) -> Exchange:
    """Put together who knows what is brought to partners, a handler a topic, and who takes in what they bring."""
    return Exchange(handlers={}, inbound=None, packets=None)


def create_app(
    settings: Settings,
    database: Database,
    clock: Clock | None = None,
    watch: Callable[[], float] = time.monotonic,
    exchange: Callable[[Partners], Exchange] = exchange,
) -> Site:
    """Build the hub over an open database whose tables are up to date; all connections are closed at the end.

    Args:
        settings: what the operator decided.
        database: where data live.
        clock: tells the time.
        watch: tells how much of it passes, to those who only wait.
        exchange: gives who knows what partners are told, and what they tell.
    """
    clock = clock or SystemClock()
    engine = database.engine()
    reader = Reader(
        database.reading,
        connections=settings.read_connections,
        statement_timeout_ms=settings.statement_timeout_ms,
    )
    proofs = Reader(database.writing, connections=2, application_name="icorn-hub-proofs", writes=True)
    place = Place.of(settings)
    people = People(engine, clock, place, RootKey.load(settings.root_key))
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
    resource = ResourceServer(auth, people.console, proofs, clock)
    keys = OwnKeys(engine, auth.root, clock, auth.config.issuer)
    book = _book(settings, engine, keys, clock)
    known = exchange(book)
    door = Door(engine, book, resource, known, clock, base=settings.public_url)
    # Connections of its own: who asks does not wait for what is brought, nor the other way round.
    bringing = database.engine()
    running = Running(Worker(bringing, known.handlers, clock), database.conninfo)
    graphql = GraphQLEndpoint(
        Operations(reader=reader, clock=clock, planner=planner),
        body_bytes_max=settings.body_bytes_max,
        door=resource,
        rates=Rates(
            Allowance(cost=limits.cost_per_window, seconds=limits.window_seconds, at_once=limits.at_once), watch
        ),
        address=_address_of(place),
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if known.handlers and settings.delivery is Delivery.HERE:
            running.start()
        yield
        await running.stop()
        await book.aclose()
        await reader.aclose()
        await proofs.aclose()
        bringing.dispose()
        engine.dispose()

    return Site(
        graphql,
        reader.ready,
        planner.sdl,
        lifespan,
        [
            *oauth.routes(auth, pace, _address_of(place)),
            *people_routes(people),
            *handoff.routes(
                door,
                keys,
                Pace(settings.handoff_per_minute, watch),
                _address_of(place),
                base=settings.public_url,
                issuer=auth.config.issuer,
            ),
        ],
    )


async def deliver(
    settings: Settings,
    database: Database,
    clock: Clock | None = None,
    exchange: Callable[[Partners], Exchange] = exchange,
) -> None:
    """Bring deliveries to partners until cancelled, without serving."""
    clock = clock or SystemClock()
    engine = database.engine()
    keys = OwnKeys(engine, RootKey.load(settings.root_key), clock, AuthConfig.of(settings).issuer)
    book = _book(settings, engine, keys, clock)
    running = Running(Worker(engine, exchange(book).handlers, clock), database.conninfo)
    try:
        await running.run()
    finally:
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
