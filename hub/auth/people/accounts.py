"""Accounts, as operators keep them: made, suspended, resumed, set back, moved to another role. Nobody makes their own.

Whatever changes what a person may do ends their sessions, and the tokens that sites hold in their name: they sign in
again as what they now are.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from hub.auth import denials
from hub.auth.config import GRANT
from hub.auth.people.codes import digest, new_enrolment_code, typed
from hub.auth.people.errors import AccountRefused
from hub.auth.people.roles import ADMINISTRATORS, OF_A_BODY, OF_A_CITY, SCOPES
from hub.auth.people.sessions import end_all
from hub.auth.people.watch import Watch
from hub.clock import Clock
from schema.tables import (
    AccountRow,
    AccountSecretRow,
    CityRow,
    EnrolmentRow,
    OrganisationRow,
    PasskeyRow,
    RecoveryCodeRow,
)
from schema.tables.base import table_of
from schema.tables.people import AccountStatus
from schema.vocabulary import AccessScope, Relation

ENROLMENT_LIFETIME: Final = timedelta(hours=72)
_A: Final = table_of(AccountRow)
_E: Final = table_of(EnrolmentRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An account as operators see it."""

    id: UUID
    login: str
    name: str
    relation: Relation
    status: AccountStatus
    scopes: frozenset[AccessScope]
    organisation_id: UUID | None
    city_id: UUID | None
    created_at: datetime
    last_sign_in_at: datetime | None
    openid_subject: str | None


class Accounts:
    """Keeps accounts."""

    def __init__(self, engine: Engine, clock: Clock, watch: Watch) -> None:
        self._engine = engine
        self._clock = clock
        self._watch = watch

    def create(
        self, login: str, *, name: str, role: Relation, city: str | None = None, organisation: str | None = None
    ) -> str:
        """Make an account with the scopes of its role.

        Args:
            login: a handle: small letters, digits, and . _ @ - between them.
            name: as shown to the person.
            role: a row of the access matrix.
            city: slug of the city the person works for, where the role belongs to one.
            organisation: slug of the body the person works for, where the role belongs to one.

        Returns:
            the enrolment code, shown once.

        Raises:
            AccountRefused: the login is taken or malformed, or the role does not fit.
        """
        account_id = uuid4()
        with self._engine.begin() as connection:
            values = {
                "id": account_id,
                "login": login,
                "name": name,
                "status": AccountStatus.ACTIVE,
                "created_at": self._clock.now(),
            } | _standing(connection, role, city, organisation)
            try:
                connection.execute(insert(_A).values(values))
            except IntegrityError as error:
                raise AccountRefused("the login is taken, or has signs other than a-z 0-9 . _ @ -") from error
            code = self._offer(connection, account_id)
        self._watch.tell("people.account_created", account_id)
        return code

    def all(self) -> list[Kept]:
        """List all accounts, by login."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(_A).order_by(_A.c.login)).all()
        return [Kept(**dict(row._mapping) | {"scopes": frozenset(row.scopes)}) for row in rows]  # noqa: SLF001  # public

    def find(self, login: str) -> Kept:
        """Find an account.

        Raises:
            AccountRefused: there is none.
        """
        for kept in self.all():
            if kept.login == login:
                return kept
        raise AccountRefused("there is no account with this login")

    def suspend(self, login: str) -> None:
        """Shut an account out, from its next request on: its sessions end, and its tokens are denied."""
        kept = self.find(login)
        with self._engine.begin() as connection:
            connection.execute(update(_A).where(_A.c.id == kept.id).values(status=AccountStatus.SUSPENDED))
            end_all(connection, kept.id)
            denials.cut_off(connection, f"sub:{kept.id}")
        self._watch.tell("people.account_suspended", kept.id)

    def resume(self, login: str) -> None:
        """Let a suspended account in again; tokens and grants of before stay dead."""
        kept = self.find(login)
        with self._engine.begin() as connection:
            connection.execute(update(_A).where(_A.c.id == kept.id).values(status=AccountStatus.ACTIVE))
            now = self._clock.now()
            denials.restore(connection, f"sub:{kept.id}", now=now, expires_at=now + GRANT)
        self._watch.tell("people.account_resumed", kept.id)

    def reset(self, login: str, *, by: str) -> str:
        """Take away every way to sign in and give a new enrolment code, for who has lost all of theirs.

        Args:
            login: whose.
            by: login of the administrator who made sure who is asking; never the same person.

        Returns:
            the enrolment code, shown once.

        Raises:
            AccountRefused: `by` may not do it.
        """
        kept, administrator = self.find(login), self.find(by)
        if administrator.id == kept.id:
            raise AccountRefused("nobody resets their own account: ask another administrator")
        if administrator.relation not in ADMINISTRATORS or administrator.status is not AccountStatus.ACTIVE:
            raise AccountRefused("only an active operator or lead resets accounts")
        with self._engine.begin() as connection:
            connection.execute(select(_A.c.id).where(_A.c.id == kept.id).with_for_update())
            secrets = table_of(AccountSecretRow)
            connection.execute(delete(secrets).where(secrets.c.id == kept.id))
            connection.execute(update(_A).where(_A.c.id == kept.id).values(openid_subject=None))
            for row in (PasskeyRow, RecoveryCodeRow):
                table = table_of(row)
                connection.execute(delete(table).where(table.c.account_id == kept.id))
            self._end_all(connection, kept.id)
            code = self._offer(connection, kept.id)
        self._watch.tell("people.account_reset", kept.id, by=self._watch.account(administrator.id))
        return code

    def renew(self, login: str) -> str:
        """Give another enrolment code to who has not come in yet; the one of before is good no more.

        Returns:
            the enrolment code, shown once.

        Raises:
            AccountRefused: there is no such account, or it has been signed in to.
        """
        kept = self.find(login)
        if kept.last_sign_in_at is not None:
            raise AccountRefused("the account is in use: another administrator resets it")
        with self._engine.begin() as connection:
            code = self._offer(connection, kept.id)
        self._watch.tell("people.enrolment_renewed", kept.id)
        return code

    def move(self, login: str, *, role: Relation, city: str | None = None, organisation: str | None = None) -> None:
        """Give an account another role with the scopes of that role; its sessions end.

        Raises:
            AccountRefused: the role does not fit.
        """
        kept = self.find(login)
        with self._engine.begin() as connection:
            standing = _standing(connection, role, city, organisation)
            connection.execute(update(_A).where(_A.c.id == kept.id).values(standing))
            self._end_all(connection, kept.id)
        self._watch.tell("people.account_moved", kept.id)

    def link(self, login: str, subject: str | None) -> None:
        """Let a person sign in by the OpenID provider too, or no more; their sessions end.

        Args:
            login: whose.
            subject: as `subject_of` writes it; None to take it away.

        Raises:
            AccountRefused: another account has it.
        """
        kept = self.find(login)
        with self._engine.begin() as connection:
            try:
                connection.execute(update(_A).where(_A.c.id == kept.id).values(openid_subject=subject))
            except IntegrityError as error:
                raise AccountRefused("another account signs in as this subject") from error
            self._end_all(connection, kept.id)
        self._watch.tell("people.account_linked", kept.id)

    def end_sessions(self, login: str) -> None:
        """End all sessions of an account."""
        kept = self.find(login)
        with self._engine.begin() as connection:
            self._end_all(connection, kept.id)
        self._watch.tell("people.sessions_ended", kept.id)

    def _end_all(self, connection: Connection, account_id: UUID) -> None:
        """End the sessions of an account, and the tokens that sites hold in its name."""
        end_all(connection, account_id)
        now = self._clock.now()
        denials.deny(connection, f"sub:{account_id}", before=now, expires_at=now + GRANT)

    def _offer(self, connection: Connection, account_id: UUID) -> str:
        code = new_enrolment_code()
        expires_at = self._clock.now() + ENROLMENT_LIFETIME
        values = {"digest": digest(typed(code), kind="enrolment"), "expires_at": expires_at}
        statement = upsert(_E).values(id=account_id, **values)
        connection.execute(statement.on_conflict_do_update(index_elements=[_E.c.id], set_=values))
        return code


def subject_of(issuer: str, sub: str) -> str:
    """Write who somebody is at a provider. Another provider's people are others, whatever they are called there."""
    return f"{issuer} {sub}"


def _standing(connection: Connection, role: Relation, city: str | None, organisation: str | None) -> dict[str, object]:
    """Work out what a role stands for: its scopes, and the city or body it belongs to."""
    if role not in SCOPES:
        raise AccountRefused("this role has no accounts")
    if (role in OF_A_CITY) != (city is not None):
        raise AccountRefused("coordinators belong to a city, and nobody else does")
    if role in OF_A_BODY and organisation is None:
        raise AccountRefused("this role belongs to a body: name it")
    return {
        "relation": role,
        "scopes": sorted(SCOPES[role]),
        "city_id": None if city is None else _id_of(connection, CityRow, city),
        "organisation_id": None if organisation is None else _id_of(connection, OrganisationRow, organisation),
    }


def _id_of(connection: Connection, row: type[CityRow | OrganisationRow], slug: str) -> UUID:
    table = table_of(row)
    found: UUID | None = connection.execute(select(table.c.id).where(table.c.slug == slug)).scalar_one_or_none()
    if found is None:
        raise AccountRefused(f"there is no {table.name} with the slug {slug!r}")
    return found
