"""When to try again: exponential, capped, with jitter, until what is delivered runs out. Pure.

The jitter takes the whole range from nothing to the delay, so that handoffs that failed together do not come back
together (Brooker, "Exponential Backoff And Jitter", 2015: full jitter), yet never less than the least delay.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_DOUBLINGS_MAX: Final = 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How patient to be. The defaults span seconds at first and half an hour later on."""

    least_seconds: float = 1.0
    first_seconds: float = 4.0
    cap_seconds: float = 1800.0

    def __post_init__(self) -> None:
        if not 0 < self.least_seconds <= self.first_seconds <= self.cap_seconds:
            raise ValueError("delays must be positive, and must not shrink")

    def ceiling_seconds(self, attempt: int) -> float:
        """Tell the longest delay after a failed attempt.

        Args:
            attempt: its number, from 1.
        """
        if attempt < 1:
            raise ValueError("attempts count from 1")
        return min(self.cap_seconds, self.first_seconds * 2.0 ** min(attempt - 1, _DOUBLINGS_MAX))

    def delay_seconds(self, attempt: int, jitter: Callable[[], float]) -> float:
        """Tell how long to wait after a failed attempt.

        Args:
            attempt: its number, from 1.
            jitter: gives a number from 0 to 1, another each time.
        """
        ceiling = self.ceiling_seconds(attempt)
        return self.least_seconds + (ceiling - self.least_seconds) * min(1.0, max(0.0, jitter()))


def next_attempt(
    attempt: int,
    *,
    now: datetime,
    until: datetime,
    jitter: Callable[[], float],
    backoff: Backoff | None = None,
    asked_seconds: float = 0.0,
) -> datetime | None:
    """Tell when to try again, or that it is over.

    Args:
        attempt: number of the attempt that failed, from 1.
        now: the present.
        until: when the consent, or whatever else allows sending, runs out; no attempt begins then or later.
        jitter: gives a number from 0 to 1.
        backoff: how patient to be.
        asked_seconds: how long the other side asked us to wait; it is never asked sooner.

    Returns:
        an instant before `until`, or None: nothing is tried again, and somebody must be told. The last attempt
        before the end comes a little earlier than its delay would have it, rather than not at all.
    """
    backoff = backoff or Backoff()
    soonest = now + timedelta(seconds=max(backoff.least_seconds, asked_seconds))
    if soonest >= until:
        return None
    wished = now + timedelta(seconds=max(backoff.delay_seconds(attempt, jitter), asked_seconds))
    if wished < until:
        return wished
    return soonest + (until - soonest) / 2
