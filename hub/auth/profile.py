"""From a verified token to the profile the planner works with: a function of values."""

from functools import lru_cache
from uuid import UUID

from hub.auth.errors import PurposeRefused
from hub.auth.tokens import Claims, subjects_of
from schema.access import AccessProfile
from schema.vocabulary import AccessScope, Purpose, Relation


@lru_cache(4_096)
def profile_of(claims: Claims, purpose: str | None = None) -> AccessProfile:
    """Say who asks, and for what.

    Args:
        claims: of a verified token.
        purpose: the header Purpose-Of-Use; None when there is none. A client of one purpose need not send it.

    Raises:
        PurposeRefused: the client may not have this purpose.
    """
    purposes = tuple(known for known in Purpose if known.value in claims.purposes)
    return AccessProfile(
        relation=next((known for known in Relation if known.value in claims.roles), Relation.ANONYMOUS),
        scopes=frozenset(scope for scope in AccessScope if scope.value in claims.scopes),
        purposes=purposes,
        purpose=declared(purpose, purposes),
        organisation_id=claims.organisation_id,
        city_id=claims.city_id,
        account_id=_account(claims),
        expires_at=claims.expires_at,
        issued_at=claims.issued_at,
        subjects=subjects_of(claims),
        client=claims.client_id,
    )


def declared(purpose: str | None, purposes: tuple[Purpose, ...]) -> Purpose | None:
    """Settle the purpose of a request.

    Args:
        purpose: the header Purpose-Of-Use; None when there is none.
        purposes: those the client may have; of one purpose it need not be sent.

    Raises:
        PurposeRefused: the client may not have this purpose.
    """
    if purpose is None:
        return purposes[0] if len(purposes) == 1 else None
    found = next((known for known in purposes if known.value == purpose), None)
    if found is None:
        raise PurposeRefused
    return found


def _account(claims: Claims) -> UUID | None:
    """Tell whose sign-in the token comes of; a program's own token names its client, which signed in nowhere."""
    if claims.auth_time is None or claims.sub == claims.client_id:
        return None
    return UUID(claims.sub)
