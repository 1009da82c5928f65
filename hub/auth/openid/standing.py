"""What a provider's token is worth here: client, body and city as the hub knows them, scopes as they are bounded.

Read on every request, so that an agreement that ends, or a grant that is taken away, bites at once. Suspensions are
denials, for which the statement that reads data looks itself.
"""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session, col

from hub.auth import clients
from hub.auth.clients import Client
from hub.auth.config import ProviderConfig
from hub.auth.errors import TokenRefused
from hub.auth.openid.tokens import Told
from hub.auth.people.roles import OF_A_BODY, OF_A_CITY, SCOPES
from hub.auth.profile import declared
from hub.clock import Clock
from hub.errors import StoreUnavailable
from schema.access import AccessProfile
from schema.tables import AgreementRow, CityRow, OrganisationRow
from schema.tables.oauth import ClientKind
from schema.vocabulary import AccessScope, Purpose, Relation


class Standing:
    """Finds out who somebody is to the hub. Blocks on the database: call it in a worker thread."""

    def __init__(self, config: ProviderConfig, engine: Engine, clock: Clock) -> None:
        self._config: Final = config
        self._engine: Final = engine
        self._clock: Final = clock

    def profile(self, told: Told, purpose: str | None) -> AccessProfile:
        """Say who asks, and for what.

        Args:
            told: by a verified token.
            purpose: the header Purpose-Of-Use; None when there is none.

        Raises:
            TokenRefused: it names a client, a body or a city that the hub does not know, or not for this.
            PurposeRefused: the client may not have this purpose.
            StoreUnavailable: the database does not answer.
        """
        try:
            with Session(self._engine) as session:
                return self._profile(session, told, purpose)
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            raise StoreUnavailable("clients of the provider cannot be looked up") from error

    def _profile(self, session: Session, told: Told, purpose: str | None) -> AccessProfile:
        now = self._clock.now()
        client = clients.find(session, told.client, now=now)
        if client is None or client.kind is not ClientKind.PROVIDED:
            raise TokenRefused("client")
        scopes, purposes = client.scopes, client.purposes
        organisation_id = client.organisation_id
        if told.body is not None:
            named, agreement = _body(session, told.body)
            if organisation_id not in {None, named}:
                raise TokenRefused("body")
            organisation_id = named
            scopes = clients.bounded(scopes, agreement, now.date())
            purposes = tuple(one for one in purposes if agreement is not None and one in agreement.purposes)
        city_id = None if told.city is None else _city(session, told.city)
        relation, most = _relation(client, told.roles)
        if (relation in OF_A_BODY and organisation_id is None) or (relation in OF_A_CITY and city_id is None):
            raise TokenRefused("roles")
        return AccessProfile(
            relation=relation,
            scopes=frozenset(scope for scope in scopes & most if scope.value in told.scopes),
            purposes=tuple(known for known in Purpose if known in purposes),
            purpose=declared(purpose, tuple(known for known in Purpose if known in purposes)),
            organisation_id=organisation_id,
            city_id=city_id,
            expires_at=datetime.fromtimestamp(told.ends, UTC),
            issued_at=datetime.fromtimestamp(told.issued, UTC),
            subjects=self._subjects(client, organisation_id, told.sub),
            client=client.id,
        )

    def _subjects(self, client: Client, organisation_id: UUID | None, sub: str) -> tuple[str, ...]:
        """Name what a denial can name. The person goes by the provider's name too: its ids are not ours."""
        named = (f"client:{client.id}", f"sub:{self._config.issuer} {sub}")
        return named if organisation_id is None else (*named, f"org:{organisation_id}")


def _relation(client: Client, roles: frozenset[str]) -> tuple[Relation, frozenset[AccessScope]]:
    """Settle the row of the access matrix, and the scopes it may have at most.

    Where an operator gave the client a relation, the token changes nothing about it. Else its roles say it, of several
    the first of the matrix, and bring no more scopes than a person of that role has.
    """
    if client.relation is not None:
        return client.relation, client.scopes
    relation = next((known for known in SCOPES if known.value in roles), Relation.ANONYMOUS)
    return relation, SCOPES.get(relation, frozenset())


def _body(session: Session, slug: str) -> tuple[UUID, AgreementRow | None]:
    joined = select(col(OrganisationRow.id), AgreementRow).outerjoin(
        AgreementRow, col(AgreementRow.organisation_id) == col(OrganisationRow.id)
    )
    found = session.execute(joined.where(col(OrganisationRow.slug) == slug)).first()
    if found is None:
        raise TokenRefused("body")
    return found[0], found[1]


def _city(session: Session, slug: str) -> UUID:
    found: UUID | None = session.execute(select(col(CityRow.id)).where(col(CityRow.slug) == slug)).scalar()
    if found is None:
        raise TokenRefused("city")
    return found
