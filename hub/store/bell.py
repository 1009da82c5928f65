"""A bell in the database: who commits an event of a referral rings it, with the event's id and nothing else.

PostgreSQL rings it when the transaction commits and not before, in the order of commits, in every process that listens.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, func

REFERRAL_EVENTS: Final = "hub_referral_events"


def ring(event_id: ColumnElement[UUID]) -> ColumnElement[None]:
    """Say it in the statement that writes the event, as what it returns: who listens knows once it is committed."""
    return func.pg_notify(REFERRAL_EVENTS, cast(event_id, Text()))
