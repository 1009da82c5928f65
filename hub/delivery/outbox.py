"""The outbox: a delivery is written in the transaction of what it tells of, and so is the job that wakes a worker.

The row is the truth: what is to be brought, by when, and who is at it. A job says only "look at this row now", so one
too many finds nothing to do, and one that was lost is made again by the sweeper.
"""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import IntegrityError

from hub.delivery.ports import Topic
from schema.tables import HandoffRow
from schema.tables.base import table_of
from schema.tables.referrals import DeliveryState, Direction

QUEUE: Final = "delivery"
TASK: Final = "deliver"
ARGUMENT: Final = "handoff"
_HANDOFF: Final = table_of(HandoffRow)
_WAKE: Final = text(f"""
    select jobs.procrastinate_defer_jobs_v1(array[row(
        '{QUEUE}', '{TASK}', :priority, null, cast(:key as text), jsonb_build_object('{ARGUMENT}', cast(:key as text)),
        clock_timestamp() + make_interval(secs => :seconds)
    )]::jobs.procrastinate_job_to_defer_v1[])
    where not exists (
        select from jobs.procrastinate_jobs where queueing_lock = cast(:key as text) and status = 'todo'
    )
""")  # noqa: S608  # words of our own


class HandoffOutbox:
    """Takes deliveries in the business transaction."""

    def enqueue(
        self,
        connection: Connection,
        *,
        referral_id: UUID,
        topic: Topic,
        now: datetime,
        gives_up_at: datetime,
        packet_id: UUID | None = None,
        event_id: UUID | None = None,
    ) -> UUID:
        """Write the delivery and wake a worker, both with the caller's commit; give its id.

        Args:
            connection: of the transaction that writes what is told of.
            referral_id: what it is about.
            topic: which handler knows it.
            now: the present.
            gives_up_at: no attempt begins then or later, and the handler is told.
            packet_id: what is brought, for a packet.
            event_id: what is told, for an answer or a stop.
        """
        id_ = uuid4()
        connection.execute(
            insert(_HANDOFF).values(
                id=id_,
                referral_id=referral_id,
                packet_id=packet_id,
                event_id=event_id,
                direction=Direction.OUTGOING,
                topic=topic.value,
                state=DeliveryState.WAITING,
                attempts=0,
                next_attempt_at=now,
                gives_up_at=gives_up_at,
                created_at=now,
            )
        )
        wake(connection, id_, topic)
        return id_


def wake(connection: Connection, handoff: UUID, topic: Topic, *, seconds: float = 0.0) -> None:
    """Have a worker look at a delivery after so many seconds by the database's clock. One job waits, at most.

    What stops goes before all else that waits.

    Two who wake at the same instant cannot see each other's job; then the second one's is not needed.
    """
    try:
        with connection.begin_nested():
            connection.execute(_WAKE, {"key": str(handoff), "seconds": seconds, "priority": int(topic is Topic.STOP)})
    except IntegrityError:
        return
