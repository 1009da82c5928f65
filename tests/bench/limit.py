"""The limit: the four statements written by hand, on bare ASGI. What one Python process could do at best.

No framework, no parsing of GraphQL, no rules to look up: the name of the operation picks a statement, held connections
run it prepared, and the database's bytes go to the socket. The row rules stand in the statements.
"""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import asyncpg

OPERATIONS: Final = Path(__file__).parent / "operations"
AFTER: Final = "and (coalesce(o.country, ''), o.name_key, o.id) > ($3::text, $4::text, $5::text::uuid)"
BEFORE: Final = """exists (
    select from organisation o
    where o.support && $1::varchar[] and o.country = any($2::varchar[])
      and (coalesce(o.country, ''), o.name_key, o.id) <= ($3::text, $4::text, $5::text::uuid)
  )"""
HEADERS: Final = (b"content-type", b"application/json")
READS: Final = {"default_transaction_read_only": "on"}
USES_UP: Final = {"synchronous_commit": "off"}
APPENDS: Final[dict[str, str]] = {}
"""Settings of connections: for what only reads, for what is used up and may be lost in a crash, for what may not."""


def statement(name: str) -> str:
    """Read a statement by its name."""
    return (OPERATIONS / f"{name}.sql").read_text(encoding="utf-8")


CITY: Final = statement("city")
DIRECTORY: Final = statement("directory")
EVENTS: Final = statement("events")
BODIES: Final = statement("bodies")
BODIES_AFTER: Final = BODIES.replace("/* after */", AFTER).replace("/* before */ false", BEFORE)

Call = tuple[str, tuple[Any, ...]]


def city(variables: dict[str, Any]) -> Call:
    return CITY, (variables["slug"],)


def directory(variables: dict[str, Any]) -> Call:
    return DIRECTORY, (variables["first"],)


def events(variables: dict[str, Any]) -> Call:
    return EVENTS, (variables["first"],)


def bodies(variables: dict[str, Any]) -> Call:
    support, countries = [kind.lower() for kind in variables["support"]], variables["countries"]
    after = variables.get("after")
    if after is None:
        return BODIES, (support, countries)
    country, body, name_key = after.split("|", 2)
    return BODIES_AFTER, (support, countries, country, name_key, body)


CALLS: Final = {"City": city, "Directory": directory, "Events": events, "Bodies": bodies}


def call_of(request: dict[str, Any]) -> Call:
    """Pick the statement of a request, and its values."""
    return CALLS[request["operationName"]](request["variables"])


class Held:
    """A connection and its prepared statements."""

    __slots__ = ("connection", "prepared")

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self.prepared: dict[str, Any] = {}


class Limit:
    """The ASGI application."""

    def __init__(self, dsn: str, connections: int, mode: Mapping[str, str] = READS) -> None:
        self._dsn = dsn
        self._mode = mode
        self._connections = connections
        self._free: list[Held] = []
        self._waiting: deque[asyncio.Future[Held]] = deque()

    async def _start(self) -> None:
        for _ in range(self._connections):
            connection = await asyncpg.connect(
                self._dsn,
                statement_cache_size=0,
                server_settings={
                    "application_name": "bench-limit",
                    "TimeZone": "UTC",
                    "DateStyle": "ISO",
                    "plan_cache_mode": "force_generic_plan",
                    "jit": "off",
                    **self._mode,
                },
            )
            await connection.set_type_codec(
                "text", schema="pg_catalog", encoder=str.encode, decoder=_as_it_is, format="binary"
            )
            self._free.append(Held(connection))

    async def _row(self, statement: str, args: tuple[Any, ...]) -> Any:
        if self._free:
            held = self._free.pop()
        else:
            waiter: asyncio.Future[Held] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            held = await waiter
        try:
            prepared = held.prepared.get(statement)
            if prepared is None:
                name = f"s{len(held.prepared)}"
                prepared = held.prepared[statement] = await held.connection.prepare(statement, name=name)
            return await prepared.fetchrow(*args)
        finally:
            if self._waiting:
                self._waiting.popleft().set_result(held)
            else:
                self._free.append(held)

    async def _answered(self, _scope: Any, request: dict[str, Any]) -> bytes:
        answer: bytes = (await self._row(*call_of(request)))[0]
        return answer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message["more_body"]:
                break
        answer = await self._answered(scope, json.loads(body))
        length = (b"content-length", str(len(answer)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [HEADERS, length]})
        await send({"type": "http.response.body", "body": answer})

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        await self._start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for held in self._free:
            await held.connection.close()
        await send({"type": "lifespan.shutdown.complete"})


def _as_it_is(text: bytes) -> bytes:
    return text
