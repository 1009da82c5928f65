"""Looks at clocks and agreements of referrals now and then, in every process; each referral is one's at a time.

What else is to be done now and then, whoever asks the hub for what, is done with it: `chores` of other rooms.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from hub.clock import Clock
from hub.log import logger
from hub.referrals.service import Referrals

LOOK_SECONDS: Final = 60.0
Chore = Callable[[Connection, datetime], None]
"""What is done now and then, in a transaction of its own. Several processes may do it at once."""
_log = logger()


class Clockwork:
    """Takes the clock's steps while it runs."""

    def __init__(
        self,
        engine: Engine,
        referrals: Referrals,
        clock: Clock,
        *,
        chores: Sequence[Chore] = (),
        seconds: float = LOOK_SECONDS,
    ) -> None:
        self._engine: Final = engine
        self._referrals: Final = referrals
        self._clock: Final = clock
        self._chores: Final = tuple(chores)
        self._seconds: Final = seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start in this event loop."""
        self._task = asyncio.create_task(self.run(), name="clocks of referrals")

    async def stop(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def run(self) -> None:
        """Look for ever; a database that is away is looked for again."""
        while True:
            looking = asyncio.create_task(asyncio.to_thread(self.look))
            try:
                await asyncio.shield(looking)
            except asyncio.CancelledError:
                # Its thread goes on all the same, with connections that are about to be closed.
                await asyncio.gather(looking, return_exceptions=True)
                raise
            except SQLAlchemyError as error:
                _log.warning("referrals.clocks_failed", error=type(error).__name__)
            await asyncio.sleep(self._seconds)

    def look(self) -> int:
        """Take all steps that are due, then do the chores; tell how many steps there were."""
        steps = 0
        while True:
            with self._engine.begin() as connection:
                now = self._clock.now()
                done = len(self._referrals.end_uncovered(connection, now))
                done += len(self._referrals.remind(connection, now)) + len(self._referrals.expire(connection, now))
            steps += done
            if not done:
                break
        for chore in self._chores:
            with self._engine.begin() as connection:
                chore(connection, self._clock.now())
        return steps
