"""How much a client may ask in a time, and how many requests of its body run at once. Kept in memory, by each process.

A bucket holds what may still be spent and fills steadily. A request is let in while there is something left and pays
afterwards what it cost, so that the price need not be known beforehand; who overdrew waits until the debt is filled up.
Source: RateLimit header fields for HTTP (IETF draft), RFC 6585, section 4.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Final

from hub.errors import HubError

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


Turn = tuple[Bucket, str]
"""A request that was let in: whose cost it is, and whose requests at once it counts among."""


class Rates:
    """The buckets of all clients."""

    def __init__(self, allowance: Allowance, now: Callable[[], float]) -> None:
        self.allowance: Final = allowance
        self._per_second = allowance.cost / allowance.seconds
        self._now = now
        self._most = float(allowance.cost)
        self._at_once = allowance.at_once
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
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
        now = self._now()
        bucket = self._buckets.get(client)
        if bucket is None:
            bucket = self._buckets[client] = Bucket(self.allowance.cost, now)
            self._forget()
        else:
            self._buckets.move_to_end(client)
            left = bucket.left + (now - bucket.at) * self._per_second
            bucket.left = left if left < self._most else self._most  # noqa: FURB136  # a call costs more
            bucket.at = now
        if bucket.left < LEAST:
            raise TooManyRequests(retry_seconds=ceil((LEAST - bucket.left) / self._per_second))
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

    def told(self, turn: Turn) -> bytes:
        """Write the RateLimit field: what is left, and in how many seconds all will be."""
        left = max(0, int(turn[0].left))
        return b'"cost";r=%d;t=%d' % (left, ceil((self.allowance.cost - left) / self._per_second))

    def _forget(self) -> None:
        while len(self._buckets) > CLIENTS_MOST:
            self._buckets.popitem(last=False)
