"""What the authorization server keeps: clients, grants, signing keys, what was used up, and denials.

Only `denial` is open to the reading door, since the statement that reads data looks at it. All else is marked secret:
`hub.store` takes the reader's right to select away. Tokens, codes and request uris are kept as SHA-256 only.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, Index, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from schema.tables.base import SECRET, Row, Shape, many_of, one_of, texts
from schema.vocabulary import AccessScope, Purpose, Relation


class ClientKind(StrEnum):
    """What a client is for; it settles the grants the client may use."""

    MACHINE = "machine"
    """A body's own program: client credentials."""
    WEB = "web"
    """A site where people sign in: code and refresh token."""
    GATEWAY = "gateway"
    """A gateway in front of the graph: token exchange, and introspection."""
    INTROSPECT = "introspect"
    """A resource server beside the hub: introspection only."""
    PROVIDED = "provided"
    """A client of the OpenID provider, under its id there. It has no key here and gets no token here."""


def moment(*, null: bool = False) -> Any:
    """Declare an instant."""
    return Field(default=None if null else ..., sa_type=DateTime(timezone=True), nullable=null)


def digest() -> Any:
    """Declare the SHA-256 of a secret, by which it is found."""
    return Field(sa_column=Column(LargeBinary(32), primary_key=True))


class ClientRow(Shape, table=True):
    """A client and what ICORN granted it. The agreement of its body bounds it further at each request."""

    __tablename__ = "client"
    __table_args__ = SECRET
    id: str = Field(primary_key=True)
    name: str
    kind: ClientKind = one_of(ClientKind)
    organisation_id: UUID | None = Field(default=None, foreign_key="organisation.id")
    relation: Relation | None = one_of(Relation, null=True)
    scopes: list[AccessScope] = many_of(AccessScope)
    purposes: list[Purpose] = many_of(Purpose)
    redirect_uris: list[str] = texts()
    jwks: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    jwks_uri: str | None = None
    resource: str | None = Field(default=None, unique=True)
    first_party: bool = False
    legacy_audience: bool = False
    rotates_refresh: bool = False
    needs_nonce: bool = False
    registered: bool = False
    created_at: datetime = moment()


class SigningKeyRow(Shape, table=True):
    """A key that signs access tokens. The private part is sealed under the root key."""

    __tablename__ = "signing_key"
    __table_args__ = SECRET
    kid: str = Field(primary_key=True)
    public_jwk: dict[str, Any] = Field(sa_type=JSONB)
    sealed: bytes
    created_at: datetime = moment()
    signs_from: datetime = moment()
    verifies_until: datetime | None = moment(null=True)


class DenialRow(Shape, table=True):
    """Tokens of a subject issued up to `before` are denied. The only table of this room the reader sees."""

    __tablename__ = "denial"
    subject: str = Field(primary_key=True)
    before: datetime = moment()
    expires_at: datetime = moment()


class TokenGrantRow(Row, table=True):
    """What one consent of a person gave one client; its id is the `gid` of all tokens that come of it."""

    __tablename__ = "token_grant"
    __table_args__ = (Index("token_grant_by_end", "expires_at"), SECRET)
    client_id: str = Field(foreign_key="client.id", index=True)
    account_id: UUID
    scopes: list[AccessScope] = many_of(AccessScope)
    resource: str
    jkt: str | None = None
    amr: list[str] = texts()
    auth_time: datetime | None = moment(null=True)
    created_at: datetime = moment()
    expires_at: datetime = moment()
    revoked_at: datetime | None = moment(null=True)


class AuthorizationCodeRow(Shape, table=True):
    """A code on its way to the client. `used_at` is set once, by one statement."""

    __tablename__ = "authorization_code"
    __table_args__ = (Index("authorization_code_by_end", "expires_at"), SECRET)
    hash: bytes = digest()
    gid: UUID = Field(foreign_key="token_grant.id", ondelete="CASCADE")
    client_id: str
    redirect_uri: str
    code_challenge: str
    expires_at: datetime = moment()
    used_at: datetime | None = moment(null=True)


class RefreshTokenRow(Shape, table=True):
    """A refresh token. Where the client rotates, one that was used and comes again ends its grant."""

    __tablename__ = "refresh_token"
    __table_args__ = (Index("refresh_token_by_end", "expires_at"), SECRET)
    hash: bytes = digest()
    gid: UUID = Field(foreign_key="token_grant.id", ondelete="CASCADE", index=True)
    client_id: str
    created_at: datetime = moment()
    expires_at: datetime = moment()
    used_at: datetime | None = moment(null=True)


class PushedRequestRow(Shape, table=True):
    """A pushed authorization request: taken once by a browser, decided once by a person."""

    __tablename__ = "pushed_request"
    __table_args__ = (Index("pushed_request_by_end", "expires_at"), SECRET)
    hash: bytes = digest()
    client_id: str
    parameters: dict[str, str] = Field(sa_type=JSONB)
    jkt: str | None = None
    expires_at: datetime = moment()
    taken_at: datetime | None = moment(null=True)
    ticket: bytes | None = Field(default=None, unique=True)
    browser: bytes | None = None
    decided_at: datetime | None = moment(null=True)


class UsedAssertionRow(Shape, table=True):
    """A client assertion that was used: SHA-256 over client and jti."""

    __tablename__ = "used_assertion"
    __table_args__ = (Index("used_assertion_by_end", "expires_at"), SECRET)
    hash: bytes = digest()
    expires_at: datetime = moment()


class UsedProofRow(Shape, table=True):
    """A DPoP proof that was used. Not logged: after a crash of the database proofs of one minute are forgotten."""

    __tablename__ = "used_proof"
    __table_args__ = (Index("used_proof_by_end", "expires_at"), SECRET | {"prefixes": ["UNLOGGED"]})
    hash: bytes = digest()
    expires_at: datetime = moment()
