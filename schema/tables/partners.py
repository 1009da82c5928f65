"""Partner networks that the hub exchanges referrals with by machine, and the keys it signs and unseals with there."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from schema.tables.base import SECRET, Shape, one_of, texts


class KeyUse(StrEnum):
    """What a key of the hub's own side of the wire is for."""

    SIGNS = "sig"
    UNSEALS = "enc"


class PartnerRow(Shape, table=True):
    """Where a body's system is and how it is known. Which network it belongs to is a name in `connectors.registry`."""

    __tablename__ = "partner"
    __table_args__ = SECRET
    organisation_id: UUID = Field(primary_key=True, foreign_key="organisation.id")
    network: str
    issuer: str = Field(unique=True)
    """Its name in messages."""
    base: str
    """Address below which it speaks the handoff protocol."""
    jwks_uri: str
    pins: list[str] = texts()
    """Keys its certificate may hold; none means that the web's authorities are believed."""
    capabilities: list[str] | None = Field(default=None, sa_type=ARRAY(Text()), nullable=True)
    """What its system can do; null for all that its network can."""
    enabled: bool = True
    created_at: datetime = Field(sa_type=DateTime(timezone=True))


class HandoffKeyRow(Shape, table=True):
    """A key of the hub's own side. The private part is sealed under the root key."""

    __tablename__ = "handoff_key"
    __table_args__ = SECRET
    kid: str = Field(primary_key=True)
    use: KeyUse = one_of(KeyUse)
    public_jwk: dict[str, Any] = Field(sa_type=JSONB)
    sealed: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    retired_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    """When another took its place; it is published until all that it signed or opens has ended."""
