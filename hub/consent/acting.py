"""Who acts, and what came of it: the first and the last word of every business service."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from connectors.signing import digest
from hub.consent.errors import NotFound
from schema.access import AccessProfile
from schema.vocabulary import AccessScope, Category, Relation

STAFF = frozenset({Relation.CASEWORKER, Relation.LEAD, Relation.DPO})
"""The secretariat's own people: they act for this hub's body."""
PARTNERS = frozenset({Relation.PARTNER_AGREEMENT, Relation.PARTNER_REFERRAL})
"""Programs of partner bodies, and the people behind them."""

_NOTHING: Final = digest("")


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts, and when."""

    profile: AccessProfile
    now: datetime
    request_id: str = ""
    """As the audit is to name it."""
    said: str = _NOTHING
    """SHA-256 of what was asked for, as `hub.changes` digests it; of nothing where it came by no mutation."""

    @property
    def account_id(self) -> UUID | None:
        """Tell whose sign-in it is; None for programs."""
        return self.profile.account_id

    @property
    def today(self) -> date:
        """Tell the day, in UTC."""
        return self.now.date()

    @property
    def partner_id(self) -> UUID | None:
        """Tell the partner body that acts; None when it is not one."""
        return self.profile.organisation_id if self.profile.relation in PARTNERS else None

    def need(self, *any_of: AccessScope) -> None:
        """Look that the token carries one of the scopes; the door has looked before.

        Raises:
            NotFound: it does not.
        """
        if self.profile.scopes.isdisjoint(any_of):
            raise NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What was changed, by internal ids: the door reads its answer from there."""

    person_id: UUID | None = None
    case_id: UUID | None = None
    referral_id: UUID | None = None
    consent_id: UUID | None = None
    categories: frozenset[Category] = frozenset()
    """Of which categories something was written, beside what every change is about."""
