"""What a delivery is to this room: a row with a lease, and somebody who knows what it is about.

Delivery decides when and where an attempt is made. What is sent, whether it may be sent still, and what an outcome
means is for the handler of its topic; `app.py` gives one for each.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection


class Topic(StrEnum):
    """What a delivery brings."""

    PACKET = "packet"
    """A person handed over."""
    ANSWER = "answer"
    """What happened to a handoff on our side."""
    STOP = "stop"
    """Stop, and delete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A delivery that this worker holds the lease of."""

    id: UUID
    """The idempotency key of every attempt."""
    referral_id: UUID
    packet_id: UUID | None
    event_id: UUID | None
    attempt: int
    """1 for the first."""
    doubtful: bool = False
    """What became of an earlier attempt is not known: ask the other side's `status` before sending again."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nothing may leave any more; the delivery ends here."""

    reason: str


class Handler(Protocol):
    """Knows what deliveries of one topic are about."""

    def claim(self, connection: Connection, claimed: Claimed, now: datetime) -> "Attempt | Stopped":
        """Read again, in the transaction that claims, whether it may leave; write down what will.

        No attempt begins after a withdrawal was answered: this locks the referral that a withdrawal writes.
        """
        ...

    def delivered(self, connection: Connection, claimed: Claimed, result: object, now: datetime) -> None:
        """Take in what an attempt that held came back with."""
        ...

    def failed(self, connection: Connection, claimed: Claimed, code: str, now: datetime) -> None:
        """Take in that it is given up: refused for good, or its time is over."""
        ...


class Attempt(Protocol):
    """One try, made outside of any transaction."""

    async def __call__(self) -> object:
        """Bring it.

        Raises:
            connectors.errors.ConnectorError: what went wrong decides what comes next.
        """
        ...


class Outbox(Protocol):
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
        """Write the delivery and wake a worker, both with the caller's commit; give its id."""
        ...
