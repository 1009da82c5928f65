"""One subscription from its beginning to its end: replay, then live, each event read for who listens at that moment.

Whether the listener may still listen is asked before each event, and every few seconds, happened or not.
What is not theirs leaves no trace in the stream, in its times neither: it beats by the clock, not by events.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from typing import Final

from hub.auth.errors import TokenDenied
from hub.errors import HubError
from hub.live.counting import Places
from hub.live.errors import ServerStopping
from hub.live.listening import Listening, Rung
from hub.operations import Answer, Operations
from hub.planner.following import Following
from schema.access import PARTNERS, AccessProfile

_REPLAY: Final = """
query($referral: ID!, $after: Int!) {
  referral(id: $referral) { events(first: 50, where: {afterNumber: $after}) {
    nodes { id number } pageInfo { hasNextPage }
  } }
}
"""
_LOOK: Final = "{ __typename }"


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens to one stream, and what it takes to look after them."""

    profile: AccessProfile
    still: Callable[[], Awaitable[AccessProfile]]
    """Gives the profile as of now; raises when there is none any more."""
    pay: Callable[[int], None]
    """Takes what reading cost; raises when too much was read."""
    stop: asyncio.Event
    """Set when the process ends."""
    request_id: str


class Live:
    """All streams of one process."""

    def __init__(self, operations: Operations, listening: Listening, places: Places, *, beat_seconds: float) -> None:
        """Take what reads and what hears, how many streams there may be, and how long a cut may go unnoticed."""
        self._operations: Final = operations
        self._listening: Final = listening
        self._places: Final = places
        self._beat_seconds: Final = beat_seconds

    def counted(self, body: str) -> AbstractContextManager[None]:
        """Count a stream as long as it is open.

        Raises:
            TooManyStreams: there are enough.
        """
        return self._places.one_of(body)

    async def told(self, following: Following, listener: Listener) -> AsyncGenerator[Answer | None, None]:
        """Give the answers of a subscription as they come, and None as a beat. What ends it is told last, with a code.

        Args:
            following: the subscription.
            listener: who listens.
        """
        if following.withheld:
            yield self._operations.withheld(following)
            return
        telling = _Telling(self._operations, self._listening, following, listener, self._beat_seconds)
        try:
            async with aclosing(telling.told()) as told:
                async for each in told:
                    yield each
        except _Refused as refused:
            yield refused.answer
        except HubError as error:
            yield self._operations.refused(error)


class _Refused(Exception):
    """An event could not be read; the answer says why."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class _Telling:
    """One stream under way."""

    def __init__(
        self,
        operations: Operations,
        listening: Listening,
        following: Following,
        listener: Listener,
        beat_seconds: float,
    ) -> None:
        self._operations = operations
        self._listening = listening
        self._following = following
        self._listener = listener
        self._profile = listener.profile
        self._beat_seconds = beat_seconds

    async def told(self) -> AsyncGenerator[Answer | None, None]:
        """Give what is to be told, in order, until it ends by an error."""
        profile = self._profile
        # Heard before anything is replayed, so that nothing falls between.
        heard = await self._listening.listen(profile.organisation_id if profile.relation in PARTNERS else None)
        waking = asyncio.create_task(self._wake_at_the_end(heard.wake))
        try:
            yield None
            replayed: set[str] = set()
            async for event in self._replay():
                replayed.add(event)
                if (answer := await self._read(event)) is not None:
                    yield answer
            loop = asyncio.get_running_loop()
            beat = loop.time() + self._beat_seconds
            while True:
                rung: Rung | None = await heard.next(beat - loop.time())
                if self._listener.stop.is_set():
                    raise ServerStopping
                live = None if rung is None else self._concerned(rung)
                if live is not None and live not in replayed and (answer := await self._read(live)) is not None:
                    yield answer
                if loop.time() >= beat:
                    await self._look()
                    yield None
                    beat = max(beat + self._beat_seconds, loop.time())
        finally:
            waking.cancel()
            self._listening.leave(heard)

    async def _wake_at_the_end(self, wake: Callable[[], None]) -> None:
        await self._listener.stop.wait()
        wake()

    def _concerned(self, rung: Rung) -> str | None:
        """Give the id under which the listener knows the event; None where another referral was asked for."""
        wanted = self._following.referral
        if wanted is not None and self._operations.shown("Referral", rung.referral, self._profile) != wanted:
            return None
        return self._operations.shown("ReferralEvent", rung.event, self._profile)

    async def _replay(self) -> AsyncIterator[str]:
        """Give the events after the number asked for, in their order, as far as the listener may see them."""
        after = self._following.after
        more = after is not None
        while more:
            await self._still()
            variables = {"referral": self._following.referral, "after": after}
            read = await self._operations.execute(
                _REPLAY, variables=variables, profile=self._profile, request_id=self._listener.request_id
            )
            self._listener.pay(read.price)
            if read.code is not None:
                raise _Refused(read)
            referral = json.loads(read.body)["data"]["referral"]
            page = None if referral is None else referral["events"]
            if page is None:
                return
            for node in page["nodes"]:
                after = int(node["number"])
                yield str(node["id"])
            more = page["pageInfo"]["hasNextPage"]

    async def _read(self, event: str) -> Answer | None:
        """Read an event for the listener as of now; None where it is not theirs."""
        await self._still()
        answer, cost = await self._operations.happened(self._following, event, self._profile, self._listener.request_id)
        self._listener.pay(cost)
        if answer is not None and answer.code is not None:
            raise _Refused(answer)
        return answer

    async def _still(self) -> None:
        before, self._profile = self._profile, await self._listener.still()
        if self._profile.audience != before.audience:
            # Ids are made for an audience; those of before would lead nowhere.
            raise TokenDenied
        if self._listener.stop.is_set():
            raise ServerStopping

    async def _look(self) -> None:
        """Look whether the token was denied: by a statement, as each that reads does."""
        await self._still()
        answer = await self._operations.execute(_LOOK, profile=self._profile)
        if answer.code is not None:
            raise _Refused(answer)
