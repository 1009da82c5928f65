"""How much a client may ask in a time, and how many requests of its body run at once. Kept in memory, by each process.

A bucket holds what may still be spent and fills steadily. A request is let in while there is something left and pays
afterwards what it cost, so that the price need not be known beforehand; who overdrew waits until the debt is filled up.
The graph counts cost, the OAuth endpoints count requests. Source: RateLimit header fields for HTTP (IETF draft), RFC
6585, section 4.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Final

from starlette.types import Scope

from hub.errors import HubError
from schema.access import ANONYMOUS, AccessProfile

CLIENTS_MOST: Final = 10_000
"""Buckets kept; the one not used for longest is forgotten, which fills it up."""
LEAST: Final = 1
"""What any request costs, a refused one too."""


class TooManyRequests(HubError):
    """The client has spent what it may for now, or asks too much at once."""

    code = "RATE_LIMITED"
    public = "Too much was asked in a short time. Wait, then ask again."

    def __init__(self, *, retry_seconds: int) -> None:
        super().__init__(retry_seconds=retry_seconds)
        self.retry_seconds = retry_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one client may: so much cost in so many seconds; and how many requests its body may have at once."""

    cost: int
    seconds: int
    at_once: int


@dataclass(slots=True)
class Bucket:
    """What one client has left, as of an instant."""

    left: float
    at: float


class Buckets:
    """The buckets of many, full at first."""

    def __init__(self, full: int, seconds: int, now: Callable[[], float]) -> None:
        """Take what a bucket holds, in how many seconds it fills, and a watch."""
        self._full: Final = full
        self._per_second: Final = full / seconds
        self._now: Final = now
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def of(self, who: str) -> Bucket:
        """Find a bucket, filled up to now.

        Raises:
            TooManyRequests: nothing is left in it.
        """
        now = self._now()
        bucket = self._buckets.get(who)
        if bucket is None:
            bucket = self._buckets[who] = Bucket(self._full, now)
            if len(self._buckets) > CLIENTS_MOST:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(who)
            left = bucket.left + (now - bucket.at) * self._per_second
            bucket.left = left if left < self._full else self._full  # noqa: FURB136  # a call costs more
            bucket.at = now
        if bucket.left < LEAST:
            raise TooManyRequests(retry_seconds=self.seconds(LEAST - bucket.left))
        return bucket

    def seconds(self, missing: float) -> int:
        """Tell in how many seconds so much will be filled in."""
        return ceil(missing / self._per_second)


Turn = tuple[Bucket, str]
"""A request that was let in: whose cost it is, and whose requests at once it counts among."""


# Writing out an id costs more than all else that is counted here.
_name_of: Final = lru_cache(1_024)(str)


def payer(profile: AccessProfile, scope: Scope, address: Callable[[Scope], str]) -> tuple[str, str]:
    """Tell whose cost a request is, and whose requests at once it counts among.

    Args:
        profile: who asks.
        scope: of the request.
        address: tells where it comes from, to count those who have no token.
    """
    if profile is ANONYMOUS:
        place = address(scope)
        return place, place
    client = profile.client or address(scope)
    return client, _name_of(profile.organisation_id) if profile.organisation_id else client


class Rates:
    """The buckets of all clients."""

    def __init__(self, allowance: Allowance, now: Callable[[], float]) -> None:
        self.allowance: Final = allowance
        self._at_once: Final = allowance.at_once
        self._buckets: Final = Buckets(allowance.cost, allowance.seconds, now)
        self._running: dict[str, int] = {}
        self.policy: Final = f'"cost";q={allowance.cost};w={allowance.seconds}'.encode()

    def enter(self, client: str, body: str) -> Turn:
        """Let a request in.

        Args:
            client: whose cost it is.
            body: whose requests at once are counted; the client itself where it has no body.

        Raises:
            TooManyRequests: nothing is left, or too many requests run.
        """
        bucket = self._buckets.of(client)
        running = self._running.get(body, 0)
        if running >= self._at_once:
            raise TooManyRequests(retry_seconds=1)
        self._running[body] = running + 1
        return bucket, body

    def leave(self, turn: Turn, cost: int) -> None:
        """Let a request out, and make it pay."""
        bucket, body = turn
        bucket.left -= cost if cost > LEAST else LEAST  # noqa: FURB136  # as above
        running = self._running[body] - 1
        if running:
            self._running[body] = running
        else:
            del self._running[body]

    def charge(self, client: str, cost: int) -> None:
        """Make a client pay for what a stream of theirs read.

        Raises:
            TooManyRequests: nothing was left.
        """
        self._buckets.of(client).left -= cost

    def told(self, turn: Turn) -> bytes:
        """Write the RateLimit field: what is left, and in how many seconds all will be."""
        left = max(0, int(turn[0].left))
        return b'"cost";r=%d;t=%d' % (left, self._buckets.seconds(self.allowance.cost - left))


class Pace:
    """How often the OAuth endpoints may be asked. Threads share it.

    Who authenticates pays as a client, wherever it comes from; all others pay by their address, and more when they are
    refused. So strangers cannot use up what a client may, and clients behind one address not what the others may.
    """

    def __init__(self, per_minute: int, now: Callable[[], float]) -> None:
        self._buckets: Final = Buckets(per_minute, 60, now)
        self._lock: Final = threading.Lock()

    def admit(self, client: str) -> None:
        """Count a request of a client that has authenticated.

        Raises:
            TooManyRequests: it has asked too often.
        """
        with self._lock:
            self._buckets.of(f"client {client}").left -= LEAST

    def check(self, address: str) -> None:
        """Look whether an address may ask.

        Raises:
            TooManyRequests: too much came from it.
        """
        with self._lock:
            self._buckets.of(f"address {address}")

    def pay(self, address: str, price: int) -> None:
        """Count what came from an address."""
        with self._lock, suppress(TooManyRequests):
            self._buckets.of(f"address {address}").left -= price
