"""Who read what: one leaf for each statement that reads a category of persons. No values, no keys to other tables.

The reading door may add a leaf, within the statement that reads, and may change none.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Index, LargeBinary, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from schema.tables.base import SECRET, Shape, many_of, one_of, texts
from schema.vocabulary import AuditKind, Category, Purpose, Relation


class AuditLeafRow(Shape, table=True):
    """A leaf. `subjects` are internal ids, shown under an id of the reader's own; the integrator gives `number`."""

    __tablename__ = "audit_leaf"
    __table_args__ = (
        Index("audit_leaf_by_time", "at", "id"),
        Index("audit_leaf_by_body", "organisation_id", "at", "id"),
        Index("audit_leaf_by_subject", "subjects", postgresql_using="gin"),
        {"info": {"appended": True}},
    )
    id: UUID = Field(default=None, sa_column=Column(Uuid(), primary_key=True, server_default=text("gen_random_uuid()")))
    at: datetime = Field(sa_type=DateTime(timezone=True))
    kind: AuditKind = one_of(AuditKind)
    relation: Relation = one_of(Relation)
    actor_id: UUID | None = None
    organisation_id: UUID | None = None
    client: str
    purpose: Purpose | None = one_of(Purpose, null=True)
    subjects: list[UUID] = Field(default_factory=list, sa_type=ARRAY(Uuid()), nullable=False)
    categories: list[Category] = many_of(Category)
    fields_returned: list[str] = texts()
    fields_withheld: list[str] = texts()
    request_id: str
    operation_hash: bytes = Field(sa_type=LargeBinary)
    number: int | None = Field(default=None, sa_type=BigInteger, unique=True)


class ChangeKeyRow(Shape, table=True):
    """An idempotency key that a client used, with what came of it: the same again does nothing twice, for 30 days."""

    __tablename__ = "change_key"
    __table_args__ = (Index("change_key_by_time", "at"), SECRET)
    client: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    input_hash: bytes = Field(sa_type=LargeBinary)
    outcome: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    at: datetime = Field(sa_type=DateTime(timezone=True))
