"""Wiring: the one file that knows every room. It decides nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from hub.clock import SystemClock
from hub.operations import Operations
from hub.planner import Limits, Planner
from hub.settings import Settings
from hub.store import Database, Reader
from hub.web.graphql import GraphQLEndpoint
from hub.web.routes import Site
from schema.root import SCHEMA


def create_app(settings: Settings, database: Database) -> Site:
    """Build the hub over an open database; connections are opened with the first request and closed at the end."""
    reader = Reader(
        database.reading,
        connections=settings.read_connections,
        statement_timeout_ms=settings.statement_timeout_ms,
    )
    planner = Planner(SCHEMA, Limits(depth=settings.depth_max, cost=settings.cost_max))
    operations = Operations(reader=reader, clock=SystemClock(), planner=planner)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await reader.aclose()

    graphql = GraphQLEndpoint(operations, body_bytes_max=settings.body_bytes_max)
    return Site(graphql, reader.ready, planner.sdl, lifespan)
