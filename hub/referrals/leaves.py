"""Words left in the audit of what goes out by the wire, where the planner is not asked."""

from datetime import datetime
from typing import Final
from uuid import uuid4

from sqlalchemy import Connection, insert

from hub.referrals.book import Referral
from schema.tables import AuditLeafRow
from schema.tables.base import table_of
from schema.vocabulary import AuditKind, Relation

_LEAF: Final = insert(table_of(AuditLeafRow))


def had(connection: Connection, referral: Referral, now: datetime) -> None:
    """Leave word in the audit that the recipient of a locked referral is given its packet: whose, and what of it."""
    values = {
        "at": now,
        "kind": AuditKind.READ,
        "relation": Relation.PARTNER_REFERRAL,
        "organisation_id": referral.recipient_id,
        "client": "handoff",
        "purpose": referral.purpose,
        "subjects": [referral.person_id],
        "categories": list(referral.categories),
        "fields_returned": ["Referral.packet"],
        "fields_withheld": [],
        "request_id": str(uuid4()),
        "operation_hash": b"",
    }
    connection.execute(_LEAF, values)
