"""Connections kept for the next request: not for long, and none for ever.

What was checked when a connection was made (its address, its certificate) is checked again only by making another. So
one that lies idle is closed after a moment, whether or not anybody comes again; and one that is never idle goes on for
its longest only, whatever the name means by then.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from httpcore2 import AsyncConnectionPool


class Kept:
    """The connections to one place, for one event loop."""

    def __init__(self, make: Callable[[], AsyncConnectionPool], *, idle_seconds: float, longest_seconds: float) -> None:
        """Take what makes a pool, and how long its connections last: idle, and at all."""
        self._make: Final = make
        self._idle_seconds: Final = idle_seconds
        self._longest_seconds: Final = longest_seconds
        self._now: _Pool | None = None
        self._closing: Final = set[asyncio.Task[None]]()

    @asynccontextmanager
    async def pool(self) -> AsyncIterator[AsyncConnectionPool]:
        """Give the connections for one request."""
        loop = asyncio.get_running_loop()
        mine = self._now
        if mine is None or loop.time() >= mine.until:
            self._retire()
            mine = self._now = _Pool(self._make(), loop.time() + self._longest_seconds)
        mine.busy += 1
        try:
            yield mine.pool
        finally:
            mine.busy -= 1
            mine.idle_since = loop.time()
            if mine is not self._now:
                self._close(mine)
            elif mine.timer is None:
                mine.timer = loop.call_later(self._idle_seconds, self._look, mine)

    async def aclose(self) -> None:
        """Close all that is not in use, and what is as soon as it is not."""
        self._retire()
        if self._closing:
            await asyncio.wait(self._closing)

    def _look(self, mine: "_Pool") -> None:
        """Close what lay idle long enough; else look again when it would have."""
        mine.timer = None
        if mine is not self._now or mine.busy:
            return
        loop = asyncio.get_running_loop()
        left = mine.idle_since + self._idle_seconds - loop.time()
        if left > 0:
            mine.timer = loop.call_later(left, self._look, mine)
        else:
            self._retire()

    def _retire(self) -> None:
        mine, self._now = self._now, None
        if mine is not None:
            self._close(mine)

    def _close(self, mine: "_Pool") -> None:
        if mine.timer is not None:
            mine.timer.cancel()
            mine.timer = None
        if not mine.busy:
            # In a task of its own: who asked last may be cancelled by now.
            task = asyncio.get_running_loop().create_task(mine.pool.aclose())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


class _Pool:
    """Connections of one age."""

    def __init__(self, pool: AsyncConnectionPool, until: float) -> None:
        self.pool: Final = pool
        self.until: Final = until
        self.busy = 0
        self.idle_since = 0.0
        self.timer: asyncio.TimerHandle | None = None
