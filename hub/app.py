"""Wiring: the one file that knows every room. It decides nothing."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.types import Scope

from hub.auth.assemble import assemble
from hub.auth.people import People, Place
from hub.auth.resource import ResourceServer
from hub.auth.root import RootKey
from hub.clock import Clock, SystemClock
from hub.operations import Operations, Persons
from hub.planner import Limits, Planner
from hub.settings import Settings
from hub.store import Database, Reader
from hub.store.sealed import Sealing
from hub.store.veil import Veil
from hub.web import oauth
from hub.web.graphql import GraphQLEndpoint
from hub.web.rates import Allowance, Rates
from hub.web.routes import Site
from hub.web.signin import people_routes
from schema.root import SCHEMA


def create_app(settings: Settings, database: Database, clock: Clock | None = None) -> Site:
    """Build the hub over an open database whose tables are up to date; all connections are closed at the end."""
    clock = clock or SystemClock()
    engine = database.engine()
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
    auth = assemble(settings, engine, sessions=people.sessions, clock=clock)
    planner = Planner(SCHEMA, Limits(depth=settings.depth_max, cost=settings.cost_max))
    graphql = GraphQLEndpoint(
        Operations(
            reader=reader,
            clock=clock,
            planner=planner,
            persons=Persons(audited, Sealing(root.derive), Veil(root.derive)),
        ),
        body_bytes_max=settings.body_bytes_max,
        door=ResourceServer(auth, people.console, proofs, clock),
        rates=Rates(
            Allowance(cost=settings.cost_per_minute, seconds=60, at_once=settings.requests_at_once), time.monotonic
        ),
        address=_address_of(place),
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await reader.aclose()
        await audited.aclose()
        await proofs.aclose()
        engine.dispose()

    return Site(graphql, reader.ready, planner.sdl, lifespan, [*oauth.routes(auth), *people_routes(people)])


def _address_of(place: Place) -> Callable[[Scope], str]:
    """Tell where a request comes from: what the outermost of our own proxies saw."""

    def address(scope: Scope) -> str:
        peer: str = scope["client"][0] if scope.get("client") else ""
        if not place.proxies:
            return peer
        forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        return place.address(peer, forwarded.decode("latin-1"))

    return address
