"""What persons allowed: categories, purposes, one recipient, a span of days. Every read looks here again."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, text
from sqlmodel import Field

from schema.tables.base import Row, many_of, one_of
from schema.vocabulary import Category, ConsentChannel, ConsentState, LegalBasis, Purpose


class ConsentRow(Row, table=True):
    """A person's yes to one body. It counts while it is given or limited, not withdrawn, and its days run."""

    __tablename__ = "consent"
    __table_args__ = (
        Index(
            "consent_running",
            "person_id",
            "recipient_id",
            postgresql_where=text("state in ('given', 'limited') and withdrawn_at is null"),
        ),
        Index("consent_by_end", "until_on", "id"),
        CheckConstraint("from_on <= until_on", name="ends_after_start"),
    )
    person_id: UUID = Field(foreign_key="person.id", index=True)
    recipient_id: UUID = Field(foreign_key="organisation.id", index=True)
    categories: list[Category] = many_of(Category)
    purposes: list[Purpose] = many_of(Purpose)
    state: ConsentState = one_of(ConsentState)
    from_on: date
    until_on: date
    asked_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    wording_version: str
    language: str
    channel: ConsentChannel | None = one_of(ConsentChannel, null=True)
    basis: LegalBasis | None = one_of(LegalBasis, null=True)
    taken_by_id: UUID | None = Field(default=None, foreign_key="account.id")
    by_contact_person: bool = False
    withdrawn_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    withdrawn_by: ConsentChannel | None = one_of(ConsentChannel, null=True)
    replaced_by_id: UUID | None = Field(default=None, foreign_key="consent.id")
