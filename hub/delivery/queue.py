"""When and where attempts are made: Procrastinate over the database, with what it leaves to us.

It wakes a worker within milliseconds of a commit, spreads jobs over all workers, and tells dead ones by their
heartbeats. Left to us: its worker ends with the first lost connection, so it is started again, for as long as the hub
runs; and its jobs of dead workers stay "doing" for ever, so a sweeper takes them away and has overdue deliveries looked
at again, whatever became of their jobs.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from procrastinate import App, PsycopgConnector
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from hub.delivery.leases import overdue
from hub.delivery.outbox import QUEUE, TASK, wake
from hub.delivery.worker import Worker
from hub.log import logger

PAUSE_SECONDS: Final = (0.5, 15.0)
"""Shortest and longest pause before the worker is started again."""
SWEPT_MOST: Final = 500
_LOCK: Final = 7_401_007
_AWAKE: Final = 2
"""Jobs at once: each is over when its attempt begins."""
_CONNECTIONS: Final = 3
_POOL_SECONDS: Final = 5.0
_ABORT_SECONDS: Final = 300.0
_CANCEL_SECONDS: Final = 10.0
_STEADY_SECONDS: Final = 60.0
_SWEEPER = text("select pg_try_advisory_xact_lock(:lock)")
_STALLED = text("""
    delete from jobs.procrastinate_jobs as job
    where job.queue_name = :queue and job.status <> 'todo' and not exists (
        select from jobs.procrastinate_workers as worker
        where worker.id = job.worker_id and worker.last_heartbeat > clock_timestamp() - make_interval(secs => :seconds)
    )
""")
_log = logger()

# Its own log would tell the arguments of jobs, in a form of its own; what operators need is told here.
for _name in ("procrastinate", "psycopg.pool"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class Running:
    """A worker that runs until it is stopped, whatever happens to the database."""

    def __init__(self, worker: Worker, conninfo: str) -> None:
        """Take the worker, and the address of its database for plain psycopg."""
        self._worker: Final = worker
        self._conninfo: Final = conninfo
        self._task: asyncio.Task[None] | None = None
        self._called: Final = asyncio.Event()

    def start(self) -> None:
        """Start in this event loop."""
        self._task = asyncio.create_task(self.run(), name="delivery")

    async def stop(self, *, seconds: float = 5.0) -> None:
        """Stop: no attempt begins any more, those under way have so many seconds to end."""
        # At once: what waits for a turn must not have it while the queue is closed.
        self._worker.begin_no_more()
        task, self._task = self._task, None
        while task is not None and not task.done():
            task.cancel()
            # What is cancelled may swallow it, where it comes together with what was waited for.
            await asyncio.wait([task], timeout=_CANCEL_SECONDS)
        await self._worker.finish(seconds=seconds)

    async def run(self) -> None:
        """Run for ever: start again, after a pause that grows, whenever the queue or the database goes away."""
        loop = asyncio.get_running_loop()
        pause = PAUSE_SECONDS[0]
        while True:
            began = loop.time()
            try:
                await self._run()
                reason = "ended"
            except Exception as error:  # noqa: BLE001  # whatever it is, deliveries must go on
                reason = type(error).__name__
            # Where the queue breaks while it is told to stop, what broke comes up in place of that.
            _go_on()
            if loop.time() - began > _STEADY_SECONDS:
                pause = PAUSE_SECONDS[0]
            _log.warning("delivery.worker_restarted", reason=reason, retry_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSE_SECONDS[1])

    async def sweep(self) -> int:
        """Take away what dead workers left, and wake workers for what is overdue; tell how many that were."""
        return await self._worker.in_thread(self._swept)

    # ---- Within -----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        patience = self._worker.patience
        # A pool waits long for a database that is down, and tells nobody: this fails at once.
        await self.sweep()
        app = App(connector=PsycopgConnector())
        app.task(name=TASK, queue=QUEUE)(self._look)
        async with self._pool() as pool, app.open_async(pool):
            beside = [
                asyncio.create_task(self._sweep_for_ever(), name="delivery sweeper"),
                asyncio.create_task(self._go_on_for_ever(), name="delivery goes on"),
            ]
            try:
                await app.run_worker_async(
                    queues=[QUEUE],
                    # They wake: what is due besides is drained.
                    concurrency=min(_AWAKE, patience.at_once),
                    fetch_job_polling_interval=patience.sweep_seconds,
                    # Nobody aborts jobs.
                    abort_job_polling_interval=_ABORT_SECONDS,
                    install_signal_handlers=False,
                    delete_jobs="always",
                    update_heartbeat_interval=patience.heartbeat_seconds,
                    stalled_worker_timeout=3 * patience.heartbeat_seconds,
                    # Attempts go on without their jobs, see `Worker.deliver`.
                    shutdown_graceful_timeout=0.1,
                )
            finally:
                for each in beside:
                    each.cancel()
                await asyncio.gather(*beside, return_exceptions=True)

    @asynccontextmanager
    async def _pool(self) -> AsyncIterator[AsyncConnectionPool]:
        """Hold connections for the queue, and close them whatever happens.

        Procrastinate's own pool is not closed when it is cancelled while it opens. Who connects for it swallows the
        loop's last word then, and the process never ends.
        """
        pool = AsyncConnectionPool(
            self._conninfo,
            kwargs={"options": "-c search_path=jobs -c timezone=UTC -c application_name=icorn-hub-delivery"},
            # All at once: a pool that is growing when it is closed leaves a connection behind.
            min_size=_CONNECTIONS,
            max_size=_CONNECTIONS,
            timeout=_POOL_SECONDS,
            check=AsyncConnectionPool.check_connection,
            open=False,
        )
        try:
            await pool.open(wait=True, timeout=_POOL_SECONDS)
            _go_on()
            yield pool
        finally:
            await pool.close()

    async def _look(self, handoff: str) -> None:
        self._called.set()
        await self._worker.begin(UUID(handoff))

    async def _go_on_for_ever(self) -> None:
        """Go on with what is due beside the job that woke us."""
        while True:
            await self._called.wait()
            self._called.clear()
            try:
                await self._worker.begin_all()
            except Exception as error:  # noqa: BLE001  # each has a job of its own yet
                _log.warning("delivery.look_failed", error=type(error).__name__)

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._worker.patience.sweep_seconds)
            try:
                await self.sweep()
            except SQLAlchemyError as error:
                _log.warning("delivery.sweep_failed", error=type(error).__name__)

    def _swept(self) -> int:
        with self._worker.engine.begin() as connection:
            if not connection.execute(_SWEEPER, {"lock": _LOCK}).scalar():
                return 0
            found = self._woken(connection)
        if found:
            _log.info("delivery.swept", rows=found)
        return found

    def _woken(self, connection: Connection) -> int:
        patience, now = self._worker.patience, self._worker.clock.now()
        connection.execute(_STALLED, {"queue": QUEUE, "seconds": 3 * patience.heartbeat_seconds})
        found = overdue(
            connection, topics=self._worker.topics, now=now, seconds=patience.grace_seconds, most=SWEPT_MOST
        )
        for handoff, topic in found:
            wake(connection, handoff, topic)
        return len(found)


def _go_on() -> None:
    """Stop here if this task was cancelled, and something on the way swallowed it."""
    me = asyncio.current_task()
    if me is not None and me.cancelling():
        raise asyncio.CancelledError
