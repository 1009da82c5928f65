"""One connection for each process that listens for events of referrals, and hands each to all who may be concerned.

It is opened for the first listener. Where it is lost events may be missed, so all who listen are told that, and a
new one is made. What is handed on are ids; who is concerned is guessed here to spare reading, and decided by the rules.
"""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from uuid import UUID

import asyncpg

from hub.errors import HubError, StoreUnavailable
from hub.live.errors import StreamInterrupted, StreamTooSlow
from hub.log import logger
from hub.store.bell import REFERRAL_EVENTS

WAITING_MOST: Final = 200
"""Events that wait for one listener."""
RUNG_MOST: Final = 10_000
"""Events that wait to be handed on."""
OPEN_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 15.0
PAUSE_SECONDS: Final = (0.5, 15.0)
_SIDES: Final = """
    select json_build_object('referral', r.id, 'sides', json_build_array(r.sender_id, r.recipient_id))::text
    from referral_event e join referral r on r.id = e.referral_id where e.id = $1::uuid
"""
_log = logger()


class TextReader(Protocol):
    """Runs one statement that answers with one text."""

    async def fetch_text(self, sql: str, args: tuple[object, ...] = ()) -> bytes | None:
        """Run it and give the text as UTF-8."""
        ...


@dataclass(frozen=True, slots=True)
class Rung:
    """An event that was committed, by internal ids."""

    event: UUID
    referral: UUID
    sides: frozenset[UUID]


@dataclass(slots=True, eq=False)
class Heard:
    """What one listener has still to hear of."""

    side: UUID | None
    """The body whose events alone can concern it; None for all."""
    _waiting: deque[Rung] = field(default_factory=deque)
    _fault: HubError | None = None
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, rung: Rung) -> None:
        """Put an event behind the others; who lets too many wait hears no more."""
        if self.side is not None and self.side not in rung.sides:
            return
        if len(self._waiting) >= WAITING_MOST:
            self.fail(StreamTooSlow())
            return
        self._waiting.append(rung)
        self._woken.set()

    def fail(self, fault: HubError) -> None:
        """End it: what waited is not told any more, as something is missing behind it."""
        self._fault = self._fault or fault
        self._woken.set()

    def wake(self) -> None:
        """Have `next` look about."""
        self._woken.set()

    async def next(self, seconds: float) -> Rung | None:
        """Wait for an event so long; None when there was none, or it was woken.

        Raises:
            HubError: it ends.
        """
        if not self._waiting and self._fault is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(seconds, 0)):
                    await self._woken.wait()
        self._woken.clear()
        if self._fault is not None:
            raise self._fault
        return self._waiting.popleft() if self._waiting else None


class Listening:
    """The ear of one process, for one event loop."""

    def __init__(self, reading: Mapping[str, Any], reader: TextReader) -> None:  # Any: what asyncpg.connect takes
        """Take `Database.reading`, and what reads whom an event may concern."""
        settings = dict(reading.get("server_settings", {})) | {"application_name": "icorn-hub-live"}
        self._arguments = dict(reading) | {"timeout": OPEN_SECONDS, "server_settings": settings}
        self._reader: Final = reader
        self._heard: Final[set[Heard]] = set()
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    async def listen(self, side: UUID | None) -> Heard:
        """Begin to hear of what is committed from now on.

        Raises:
            StoreUnavailable: the database cannot be listened to now.
        """
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="live")
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await self._ready.wait()
        except TimeoutError:
            raise StoreUnavailable("the database cannot be listened to") from None
        heard = Heard(side)
        self._heard.add(heard)
        return heard

    def leave(self, heard: Heard) -> None:
        """Hear no more."""
        self._heard.discard(heard)

    async def aclose(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    # ---- Within ------------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        pause = PAUSE_SECONDS[0]
        while True:
            try:
                await self._connected()
                reason = "ended"
            except Exception as error:  # noqa: BLE001  # whatever it is, who listens must hear of it
                reason = type(error).__name__
            if self._ready.is_set():
                pause = PAUSE_SECONDS[0]
                self._ready.clear()
            for heard in self._heard:
                heard.fail(StreamInterrupted())
            _log.warning("live.not_listening", reason=reason, retry_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSE_SECONDS[1])

    async def _connected(self) -> None:
        """Listen by one connection until it is of no use any more."""
        rung: asyncio.Queue[UUID | None] = asyncio.Queue()

        def on_ring(_connection: object, _pid: int, _channel: str, payload: object) -> None:
            # Any user of the database may ring; what is no id is nobody's event.
            with suppress(ValueError):
                rung.put_nowait(UUID(str(payload)) if rung.qsize() < RUNG_MOST else None)

        connection = await asyncpg.connect(**self._arguments)
        try:
            connection.add_termination_listener(lambda _connection: rung.put_nowait(None))
            await connection.add_listener(REFERRAL_EVENTS, on_ring)
            self._ready.set()
            while True:
                try:
                    async with asyncio.timeout(LOOK_SECONDS):
                        event = await rung.get()
                except TimeoutError:
                    # A server that went away without a word is noticed by asking.
                    await connection.execute("select 1", timeout=OPEN_SECONDS)
                    continue
                if event is None:
                    return
                await self._hand_on(event)
        finally:
            connection.terminate()

    async def _hand_on(self, event: UUID) -> None:
        if not self._heard:
            return
        text = await self._reader.fetch_text(_SIDES, (event,))
        if text is None:
            return
        found = json.loads(text)
        rung = Rung(event, UUID(found["referral"]), frozenset(UUID(each) for each in found["sides"] if each))
        for heard in self._heard:
            heard.take(rung)
