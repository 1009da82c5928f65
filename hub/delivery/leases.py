"""Leases: who is at a delivery, and until when. Each function is one statement or two, in the caller's transaction.

A lease is known by a word of its own, not by the worker's name, so that a worker that lost one does not take the next
one for it. Whoever comes late finds another word there, and changes nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    Connection,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    column,
    delete,
    func,
    literal_column,
    or_,
    select,
    table,
    text,
    update,
)

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
_JOBS: Final = table("procrastinate_jobs", column("queueing_lock"), column("status"), schema="jobs")
_FREE: Final[dict[str, Any]] = {"leased_by": None, "lease_until": None}
_LOCK_TIMEOUT: Final = "5s"


@dataclass(frozen=True, slots=True)
class Held:
    """A delivery under our lease."""

    claimed: Claimed
    topic: Topic
    lease: str
    until: datetime
    gives_up_at: datetime | None


def take(
    connection: Connection,
    handoff: UUID,
    *,
    topics: Collection[Topic],
    lease: str,
    now: datetime,
    seconds: float,
    jobless: bool = False,
) -> Held | None:
    """Take the lease of a delivery that is due and free, and count the attempt; None where it is not.

    Who looks at it without its job takes that away (`jobless`): with a lease, the sweeper comes by.

    What became of the attempt before is in doubt when it said so, or when its lease ran out: then it may have had its
    effect, and `Claimed.doubtful` says so until an attempt settles it.

    Whatever the transaction waits for afterwards, it does not wait long: a referral that somebody holds for long must
    not hold up all others, and is looked at again soon.
    """
    until = now + timedelta(seconds=seconds)
    given = {"the_id": handoff, "the_topics": _named(topics), "the_now": now, "the_lease": lease, "the_end": until}
    row = connection.execute(_TAKE_WITH_JOB if jobless else _TAKE, given).one_or_none()
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
    given = {"the_id": held.claimed.id, "the_lease": held.lease}
    return connection.execute(_OURS, given).first() is not None


def end(connection: Connection, held: Held, state: DeliveryState, *, now: datetime, why: str | None = None) -> bool:
    """End the delivery, if the lease is still ours; tell whether it is. It is locked then, as by `ours`."""
    given = {"the_id": held.claimed.id, "the_lease": held.lease, "the_state": state, "the_now": now, "the_reason": why}
    return connection.execute(_END, given).first() is not None


def put_back(connection: Connection, held: Held, *, at: datetime, why: str) -> None:
    """Let go of the delivery until its next attempt."""
    connection.execute(update(_H).where(_H.c.id == held.claimed.id).values(next_attempt_at=at, last_error=why, **_FREE))


def due(connection: Connection, *, topics: Collection[Topic], now: datetime, most: int) -> list[UUID]:
    """List deliveries that are due and free, the longest waiting first."""
    given = {"the_topics": _named(topics), "the_now": now, "the_most": most}
    return list(connection.execute(_DUE, given).scalars())


def overdue(
    connection: Connection, *, topics: Collection[Topic], now: datetime, seconds: float, most: int
) -> list[tuple[UUID, Topic]]:
    """Lock and list deliveries without a job that nobody looked at for so long after they were due, or a lease ran out.

    What another transaction has locked is being looked at.
    """
    given = {"the_topics": _named(topics), "the_now": now - timedelta(seconds=seconds), "the_most": most}
    rows = connection.execute(_OVERDUE, given).all()
    return [(row.id, Topic(row.topic)) for row in rows]


def _named(topics: Collection[Topic]) -> list[str]:
    return [topic.value for topic in topics]


# ---- The statements, made once: they run for every delivery ----------------------------------------------------------


def _waiting() -> Select[UUID]:
    return (
        select(_H.c.id)
        .where(
            _H.c.direction == Direction.OUTGOING,
            _H.c.state == DeliveryState.WAITING,
            _H.c.topic.in_(bindparam("the_topics", expanding=True)),
            _H.c.next_attempt_at <= bindparam("the_now"),
            or_(_H.c.lease_until.is_(None), _H.c.lease_until <= bindparam("the_now")),
        )
        .order_by(_H.c.next_attempt_at, _H.c.id)
    )


_MINE: Final = and_(
    _H.c.id == bindparam("the_id"), _H.c.leased_by == bindparam("the_lease"), _H.c.state == DeliveryState.WAITING
)
_TAKE: Final = (
    update(_H)
    .where(
        _H.c.id == _waiting().where(_H.c.id == bindparam("the_id")).with_for_update(skip_locked=True).scalar_subquery()
    )
    .values(
        leased_by=bindparam("the_lease"),
        lease_until=bindparam("the_end"),
        attempts=_H.c.attempts + 1,
        last_error=case((_H.c.lease_until.is_not(None), Uncertain.code), else_=_H.c.last_error),
    )
    .returning(*_H.c, func.set_config("lock_timeout", _LOCK_TIMEOUT, True))  # for this transaction
)
_TAKEN: Final = _TAKE.cte("taken")
_TAKE_WITH_JOB: Final = select(_TAKEN).add_cte(
    delete(_JOBS)
    .where(_JOBS.c.queueing_lock.in_(select(cast(_TAKEN.c.id, Text()))), _JOBS.c.status == literal_column("'todo'"))
    .cte("spared")
)
_OURS: Final = select(_H.c.id).where(_MINE).with_for_update()
_END: Final = (
    update(_H)
    .where(_MINE)
    .values(
        state=bindparam("the_state"),
        settled_at=bindparam("the_now"),
        next_attempt_at=None,
        last_error=bindparam("the_reason"),
        **_FREE,
    )
    .returning(_H.c.id)
)
_DUE: Final = _waiting().limit(bindparam("the_most"))
_OVERDUE: Final = (
    _waiting().add_columns(_H.c.topic).where(_JOBLESS).limit(bindparam("the_most")).with_for_update(skip_locked=True)
)
