"""Who asks in the tests: one profile for each row of the access matrix."""

from uuid import UUID

from schema.access import AccessProfile
from schema.vocabulary import AccessScope, Relation

PARTNER = AccessProfile(relation=Relation.PARTNER_AGREEMENT, scopes=frozenset({AccessScope.NETWORK_READ}))
PARTNER_WITHOUT_SCOPE = AccessProfile(relation=Relation.PARTNER_AGREEMENT)
BOARD = AccessProfile(relation=Relation.BOARD, scopes=frozenset({AccessScope.NETWORK_READ, AccessScope.STATS_READ}))
CASEWORKER = AccessProfile(relation=Relation.CASEWORKER, scopes=frozenset({AccessScope.NETWORK_READ}))


def partner_of(organisation_id: UUID) -> AccessProfile:
    """Give a partner body's own profile."""
    return AccessProfile(
        relation=Relation.PARTNER_AGREEMENT,
        scopes=frozenset({AccessScope.NETWORK_READ}),
        organisation_id=organisation_id,
    )
