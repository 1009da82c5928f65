"""A bell in the database: who commits an event of a referral rings it, with the event's id and nothing else.

PostgreSQL rings it when the transaction commits and not before, in the order of commits, in every process that listens.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

REFERRAL_EVENTS: Final = "hub_referral_events"
_RING: Final = text("select pg_notify(:channel, :event)")


def ring(connection: Connection, event_id: UUID) -> None:
    """Let those who listen know of an event once the transaction commits."""
    connection.execute(_RING, {"channel": REFERRAL_EVENTS, "event": str(event_id)})
