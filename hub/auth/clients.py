"""Clients: who may ask for tokens, by which grants, and how far. An operator grants; the agreement of the body bounds.

A scope reaches a token only when ICORN granted it to the client, and the agreement of the client's body is in force
today and covers the scope's category. The agreement is read at each request: a body whose agreement ends gets no more.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from authlib.oauth2.rfc6749 import ClientMixin
from sqlalchemy import select
from sqlmodel import Session, col

from schema.tables import AgreementRow, ClientRow
from schema.tables.oauth import ClientKind
from schema.vocabulary import AccessScope, AgreementState, Category, Purpose, Relation

METHOD: Final = "private_key_jwt"
EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
GRANTS: Final[Mapping[ClientKind, tuple[str, ...]]] = {
    ClientKind.MACHINE: ("client_credentials",),
    ClientKind.WEB: ("authorization_code", "refresh_token"),
    ClientKind.GATEWAY: (EXCHANGE,),
    ClientKind.INTROSPECT: (),
    ClientKind.PROVIDED: (),
}
_BY_CATEGORY: Final = frozenset(Category) - {Category.PUBLIC, Category.NETWORK}
"""Categories that an agreement must name; public and network come with the agreement itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client(ClientMixin):
    """A client as it stands now. `scopes` and `purposes` are what is left of the grant under the agreement."""

    id: str
    name: str
    kind: ClientKind
    organisation_id: UUID | None
    relation: Relation | None
    scopes: frozenset[AccessScope]
    purposes: tuple[Purpose, ...]
    redirect_uris: tuple[str, ...]
    jwks: Mapping[str, Any] | None  # JSON
    jwks_uri: str | None
    resource: str | None
    first_party: bool
    legacy_audience: bool
    rotates_refresh: bool
    needs_nonce: bool

    @property
    def introspects(self) -> bool:
        """Whether the client may ask about tokens: RFC 7662, section 4."""
        return self.kind in {ClientKind.GATEWAY, ClientKind.INTROSPECT}

    def get_client_id(self) -> str:
        """Give the id."""
        return self.id

    def get_default_redirect_uri(self) -> str:
        """Give none: each request names its own (FAPI 2.0 Security Profile, section 5.3.2.2)."""
        return ""

    def get_allowed_scope(self, scope: Collection[str] | str) -> str:
        """Give the scopes a request is for; None, which Authlib refuses, when one is unknown or too wide."""
        asked = scope if isinstance(scope, str) or scope is None else " ".join(scope)
        allowed = scopes_for(asked, self.scopes)
        return None if allowed is None else " ".join(sorted(allowed))  # type: ignore[return-value]  # as Authlib documents

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Compare exactly: RFC 9700, section 4.1.3."""
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:  # noqa: ARG002  # Authlib's
        """Refuse: no client has a secret."""
        return False

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002  # Authlib's
        """Allow signed assertions only."""
        return method == METHOD

    def check_response_type(self, response_type: str) -> bool:
        """Allow codes, to clients that may redeem them."""
        return response_type == "code" and self.kind is ClientKind.WEB

    def check_grant_type(self, grant_type: str) -> bool:
        """Allow the grants of the client's kind."""
        return grant_type in GRANTS[self.kind]

    def subjects(self) -> tuple[str, ...]:
        """Name the client and its body, as denials do."""
        own = (f"client:{self.id}",)
        return own if self.organisation_id is None else (*own, f"org:{self.organisation_id}")


def find(session: Session, client_id: str, *, now: datetime) -> Client | None:
    """Find a client, bounded by the agreement of its body as it stands now."""
    joined = select(ClientRow, AgreementRow).outerjoin(
        AgreementRow, col(AgreementRow.organisation_id) == col(ClientRow.organisation_id)
    )
    found = session.execute(joined.where(col(ClientRow.id) == client_id)).first()
    if found is None:
        return None
    row, agreement = found
    scopes, purposes = frozenset(row.scopes), tuple(row.purposes)
    if row.organisation_id is not None:
        scopes = bounded(scopes, agreement, now.date())
        purposes = tuple(purpose for purpose in purposes if agreement is not None and purpose in agreement.purposes)
    return Client(
        id=row.id,
        name=row.name,
        kind=row.kind,
        organisation_id=row.organisation_id,
        relation=row.relation,
        scopes=scopes,
        purposes=purposes,
        redirect_uris=tuple(row.redirect_uris),
        jwks=row.jwks,
        jwks_uri=row.jwks_uri,
        resource=row.resource,
        first_party=row.first_party,
        legacy_audience=row.legacy_audience,
        rotates_refresh=row.rotates_refresh,
        needs_nonce=row.needs_nonce,
    )


def bounded(scopes: Iterable[AccessScope], agreement: AgreementRow | None, today: date) -> frozenset[AccessScope]:
    """Leave of the scopes what an agreement covers today; without an agreement in force, none."""
    if agreement is None or agreement.state is not AgreementState.IN_FORCE or not _runs(agreement, today):
        return frozenset()
    closed = {category.value for category in _BY_CATEGORY.difference(agreement.categories)}
    return frozenset(scope for scope in scopes if scope.value.partition(":")[0] not in closed)


def scopes_for(asked: str | None, allowed: frozenset[AccessScope]) -> frozenset[AccessScope] | None:
    """Settle a request's scopes: RFC 6749, section 3.3.

    Args:
        asked: the parameter; None or empty asks for all that is allowed.
        allowed: the upper bound.

    Returns:
        the scopes, never narrowed in silence; None when one is unknown or too wide, or nothing is left to give.
    """
    if not asked:
        return allowed or None
    named = asked.split(" ")
    known = frozenset(scope for scope in allowed if scope.value in named)
    return known if len(known) == len(set(named)) else None


def _runs(agreement: AgreementRow, today: date) -> bool:
    """Compare partial dates by what they tell: 2026-03 begins with the month and ends with it."""
    day = today.isoformat()
    begun = agreement.from_on is None or agreement.from_on <= day[: len(agreement.from_on)]
    over = agreement.until_on is not None and agreement.until_on < day[: len(agreement.until_on)]
    return begun and not over
