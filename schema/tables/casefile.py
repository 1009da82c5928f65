"""The file on a person. What may be told in a code stands in plain columns, the rest in one sealed envelope a category.

An envelope is opened under the key of its data subject, which is kept in a table of its own: who destroys that row has
erased the person, in every copy of the database. See `hub.store.sealed` for the envelope.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, LargeBinary, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from schema.tables.base import SECRET, Row, Shape, many_of, one_of, partial_date, texts
from schema.vocabulary import (
    CaseState,
    Category,
    ContactRule,
    Discipline,
    FactConfidence,
    FactSource,
    Region,
    SupportKind,
    Urgency,
)


class PersonRow(Row, table=True):
    """A data subject: nothing that tells who it is, only whom it may not reach and how."""

    __tablename__ = "person"
    account_id: UUID | None = Field(default=None, foreign_key="account.id", unique=True)
    contact_rule: ContactRule = one_of(ContactRule)
    blocked_organisations: list[UUID] = Field(default_factory=list, sa_type=ARRAY(Uuid()), nullable=False)
    blocked_cities: list[UUID] = Field(default_factory=list, sa_type=ARRAY(Uuid()), nullable=False)
    frozen: bool = False
    synthetic: bool = False


class PersonFaceRow(Shape, table=True):
    """Which public face is whose. It stands on this side only: nothing leads from a face to a person."""

    __tablename__ = "person_face"
    person_id: UUID = Field(primary_key=True, foreign_key="person.id", ondelete="CASCADE")
    resident_id: UUID = Field(foreign_key="resident.id", ondelete="CASCADE", unique=True)


class SubjectKeyRow(Shape, table=True):
    """The data key of a subject, wrapped under a version of the key-encryption key. Without `wrapped` it is destroyed.

    The subject is a person, or an incoming message that nobody has taken up yet; the row outlives both.
    """

    __tablename__ = "subject_key"
    __table_args__ = (CheckConstraint("(wrapped is null) = (destroyed_at is not null)", name="destroyed_is_gone"),)
    subject_id: UUID = Field(primary_key=True)
    kek_version: int
    wrapped: bytes | None = Field(default=None, sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=DateTime(timezone=True))
    destroyed_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class CaseRow(Row, table=True):
    """A case: states, who works on it, and the coarse profile under a code. `case` itself is a reserved word.

    `holder_id` is the body whose file it is: a partner that sent its content along, or none where ICORN keeps it.
    """

    __tablename__ = "case_file"
    __table_args__ = (Index("case_file_by_opening", "opened_on", "id"),)
    person_id: UUID = Field(foreign_key="person.id", index=True)
    holder_id: UUID | None = Field(default=None, foreign_key="organisation.id", index=True)
    state: CaseState = one_of(CaseState)
    opened_on: date
    owner_id: UUID | None = Field(default=None, foreign_key="account.id", index=True)
    cover_id: UUID | None = Field(default=None, foreign_key="account.id", index=True)
    disciplines: list[Discipline] = many_of(Discipline)
    origin_region: Region | None = one_of(Region, null=True)
    languages: list[str] = texts()
    household_size: int | None = None
    support: list[SupportKind] = many_of(SupportKind)
    urgency: Urgency | None = one_of(Urgency, null=True)


class SealedRow(Shape):
    """One category of one case, sealed. `version` counts what was written; a packet names the one it was made from.

    Of every sealed row the primary key says where its envelope lies.
    """

    case_id: UUID = Field(primary_key=True, foreign_key="case_file.id", ondelete="CASCADE")
    subject_id: UUID = Field(foreign_key="person.id", index=True)
    version: int = 1
    sealed: bytes = Field(sa_type=LargeBinary)


class CaseIdentityRow(SealedRow, table=True):
    """Who the person is: name in papers, pen names, birth, nationality."""

    __tablename__ = "case_identity"


class CaseContactRow(SealedRow, table=True):
    """How the person is reached: addresses, safe times, who may be asked instead."""

    __tablename__ = "case_contact"


class CaseRiskRow(SealedRow, table=True):
    """Persecution and its evidence, works shown as proof among it."""

    __tablename__ = "case_risk"


class CaseAdviceRow(SealedRow, table=True):
    """What a host must know, without the story: coarser than the risk, so in an envelope of its own."""

    __tablename__ = "case_advice"


class CaseLocationRow(SealedRow, table=True):
    """Where the person is. The region alone can lead to somebody who is hunted, so nothing of it stands outside."""

    __tablename__ = "case_location"


class CaseHealthRow(SealedRow, table=True):
    """Health, and what a host must provide for it: a special category of data, the needs as much as the illness."""

    __tablename__ = "case_health"


class CaseFamilyRow(SealedRow, table=True):
    """Who would travel. Nobody looks for cases by it; `household_size` of the profile is there for that."""

    __tablename__ = "case_family"


class CaseAssessmentRow(SealedRow, table=True):
    """The outcome of the newest assessment: a judgement on the person, and a secret of who gave it."""

    __tablename__ = "case_assessment"


class RecordedFactRow(Row, table=True):
    """Where one recorded value comes from, never the value itself. Rows are added and never changed.

    `field` is a coordinate of the graph, `version` that of the sealed category it was written with. Closed to the
    reading door: no rule of the graph shows it yet.
    """

    __tablename__ = "recorded_fact"
    __table_args__ = (Index("recorded_fact_by_field", "case_id", "field", "recorded_at"), partial_date("as_of"), SECRET)
    case_id: UUID = Field(foreign_key="case_file.id", ondelete="CASCADE")
    person_id: UUID = Field(foreign_key="person.id", index=True)
    category: Category = one_of(Category)
    field: str
    source: FactSource = one_of(FactSource)
    as_of: str
    confidence: FactConfidence = one_of(FactConfidence)
    version: int | None = None
    recorded_at: datetime = Field(sa_type=DateTime(timezone=True))
    recorded_by_id: UUID | None = Field(default=None, foreign_key="account.id")
