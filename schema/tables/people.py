"""People who sign in: accounts, what they sign in with, and their sessions.

Tables marked `SECRET` hold what proves who somebody is. The reading door of the database has no right to them, so
that no fault in a plan can show them. Secrets are stored hashed; the one that must be read again, the seed of the
one-time codes, is sealed under the root key.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKey, Index, LargeBinary, Text, Uuid
from sqlmodel import Field

from schema.tables.base import SECRET, Row, Shape, many_of, one_of, texts
from schema.vocabulary import AccessScope, Relation


class AccountStatus(StrEnum):
    """Whether an account may be used."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class Stage(StrEnum):
    """What a session is good for."""

    SETUP = "setup"
    FULL = "full"


class Ceremony(StrEnum):
    """What a passkey is asked for."""

    SIGN_IN = "sign_in"
    ENROL = "enrol"


def _time(*, null: bool = False) -> Any:  # Any: as SQLModel's Field
    return Field(default=None if null else ..., sa_type=DateTime(timezone=True), nullable=null)


def _digest(*, unique: bool = False) -> Any:  # Any: as SQLModel's Field
    return Field(sa_type=LargeBinary, unique=unique)


def _of_account(*, primary: bool = False, null: bool = False) -> Any:  # Any: as SQLModel's Field
    key = ForeignKey("account.id", ondelete="CASCADE")
    return Field(
        default=None if null else ...,
        sa_column=Column(Uuid(), key, primary_key=primary, nullable=null, index=not primary),
    )


class AccountRow(Row, table=True):
    """Somebody who may sign in. The login is a handle, chosen by whoever makes the account; it need be no address."""

    __tablename__ = "account"
    __table_args__ = (CheckConstraint(r"login ~ '^[a-z0-9][a-z0-9._@-]{1,62}$'", name="login_plain"),)
    login: str = Field(sa_column=Column(Text(collation="C"), nullable=False, unique=True))
    name: str
    relation: Relation = one_of(Relation)
    organisation_id: UUID | None = Field(default=None, foreign_key="organisation.id")
    city_id: UUID | None = Field(default=None, foreign_key="city.id")
    status: AccountStatus = one_of(AccountStatus)
    scopes: list[AccessScope] = many_of(AccessScope)
    created_at: datetime = _time()
    last_sign_in_at: datetime | None = _time(null=True)
    openid_subject: str | None = Field(default=None, sa_column=Column(Text(), unique=True))
    """Issuer and subject at the OpenID provider, with a space between, where the person signs in by it too."""


class PasskeyRow(Row, table=True):
    """A passkey: its public key, and how often it says it was used."""

    __tablename__ = "passkey"
    __table_args__ = SECRET
    account_id: UUID = _of_account()
    credential_id: bytes = _digest(unique=True)
    public_key: bytes = _digest()
    sign_count: int = Field(sa_type=BigInteger)
    label: str
    transports: list[str] = texts()
    created_at: datetime = _time()
    last_used_at: datetime | None = _time(null=True)


class AccountSecretRow(Row, table=True):
    """Password and one-time codes of an account. Neither opens anything without the other."""

    __tablename__ = "account_secret"
    __table_args__ = SECRET
    id: UUID = Field(sa_column=Column(Uuid(), ForeignKey("account.id", ondelete="CASCADE"), primary_key=True))
    password_hash: str | None = Field(default=None, sa_type=Text)
    totp_seed: bytes | None = Field(default=None, sa_type=LargeBinary)
    totp_step: int | None = None
    totp_seed_new: bytes | None = Field(default=None, sa_type=LargeBinary)


class RecoveryCodeRow(Row, table=True):
    """A recovery code, which opens the door once. A used one is deleted."""

    __tablename__ = "recovery_code"
    __table_args__ = SECRET
    account_id: UUID = _of_account()
    digest: bytes = _digest(unique=True)


class EnrolmentRow(Row, table=True):
    """A code with which an account is taken up. At most one for each account; a used one is deleted."""

    __tablename__ = "enrolment"
    __table_args__ = SECRET
    id: UUID = Field(sa_column=Column(Uuid(), ForeignKey("account.id", ondelete="CASCADE"), primary_key=True))
    digest: bytes = _digest(unique=True)
    expires_at: datetime = _time()


class WebSessionRow(Row, table=True):
    """A browser that is signed in. Ended sessions are deleted."""

    __tablename__ = "web_session"
    __table_args__ = SECRET
    account_id: UUID = _of_account()
    digest: bytes = _digest(unique=True)
    stage: Stage = one_of(Stage)
    amr: list[str] = texts()
    created_at: datetime = _time()
    seen_at: datetime = _time()


class ChallengeRow(Row, table=True):
    """A challenge a passkey is to sign, good once, for the browser it was made for."""

    __tablename__ = "challenge"
    __table_args__ = SECRET
    digest: bytes = _digest(unique=True)
    binding: bytes = _digest()
    ceremony: Ceremony = one_of(Ceremony)
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))


class SignInAttemptRow(Row, table=True):
    """A sign-in between its two pages: whose it is if the login exists, and whether the password was right."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = SECRET
    binding: bytes = _digest(unique=True)
    account_id: UUID | None = _of_account(null=True)
    password_right: bool
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))


class ThrottleRow(Shape, table=True):
    """How often somebody has tried of late, under a keyed hash of who it was; the next try is free at `free_at`."""

    __tablename__ = "throttle"
    __table_args__ = (Index("throttle_by_time", "touched_at"), SECRET)
    key: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    tries: int
    free_at: datetime = _time()
    touched_at: datetime = _time()
