"""Slowing down who guesses: counters in the database, each taken by one statement, with delays that grow.

Nobody is locked out for good, and strangers cannot lock anybody out: a login that is under fire stays free for browsers
it has been signed in from before (they count by themselves), and passkeys never ask for the login. What is counted is
kept under a keyed hash, so the table tells no addresses and no logins.
"""

import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, case, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from hub.auth.people.errors import TooManyTries
from hub.auth.people.sealing import Sealer
from schema.tables import ThrottleRow
from schema.tables.base import table_of

_T: Final = table_of(ThrottleRow)
_TRIES_MOST: Final = 1000
_DOUBLINGS_MOST: Final = 20
_NETWORK_BITS: Final = 64
_KEPT: Final = timedelta(days=1)
_PURGED_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Policy:
    """How many tries are free, and how the wait grows after them: doubling from `first` up to `longest`."""

    kind: str
    free: int
    first: timedelta
    longest: timedelta
    forgotten_after: timedelta


ADDRESS: Final = Policy("address", 30, timedelta(seconds=1), timedelta(minutes=5), timedelta(minutes=15))
"""Passwords and codes from one address. Several people may share it."""
LOGIN: Final = Policy("login", 5, timedelta(seconds=2), timedelta(minutes=15), timedelta(hours=1))
"""Passwords and codes for one login, from browsers that are strangers to it."""
DEVICE: Final = Policy("device", 5, timedelta(seconds=2), timedelta(minutes=15), timedelta(hours=1))
"""Passwords and codes for one login, from one browser that was signed in with it before."""
CEREMONY: Final = Policy("ceremony", 60, timedelta(seconds=1), timedelta(minutes=1), timedelta(minutes=5))
"""Challenges for passkeys from one address: each is a row."""


class Throttle:
    """The counters."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def take(self, connection: Connection, policy: Policy, who: str, *, now: datetime) -> None:
        """Count a try, before it is looked at: tries at the same instant are all counted.

        Raises:
            TooManyTries: it is not free yet. It is not counted, so who waits gets in.
        """
        key = self._key(policy, who)
        tries = case((_T.c.touched_at < now - policy.forgotten_after, 1), else_=func.least(_T.c.tries + 1, _TRIES_MOST))
        taken = insert(_T).values(key=key, tries=1, free_at=now, touched_at=now)
        statement = taken.on_conflict_do_update(
            index_elements=[_T.c.key],
            set_={"tries": tries, "free_at": literal(now) + _wait(policy, tries), "touched_at": now},
            where=_T.c.free_at <= now,
        ).returning(_T.c.tries)
        if connection.execute(statement).first() is None:
            free_at = connection.execute(select(_T.c.free_at).where(_T.c.key == key)).scalar_one()
            raise TooManyTries(retry_seconds=max(1, math.ceil((free_at - now).total_seconds())))

    def forgive(self, connection: Connection, policy: Policy, who: str) -> None:
        """Forget the tries of who got in."""
        connection.execute(delete(_T).where(_T.c.key == self._key(policy, who)))

    def give_back(self, connection: Connection, policy: Policy, who: str, *, now: datetime) -> None:
        """Take back one try only: who shares an address with a guesser gets in, and the guesser gains nothing."""
        fewer = func.greatest(_T.c.tries - 1, 0)
        free_at = func.least(_T.c.free_at, now)
        mine = _T.c.key == self._key(policy, who)
        connection.execute(update(_T).where(mine).values(tries=fewer, free_at=free_at))

    @staticmethod
    def purge(connection: Connection, *, now: datetime) -> None:
        """Delete some counters that nobody has touched for a day."""
        old = select(_T.c.key).where(_T.c.touched_at < now - _KEPT).limit(_PURGED_AT_ONCE)
        connection.execute(delete(_T).where(_T.c.key.in_(old.with_for_update(skip_locked=True))))

    def _key(self, policy: Policy, who: str) -> bytes:
        return self._sealer.mac(who, kind=f"throttle.{policy.kind}")


def network(address: str) -> str:
    """Give what counts as one address: for IPv6 the network of 64 bits, in which a machine takes any it likes."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == 4:  # noqa: PLR2004  # IPv4
        return str(parsed)
    mapped = parsed.ipv4_mapped
    return str(mapped or ipaddress.ip_network((parsed, _NETWORK_BITS), strict=False))


def _wait(policy: Policy, tries: ColumnElement[int]) -> ColumnElement[timedelta]:
    """Write how long the next try has to wait, as an interval of the database."""
    beyond = func.least(tries - policy.free - 1, _DOUBLINGS_MOST)
    grown = policy.first.total_seconds() * func.power(2, beyond)
    seconds = case((tries <= policy.free, 0.0), else_=func.least(grown, policy.longest.total_seconds()))
    return func.make_interval(0, 0, 0, 0, 0, 0, seconds)
