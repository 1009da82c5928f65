"""A house with people: the sign-in pages of a database of the test's own, on a real socket, with a clock to set."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import uvicorn
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from visiting.visitor import Visitor

from hub.auth.people import People, Place
from hub.auth.root import RootKey
from hub.clock import Clock, SetClock
from hub.settings import Settings
from hub.store import Database
from hub.web.connection import UVICORN
from hub.web.console import Built, console_routes
from hub.web.forms import Pages
from hub.web.problems import HANDLERS, Safe
from hub.web.signin import people_routes
from schema.vocabulary import Relation

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROOT = RootKey(bytes(range(32)))
PASSWORD = "eleven green kettles hum"


@dataclass
class House:
    """The pages, and what stands behind them."""

    url: str
    people: People
    engine: Engine
    clock: SetClock
    visitors: list[Visitor] = field(default_factory=list)

    def visitor(self, **headers: str) -> Visitor:
        """Let a browser come by that has never been here."""
        visitor = Visitor(self.url, self.clock, headers)
        self.visitors.append(visitor)
        return visitor

    def account(self, login: str = "anna", role: Relation = Relation.LEAD, **where: str) -> str:
        """Make an account; give its enrolment code."""
        return self.people.accounts.create(login, name=login.title(), role=role, **where)

    def with_password(self, login: str = "anna", role: Relation = Relation.LEAD) -> Visitor:
        """Make an account that signs in by password; give its browser, set up but not signed in."""
        visitor = self.visitor()
        visitor.enrol(self.account(login, role))
        visitor.set_password(PASSWORD)
        visitor.make_codes()
        visitor.finish()
        self.clock.advance(minutes=2)
        return visitor

    def with_passkey(self, login: str = "anna", role: Relation = Relation.LEAD) -> Visitor:
        """Make an account that signs in by passkey; give its browser, set up but not signed in."""
        visitor = self.visitor()
        visitor.enrol(self.account(login, role))
        visitor.add_passkey()
        visitor.make_codes()
        visitor.finish()
        return visitor

    def count(self, table: str) -> int:
        """Count the rows of a table."""
        with self.engine.connect() as connection:
            return connection.exec_driver_sql(f"select count(*) from {table}").scalar_one()


@contextmanager
def housed(
    database: Database, clock: Clock | None = None, built: Built | None = None, **settings: object
) -> Iterator[House]:
    """Serve the pages for people; `localhost`, as passkeys want a name."""
    engine = database.engine()
    clock = clock or SetClock(NOON)
    with closing(socket.create_server(("127.0.0.1", 0), backlog=256)) as listening:
        url = f"http://localhost:{listening.getsockname()[1]}"
        place = Place.of(Settings(**{"base_url": url} | settings))
        people = People(engine, clock, place, ROOT)

        async def graphql(request: Request) -> JSONResponse:
            profile = await run_in_threadpool(people.console.profile_from_cookie, request.scope["headers"])
            return JSONResponse({"relation": profile and profile.relation})

        pages = Pages(people)
        graph = Route("/graphql", graphql, methods=["GET", "POST"])
        routes = [*people_routes(pages), *console_routes(pages, built or Built()), graph]
        app = Safe(Starlette(routes=routes, exception_handlers=HANDLERS))
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", **UVICORN))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            house = House(url, people, engine, clock)
            yield house
        finally:
            for visitor in house.visitors:
                visitor.close()
            server.should_exit = True
            thread.join()
            engine.dispose()
