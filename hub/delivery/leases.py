"""Leases: who is at a delivery, and until when. Each function is one statement or two, in the caller's transaction.

A lease is known by a word of its own, not by the worker's name, so that a worker that lost one does not take the next
one for it. Whoever comes late finds another word there, and changes nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Select, and_, case, or_, select, text, update

from connectors.errors import Uncertain
from hub.delivery.ports import Claimed, Topic
from schema.tables import HandoffRow
from schema.tables.base import table_of
from schema.tables.referrals import DeliveryState, Direction

_H: Final = table_of(HandoffRow)
_JOBLESS: Final = text("""
    not exists (
        select from jobs.procrastinate_jobs as job where job.queueing_lock = handoff.id::text and job.status = 'todo'
    )
""")
_FREE: Final[dict[str, Any]] = {"leased_by": None, "lease_until": None}


@dataclass(frozen=True, slots=True)
class Held:
    """A delivery under our lease."""

    claimed: Claimed
    topic: Topic
    lease: str
    until: datetime
    gives_up_at: datetime | None


def take(
    connection: Connection, handoff: UUID, *, topics: Collection[Topic], lease: str, now: datetime, seconds: float
) -> Held | None:
    """Take the lease of a delivery that is due and free, and count the attempt; None where it is not.

    What became of the attempt before is in doubt when it said so, or when its lease ran out: then it may have had its
    effect, and `Claimed.doubtful` says so until an attempt settles it.
    """
    free = _waiting(now, topics).where(_H.c.id == handoff).with_for_update(skip_locked=True)
    lost = case((_H.c.lease_until.is_not(None), Uncertain.code), else_=_H.c.last_error)
    until = now + timedelta(seconds=seconds)
    row = connection.execute(
        update(_H)
        .where(_H.c.id == free.scalar_subquery())
        .values(leased_by=lease, lease_until=until, attempts=_H.c.attempts + 1, last_error=lost)
        .returning(*_H.c)
    ).one_or_none()
    if row is None:
        return None
    claimed = Claimed(
        id=row.id,
        referral_id=row.referral_id,
        packet_id=row.packet_id,
        event_id=row.event_id,
        attempt=row.attempts,
        doubtful=row.last_error == Uncertain.code,
    )
    return Held(claimed, Topic(row.topic), lease, until, row.gives_up_at)


def ours(connection: Connection, held: Held) -> bool:
    """Lock the delivery and tell whether the lease is still ours; what follows is written in the same transaction."""
    mine = and_(_H.c.id == held.claimed.id, _H.c.leased_by == held.lease, _H.c.state == DeliveryState.WAITING)
    return connection.execute(select(_H.c.id).where(mine).with_for_update()).first() is not None


def end(connection: Connection, held: Held, state: DeliveryState, *, now: datetime, why: str | None = None) -> None:
    """End the delivery."""
    connection.execute(
        update(_H)
        .where(_H.c.id == held.claimed.id)
        .values(state=state, settled_at=now, next_attempt_at=None, last_error=why, **_FREE)
    )


def put_back(connection: Connection, held: Held, *, at: datetime, why: str) -> None:
    """Let go of the delivery until its next attempt."""
    connection.execute(update(_H).where(_H.c.id == held.claimed.id).values(next_attempt_at=at, last_error=why, **_FREE))


def due(connection: Connection, *, topics: Collection[Topic], now: datetime, most: int) -> list[UUID]:
    """List deliveries that are due and free, the longest waiting first."""
    return list(connection.execute(_waiting(now, topics).limit(most)).scalars())


def overdue(
    connection: Connection, *, topics: Collection[Topic], now: datetime, seconds: float, most: int
) -> list[tuple[UUID, Topic]]:
    """Lock and list deliveries without a job that nobody looked at for so long after they were due, or a lease ran out.

    What another transaction has locked is being looked at.
    """
    found = _waiting(now - timedelta(seconds=seconds), topics).add_columns(_H.c.topic).where(_JOBLESS).limit(most)
    rows = connection.execute(found.with_for_update(skip_locked=True)).all()
    return [(row.id, Topic(row.topic)) for row in rows]


def _waiting(now: datetime, topics: Collection[Topic]) -> Select[UUID]:
    return (
        select(_H.c.id)
        .where(
            _H.c.direction == Direction.OUTGOING,
            _H.c.state == DeliveryState.WAITING,
            _H.c.topic.in_([topic.value for topic in topics]),
            _H.c.next_attempt_at <= now,
            or_(_H.c.lease_until.is_(None), _H.c.lease_until <= now),
        )
        .order_by(_H.c.next_attempt_at, _H.c.id)
    )
