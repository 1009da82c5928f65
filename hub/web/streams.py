"""What all ways of telling subscriptions share: who listens, who looks after them, who pays, and that each is counted.

A transport writes what comes out of here, and decides nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from hub.live import Listener, Live
from hub.operations import Answer
from hub.planner.following import Following
from hub.web.rates import Rates
from schema.access import AccessProfile


class Doorkeeper(Protocol):
    """Tells who asks still."""

    async def still(self, headers: dict[bytes, bytes], /, *, socket: bool = False) -> AccessProfile:
        """Look who it is now that opened a stream by these headers.

        Raises:
            HubError: nobody any more.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who asked for a stream, and how."""

    profile: AccessProfile
    headers: dict[bytes, bytes]
    """What they said of themselves."""
    pays: tuple[str, str]
    """The client that pays, and the body among whose streams it counts."""
    stop: asyncio.Event
    """Set when the process ends."""
    request_id: str
    socket: bool = False
    """Whether it was by a WebSocket."""


class Streams:
    """Tells subscriptions, whatever carries them."""

    def __init__(self, live: Live, *, door: Doorkeeper, rates: Rates) -> None:
        """Take what tells, who is at the door, and what each client may ask."""
        self._live: Final = live
        self._door: Final = door
        self._rates: Final = rates

    @asynccontextmanager
    async def telling(self, following: Following, asking: Asking) -> AsyncIterator[AsyncGenerator[Answer | None, None]]:
        """Give the answers of a subscription as they come, and None as a beat, as long as this is open.

        Raises:
            TooManyStreams: before anything was told.
        """
        client, body = asking.pays
        listener = Listener(
            profile=asking.profile,
            still=partial(self._door.still, asking.headers, socket=asking.socket),
            pay=partial(self._rates.charge, client),
            stop=asking.stop,
            request_id=asking.request_id,
        )
        with self._live.counted(body):
            async with aclosing(self._live.told(following, listener)) as answers:
                yield answers
