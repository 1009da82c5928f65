"""Reading: a short list of held connections, and statements that answer with one text.

This is the hot path of every query, so it is kept bare: `asyncpg.Pool` costs 1.7 times as much (measured), mostly for
its reset between users, which a door that can only read does not need. What a pool gives is here all the same: a
bound on connections, waiting in turn with a deadline, reconnection, and no connection handed on that is not clean.

Texts are not decoded: the database's bytes go to the socket.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self, TypeAlias

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from hub.errors import QueryTimeout, StoreUnavailable

Statement: TypeAlias = "PreparedStatement[asyncpg.Record]"
STATEMENTS_MAX: Final = 128
"""Per connection. One prepared statement costs the server 180 to 412 KiB (measured)."""
WEIGHT_MAX: Final = 1_500_000
"""Per connection, of all statements prepared on it, by `weight`: about 100 MB of the server's memory."""
ACQUIRE_SECONDS: Final = 2.0
CONNECT_SECONDS: Final = 5.0
_CLOSE_SECONDS: Final = 1.0
_GRACE_SECONDS: Final = 2.0
"""How long after `statement_timeout` a server that has gone silent is given up, at the next look."""
_WATCH_SECONDS: Final = 0.5
"""How often one timer looks for what has taken too long: a statement, or the wait for a connection."""
_GONE: Final = (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, OSError)
_STALE: Final = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)


def weight(sql: str) -> int:
    """Weigh a statement: a long one takes more than in proportion, 37 MB at 108,000 characters (measured)."""
    return len(sql) * max(1, len(sql) // 20_000)


class _Held:
    """A connection with the statements prepared on it, least used first."""

    __slots__ = ("connection", "names", "prepared", "protocol", "silent", "weight")

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self.protocol: Any = connection._protocol  # type: ignore[attr-defined]  # noqa: SLF001  # see `fetch`
        self.prepared: OrderedDict[str, Statement] = OrderedDict()
        self.names = 0
        self.weight = 0
        self.silent = False
        """The server did not answer in time."""

    async def prepare(self, sql: str, most: int) -> Statement:
        """Prepare a statement; the least used ones make room, and asyncpg closes them at the server.

        It needs a name: without its own cache asyncpg leaves statements nameless, and parses those at each use.
        """
        mine = weight(sql)
        while self.prepared and (len(self.prepared) >= most or self.weight + mine > WEIGHT_MAX):
            gone, _ = self.prepared.popitem(last=False)
            self.weight -= weight(gone)
        self.names += 1
        statement = await self.connection.prepare(sql, name=f"hub_{self.names}")
        self.prepared[sql] = statement
        self.weight += mine
        return statement

    async def fetch(self, statement: Statement, args: Sequence[object]) -> bytes | None:
        """Run a statement and give the first value of its first row.

        As `PreparedStatement.fetchval`, without the four calls between: a quarter of its time (measured, asyncpg 0.32).
        What they add is not needed here: one user at a time, no listeners, and a stale connection is dropped.
        """
        rows = (await self.protocol.bind_execute(statement._state, args, "", 1, True, None))[0]  # type: ignore[attr-defined]  # noqa: SLF001
        return rows[0][0] if rows else None

    async def end(self) -> None:
        """End the connection; if a statement was cancelled, not before the server has been told so."""
        self.prepared.clear()
        self.weight = 0
        try:
            await self.connection.close(timeout=_CLOSE_SECONDS)
        except Exception:  # noqa: BLE001  # whatever it was, the connection is of no use any more
            self.connection.terminate()


class Reader:
    """The reading door of one database, for one event loop."""

    def __init__(  # all but the first by name, all with a default
        self,
        reading: Mapping[str, Any],  # Any: what asyncpg.connect takes
        *,
        connections: int = 8,
        statement_timeout_ms: int = 2000,
        acquire_seconds: float = ACQUIRE_SECONDS,
        statements_max: int = STATEMENTS_MAX,
        application_name: str = "icorn-hub-reader",
        writes: bool = False,
        appends: bool = False,
    ) -> None:
        """Take `Database.reading`. Connections are opened when they are needed.

        Args:
            reading: arguments of `asyncpg.connect`; those of `Database.writing` where `writes`.
            connections: how many are held at most.
            statement_timeout_ms: how long one statement may take.
            acquire_seconds: how long to wait for a connection.
            statements_max: how many prepared statements each connection keeps.
            application_name: as the server shows it.
            writes: let single statements write that may be run twice: what is used up by one statement. They need not
                survive a crash of the server.
            appends: let statements that read add to the tables which the reading role may add to, for good.
        """
        self.statements = 0
        """Statements sent so far."""
        self._timeout_ms = statement_timeout_ms
        self._loop: asyncio.AbstractEventLoop
        self._busy: dict[_Held, float] = {}
        self._watched = False
        self._silent_seconds = statement_timeout_ms / 1000 + _GRACE_SECONDS
        self._acquire_seconds = acquire_seconds
        self._statements_max = statements_max
        self._connections_max = connections
        self._free: list[_Held] = []
        self._waiting: deque[tuple[asyncio.Future[_Held | None], float]] = deque()
        self._ending: set[asyncio.Task[None]] = set()
        self._open = 0
        self._closed = False
        self._arguments = dict(reading) | {
            "timeout": CONNECT_SECONDS,
            "statement_cache_size": 0,
            "server_settings": dict(reading.get("server_settings", {}))
            | {
                "application_name": application_name,
                "TimeZone": "UTC",
                "DateStyle": "ISO",
                "plan_cache_mode": "force_generic_plan",
                # The data lie in memory: an index costs no more than its pages.
                "random_page_cost": "1.1",
                "statement_timeout": str(statement_timeout_ms),
                "default_transaction_read_only": "off" if writes or appends else "on",
                **({"synchronous_commit": "off"} if writes else {}),
                "jit": "off",
            },
        }

    @property
    def connections(self) -> int:
        """Connections open now."""
        return self._open

    async def fetch_text(self, sql: str, args: Sequence[object] = (), *, again: bool = True) -> bytes | None:
        """Run one statement and give the text in its first column of its first row, as the database's bytes.

        Args:
            sql: a statement with parameters $1, $2, ...; it stays prepared, so keep values out of it.
            args: one value for each parameter.
            again: whether a lost connection is made up for by one more attempt on a fresh one.

        Returns:
            UTF-8, or None where there is no row or the text is NULL.

        Raises:
            QueryTimeout: it took longer than `statement_timeout_ms`.
            StoreUnavailable: no connection was free in time, or the database does not answer.
        """
        held = self._free.pop() if self._free else await self._acquire()
        self._busy[held] = self._loop.time()
        if not self._watched:
            self._look_later()
        try:
            statement = held.prepared.get(sql)
            if statement is None:
                statement = await held.prepare(sql, self._statements_max)
            else:
                held.prepared.move_to_end(sql)
            self.statements += 1
            text = await held.fetch(statement, args)
        except BaseException as error:
            del self._busy[held]
            if not self._settle(held, error):
                raise
            if not again:
                raise StoreUnavailable("the connection to the database was lost") from error
        else:
            del self._busy[held]
            if self._waiting or self._closed:
                self._release(held)
            else:
                self._free.append(held)
            return text
        self._drop_free()
        return await self.fetch_text(sql, args, again=False)

    def _look_later(self) -> None:
        self._watched = True
        pause = min(_WATCH_SECONDS, self._acquire_seconds / 4)
        self._loop.call_later(pause, self._watch, self._loop.time() + pause)

    def _watch(self, due: float) -> None:
        """Give up statements of a server that has gone silent, and waiting too long for a connection.

        One timer for all, as one for each costs too much. Where it comes late, the process stood still: that time is
        nobody's, and answers that came meanwhile are not read yet.
        """
        now = self._loop.time()
        if now - due > self._acquire_seconds / 4:
            self._busy = {held: since + now - due for held, since in self._busy.items()}
            self._waiting = deque((waiter, since + now - due) for waiter, since in self._waiting)
        for held, since in self._busy.items():
            if since < now - self._silent_seconds and not held.silent:
                held.silent = True
                held.connection.terminate()
        while self._waiting and self._waiting[0][1] < now - self._acquire_seconds:
            waiter, _ = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(StoreUnavailable("busy"))
        self._watched = False
        if self._busy or self._waiting:
            self._look_later()

    def _settle(self, held: _Held, error: BaseException) -> bool:
        """Put away a connection whose statement failed. True when reading once more may help.

        That is so where the server went away while the connection lay idle, or a migration changed what the statement
        means; reading twice does no harm, and leaving word of it twice none either.
        """
        if isinstance(error, asyncpg.QueryCanceledError):
            self._release(held)
            raise QueryTimeout(timeout_ms=self._timeout_ms) from error
        gone = held.connection.is_closed() or isinstance(error, _GONE)
        stale = isinstance(error, _STALE)
        if isinstance(error, asyncpg.PostgresError) and not gone and not stale:
            # The server itself said no, and is at rest again.
            self._release(held)
        else:
            # Cancelled, silent, or stopped half way by an argument of the wrong kind: an answer may still come, or a
            # transaction is open whose clock runs.
            self._drop(held)
        if held.silent and isinstance(error, Exception):
            raise QueryTimeout(timeout_ms=self._timeout_ms) from error
        return stale or (gone and isinstance(error, Exception))

    async def ready(self) -> bool:
        """Tell whether the database answers."""
        try:
            return await self.fetch_text("select 'ready'::text") == b"ready"
        except (StoreUnavailable, QueryTimeout):
            return False

    async def aclose(self) -> None:
        """Close the connections. Statements still running go on to their end on theirs, which are closed after."""
        self._closed = True
        while self._waiting:
            waiter, _ = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(StoreUnavailable("closed"))
        free, self._free = self._free, []
        for held in free:
            self._drop(held)
        if self._ending:
            await asyncio.wait(self._ending)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _release(self, held: _Held) -> None:
        """Give a clean connection to who has waited longest, or lay it on top of the free ones."""
        if self._closed:
            self._drop(held)
            return
        while self._waiting:
            waiter, _ = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(held)
                return
        self._free.append(held)

    def _drop(self, held: _Held) -> None:
        """End a connection that may not be clean; who has waited longest may open another."""
        self._open -= 1
        ending = asyncio.get_running_loop().create_task(held.end())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        self._wake()

    def _drop_free(self) -> None:
        """Drop the free connections that lost their server, so that a fresh one is opened."""
        free, self._free = self._free, []
        for held in free:
            if held.connection.is_closed():
                self._drop(held)
            else:
                self._free.append(held)

    def _wake(self) -> None:
        while self._waiting:
            waiter, _ = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def _acquire(self) -> _Held:
        if self._closed:
            raise StoreUnavailable("closed")
        if self._free:
            return self._free.pop()
        if self._open < self._connections_max:
            return await self._connect()
        waiter: asyncio.Future[_Held | None] = self._loop.create_future()
        self._waiting.append((waiter, self._loop.time()))
        if not self._watched:
            self._look_later()
        try:
            held = await waiter
        except asyncio.CancelledError:
            self._hand_on(waiter)
            raise
        return held if held is not None else await self._acquire()

    def _hand_on(self, waiter: "asyncio.Future[_Held | None]") -> None:
        """Pass on what a waiter got in the very moment it gave up."""
        if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            held = waiter.result()
            if held is None:
                self._wake()
            else:
                self._release(held)

    async def _connect(self) -> _Held:
        self._open += 1
        self._loop = asyncio.get_running_loop()
        connection: asyncpg.Connection | None = None
        try:
            connection = await asyncpg.connect(**self._arguments)
            await connection.set_type_codec(
                "text", schema="pg_catalog", encoder=str.encode, decoder=_as_it_is, format="binary"
            )
        except BaseException as error:
            self._open -= 1
            self._wake()
            if connection is not None:
                connection.terminate()
            if isinstance(error, (*_GONE, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)):
                raise StoreUnavailable("no connection to the database") from error
            raise
        return _Held(connection)


def _as_it_is(text: bytes) -> bytes:
    return text
