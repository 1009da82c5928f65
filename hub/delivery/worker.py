"""The worker: claims a delivery, makes one attempt outside of any transaction, and settles what came of it.

    claim       one transaction: the lease, and the handler's word that it may leave
    attempt     no transaction; ends before the lease does
    settle      one transaction, if the lease is still ours; every error has exactly one consequence

    delivered                                        done, and the handler takes in what came back
    Unavailable Throttled Uncertain                  tried again by `backoff`, until its time is over
    Refused Invalid Unauthorized Unsupported         over, and the handler is told
    anything else                                    a fault of ours: logged, in doubt, and tried again

What was uncertain, or cut short with its worker, is `doubtful` at the next claim until an attempt settles it.
"""

import asyncio
import random
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from connectors.errors import ConnectorError, Throttled, Uncertain
from hub.clock import Clock
from hub.delivery import leases
from hub.delivery.backoff import Backoff, next_attempt
from hub.delivery.leases import Held
from hub.delivery.outbox import wake
from hub.delivery.ports import Attempt, Handler, Stopped, Topic
from hub.log import logger
from schema.tables.referrals import DeliveryState

EXPIRED: Final = "expired"
"""What a handler is told when the time of a delivery is over."""
_FAULT: Final = "internal_error"
_THREADS: Final = 4
"""That claim, and as many that settle. More of them wait for the interpreter, not for the database."""
_ENDLESS: Final = timedelta(days=3650)
_log = logger()
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long things take at most. The defaults suit partners that answer within seconds."""

    lease_seconds: float = 60.0
    attempt_seconds: float = 45.0
    """Of an attempt. The rest of the lease is for settling."""
    sweep_seconds: float = 10.0
    grace_seconds: float = 5.0
    """How long overdue before it is swept up."""
    heartbeat_seconds: float = 10.0
    at_once: int = 16
    """Attempts at once, in each process."""
    backoff: Backoff = field(default_factory=Backoff)

    def __post_init__(self) -> None:
        if not 0 < self.attempt_seconds < self.lease_seconds:
            raise ValueError("an attempt must end before its lease")


@dataclass(frozen=True, slots=True)
class Brought:
    """An attempt that held, with what came back."""

    result: object


Outcome = Brought | ConnectorError


@dataclass(frozen=True, slots=True)
class _Running:
    """A delivery that this process looks at."""

    task: asyncio.Task[bool]
    claimed: asyncio.Event
    """Set when its attempt begins, or it is over."""


class Worker:
    """Brings deliveries, one attempt at a time each. Several workers share a database, on one machine or many."""

    def __init__(
        self,
        engine: Engine,
        handlers: Mapping[Topic, Handler],
        clock: Clock,
        *,
        patience: Patience | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Take what is needed.

        Args:
            engine: writes; whoever made it disposes of it.
            handlers: who knows what a topic is about; deliveries of others are left alone.
            clock: tells the time. Machines that share a database agree on it far better than a lease is long.
            patience: how long things take at most.
            jitter: gives a number from 0 to 1, another each time.
        """
        self.engine: Final = engine
        self.clock: Final = clock
        self.patience: Final = patience or Patience()
        self.topics: Final = frozenset(handlers)
        self._handlers: Final = dict(handlers)
        self._jitter: Final = jitter
        self._name: Final = f"{socket.gethostname()[:60]}:{token_hex(4)}"
        self._slots: Final = asyncio.Semaphore(self.patience.at_once)
        self._claiming: Final = ThreadPoolExecutor(_THREADS, "delivery claims")
        self._settling: Final = ThreadPoolExecutor(_THREADS, "delivery settles")
        self._running: Final[dict[UUID, _Running]] = {}
        self._closing = False
        self._vain: Final = set[UUID]()
        """Somebody else is at them; who is woken for them comes again."""

    async def deliver(self, handoff: UUID) -> bool:
        """Make one attempt at a delivery, if it is due and nobody is at it.

        The attempt goes on when who waits for it goes away, and no two are made of one delivery.

        Returns:
            True when something was done about it.
        """
        return await asyncio.shield(self._begun(handoff).task)

    async def begin(self, handoff: UUID) -> None:
        """Begin an attempt as `deliver` does; come back as soon as it is claimed, or nothing is to be done."""
        await self._begun(handoff).claimed.wait()

    async def begin_all(self) -> None:
        """Begin an attempt at all that is due, a few at a time, until nothing is.

        What waits for its job needs none then: a job is fetched and done away with one at a time, and costs as much as
        the delivery itself when many wait.
        """
        most = self.patience.at_once
        self._vain.clear()
        while True:
            # Who waits for its turn is less than one round, so that late comers who stop something have theirs soon.
            while len(self._running) > most:
                await asyncio.wait([each.task for each in self._running.values()], return_when=asyncio.FIRST_COMPLETED)
            found = await self.in_thread(self._due, self._claiming)
            fresh = [each for each in found if each not in self._running and each not in self._vain]
            if not fresh:
                return
            for each in fresh[: 2 * most - len(self._running)]:
                self._begun(each, jobless=True)

    async def drain(self) -> int:
        """Make an attempt at all that is due, until nothing is; tell how many were made."""
        made = 0
        while True:
            found = await self.in_thread(self._due)
            did = sum(await asyncio.gather(*(self.deliver(each) for each in found)))
            made += did
            if not did:
                return made

    def _begun(self, handoff: UUID, *, jobless: bool = False) -> "_Running":
        running = self._running.get(handoff)
        if running is None:
            claimed = asyncio.Event()
            task = asyncio.create_task(self._deliver(handoff, claimed, jobless=jobless))
            running = self._running[handoff] = _Running(task, claimed)
            task.add_done_callback(self._ended(handoff, claimed))
        return running

    def begin_no_more(self) -> None:
        """Begin nothing any more, from now on."""
        self._closing = True

    async def finish(self, *, seconds: float) -> None:
        """Begin nothing any more; wait for attempts under way. Those that take longer are cut short, and in doubt."""
        self.begin_no_more()
        tasks = [each.task for each in self._running.values()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def in_thread(self, work: Callable[[], T], threads: ThreadPoolExecutor | None = None) -> T:
        """Run what blocks. What was begun is waited for, also by who is cancelled: its connection is given back."""
        running = asyncio.get_running_loop().run_in_executor(threads or self._settling, work)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])
            if not running.cancelled():
                running.exception()
            raise

    # ---- One attempt ------------------------------------------------------------------------------------------------

    async def _deliver(self, handoff: UUID, begun: asyncio.Event, *, jobless: bool) -> bool:
        async with self._slots:
            if self._closing:
                return False
            try:
                claimed = await self.in_thread(lambda: self._claim(handoff, jobless=jobless), self._claiming)
            except (OperationalError, InterfaceError):
                raise  # the row is as it was, and the sweeper finds it
            except Exception as error:  # noqa: BLE001  # whatever a handler does, the delivery is not lost
                _log.error("delivery.claim_failed", handoff=str(handoff), error=type(error).__name__)
                return await self.in_thread(lambda: self._stumbled(handoff))
            if claimed is None:
                return False
            held, attempt = claimed
            if attempt is None:
                return True
            begun.set()
            try:
                outcome = await self._tried(held, attempt)
            except asyncio.CancelledError:
                await asyncio.shield(self._settle(held, Uncertain("the attempt was cut short")))
                raise
            await self._settle(held, outcome)
            return True

    def _ended(self, handoff: UUID, claimed: asyncio.Event) -> Callable[[asyncio.Task[bool]], None]:
        def ended(task: asyncio.Task[bool]) -> None:
            self._running.pop(handoff, None)
            claimed.set()
            error = None if task.cancelled() else task.exception()
            if error is not None or task.cancelled() or not task.result():
                self._vain.add(handoff)
            if error is not None:
                _log.warning("delivery.claim_failed", handoff=str(handoff), error=type(error).__name__)

        return ended

    async def _tried(self, held: Held, attempt: Attempt) -> Outcome:
        left = (held.until - self.clock.now()).total_seconds() - self.patience.lease_seconds
        try:
            async with asyncio.timeout(max(0.0, self.patience.attempt_seconds + left)):
                return Brought(await attempt())
        except ConnectorError as error:
            return error
        except TimeoutError:
            return Uncertain("the attempt took too long")
        except Exception as error:  # noqa: BLE001  # a fault of ours must not lose a delivery
            _log.error("delivery.attempt_broke", handoff=str(held.claimed.id), error=type(error).__name__)
            return Uncertain(_FAULT)

    async def _settle(self, held: Held, outcome: Outcome) -> None:
        """Settle, again and again while the database is away and the lease lasts. After that it is in doubt."""
        while True:
            try:
                await self.in_thread(lambda: self._settled(held, outcome))
            except DBAPIError as error:
                if not error.connection_invalidated and not isinstance(error, OperationalError | InterfaceError):
                    await self._doubt(held, error)
                    return
                if self.clock.now() >= held.until:
                    _log.warning("delivery.lease_lost", handoff=str(held.claimed.id), reason="database")
                    return
                await asyncio.sleep(self.patience.backoff.least_seconds / 2)
            except Exception as error:  # noqa: BLE001  # whatever a handler does, the delivery is not lost
                await self._doubt(held, error)
                return
            else:
                return

    async def _doubt(self, held: Held, error: Exception) -> None:
        """Put back what could not be settled: nothing tells what came of the attempt, so that is asked."""
        _log.error("delivery.settle_failed", handoff=str(held.claimed.id), error=type(error).__name__)

        def put_back() -> None:
            with self.engine.begin() as connection:
                if leases.ours(connection, held):
                    seconds = self.patience.backoff.delay_seconds(held.claimed.attempt, self._jitter)
                    at = self.clock.now() + timedelta(seconds=seconds)
                    leases.put_back(connection, held, at=at, why=Uncertain.code)
                    wake(connection, held.claimed.id, held.topic, seconds=seconds)

        try:
            await self.in_thread(put_back)
        except DBAPIError:
            # The lease ends by itself, and the sweeper comes by.
            return

    # ---- Within transactions ----------------------------------------------------------------------------------------

    def _due(self) -> list[UUID]:
        now, most = self.clock.now(), 4 * self.patience.at_once
        with self.engine.connect() as connection:
            stops = leases.due(connection, topics=self.topics & {Topic.STOP}, now=now, most=most)
            others = leases.due(connection, topics=self.topics - {Topic.STOP}, now=now, most=most)
        # Who drains beside us begins elsewhere.
        random.shuffle(others)
        return stops + others

    def _claim(self, handoff: UUID, *, jobless: bool) -> tuple[Held, Attempt | None] | None:
        now = self.clock.now()
        with self.engine.begin() as connection:
            held = self._taken(connection, handoff, now, jobless=jobless)
            if held is None:
                return None
            handler = self._handlers[held.topic]
            if held.gives_up_at is not None and now >= held.gives_up_at:
                leases.end(connection, held, DeliveryState.EXPIRED, now=now, why=EXPIRED)
                handler.failed(connection, held.claimed, EXPIRED, now)
                self._told("delivery.expired", held)
                return held, None
            found = handler.claim(connection, held.claimed, now)
            if isinstance(found, Stopped):
                leases.end(connection, held, DeliveryState.STOPPED, now=now, why=found.reason)
                self._told("delivery.stopped", held)
                return held, None
            return held, found

    def _taken(self, connection: Connection, handoff: UUID, now: datetime, *, jobless: bool = False) -> Held | None:
        lease, seconds = f"{self._name}:{token_hex(8)}", self.patience.lease_seconds
        return leases.take(
            connection, handoff, topics=self.topics, lease=lease, now=now, seconds=seconds, jobless=jobless
        )

    def _stumbled(self, handoff: UUID) -> bool:
        """Put off a delivery whose handler broke at the claim, for longer each time; nothing has left."""
        now = self.clock.now()
        with self.engine.begin() as connection:
            held = self._taken(connection, handoff, now)
            if held is None:
                return False
            seconds = self.patience.backoff.delay_seconds(held.claimed.attempt, self._jitter)
            why = Uncertain.code if held.claimed.doubtful else _FAULT
            leases.put_back(connection, held, at=now + timedelta(seconds=seconds), why=why)
            wake(connection, handoff, held.topic, seconds=seconds)
            return True

    def _settled(self, held: Held, outcome: Outcome) -> None:
        now, claimed, handler = self.clock.now(), held.claimed, self._handlers[held.topic]
        with self.engine.begin() as connection:
            if isinstance(outcome, Brought):
                still = leases.end(connection, held, DeliveryState.DELIVERED, now=now)
            else:
                still = leases.ours(connection, held)
            if not still:
                _log.warning("delivery.lease_lost", handoff=str(claimed.id), reason="taken")
                return
            match outcome:
                case Brought(result):
                    handler.delivered(connection, claimed, result, now)
                    self._told("delivery.delivered", held)
                    return
                case Uncertain():
                    at = self._again(held, outcome, now)
                case _ if outcome.again:
                    at = self._again(held, outcome, now)
                case _:
                    leases.end(connection, held, DeliveryState.REFUSED, now=now, why=outcome.code)
                    handler.failed(connection, claimed, outcome.code, now)
                    self._told("delivery.refused", held, code=outcome.code)
                    return
            if at is None:
                leases.end(connection, held, DeliveryState.EXPIRED, now=now, why=EXPIRED)
                handler.failed(connection, claimed, EXPIRED, now)
                self._told("delivery.expired", held)
                return
            seconds = (at - now).total_seconds()
            # A doubt stays until an attempt settles it: that nothing was done this time says nothing of the last.
            leases.put_back(connection, held, at=at, why=Uncertain.code if claimed.doubtful else outcome.code)
            wake(connection, claimed.id, held.topic, seconds=seconds)
            self._told("delivery.attempt_failed", held, code=outcome.code, retry_seconds=round(seconds))

    def _again(self, held: Held, error: ConnectorError, now: datetime) -> datetime | None:
        return next_attempt(
            held.claimed.attempt,
            now=now,
            until=held.gives_up_at or now + _ENDLESS,
            jitter=self._jitter,
            backoff=self.patience.backoff,
            asked_seconds=error.retry_seconds if isinstance(error, Throttled) else 0.0,
        )

    @staticmethod
    def _told(event: str, held: Held, **more: object) -> None:
        _log.info(event, handoff=str(held.claimed.id), topic=held.topic.value, attempt=held.claimed.attempt, **more)
