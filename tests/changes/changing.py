"""Who changes things in the tests, and when."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from referrals_town import Rows, derive
from sqlalchemy import Connection

from connectors.protocol import Partner
from connectors.signing import new_keys
from hub.partners import PartnerUnknown
from hub.referrals.office import Office
from hub.store.sealed import Sealing
from hub.store.vault import Vault
from schema.access import AccessProfile
from schema.vocabulary import AccessScope, Relation

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LEAD = AccessProfile(
    relation=Relation.LEAD,
    scopes=frozenset({AccessScope.AGREEMENT_MANAGE, AccessScope.NETWORK_READ}),
    client="console",
    account_id=UUID(int=1),
    subjects=("sub:6f1a3c1e-0000-4000-8000-000000000001",),
    issued_at=NOW,
)
Do = Callable[..., Awaitable[dict[str, Any]]]
"""do(document, profile, **variables): the whole answer, read."""


def office() -> Office:
    """An office without partners."""

    def nobody(_organisation_id: UUID, _connection: Connection | None = None) -> Partner:
        raise PartnerUnknown

    me = new_keys("http://hub.example")
    return Office(vault=Vault(Sealing(derive)), me=lambda: me, outbox=Rows(), partner_of=nobody)
