"""Bodies in and around the network, their agreements with ICORN, and what they have on offer."""

from datetime import date
from uuid import UUID

from sqlalchemy import Column, Index, Text
from sqlmodel import Field

from schema.tables.base import Fact, folded, many_of, one_of, partial_date, texts
from schema.vocabulary import AgreementState, Category, Discipline, Liaison, OrganisationKind, Purpose, SupportKind


class OrganisationRow(Fact, table=True):
    """A body. What its own words say beyond the vocabularies stays in the `_other` columns."""

    __tablename__ = "organisation"
    __table_args__ = (
        Index("organisation_by_name", "name_key", "id"),
        Index("organisation_by_country", "country", "name_key", "id"),
    )
    slug: str = Field(unique=True)
    name: str
    name_key: str | None = folded("name")
    acronym: str | None = None
    acronym_key: str | None = folded("acronym", null=True)
    kind: OrganisationKind = one_of(OrganisationKind)
    country: str | None = None
    website: str | None = None
    mandate: str | None = Field(default=None, sa_type=Text)
    beneficiaries: str | None = Field(default=None, sa_type=Text)
    support: list[SupportKind] = many_of(SupportKind)
    support_other: list[str] = texts()
    disciplines: list[Discipline] = many_of(Discipline)
    standing: str | None = None
    refers_to_icorn: Liaison = one_of(Liaison)
    receives_from_icorn: Liaison = one_of(Liaison)


class AgreementRow(Fact, table=True):
    """The agreement between a body and ICORN; at most one for each body."""

    __tablename__ = "agreement"
    __table_args__ = (partial_date("from_on"), partial_date("until_on"))
    organisation_id: UUID = Field(foreign_key="organisation.id", unique=True)
    from_on: str | None = Field(default=None, sa_column=Column(Text(collation="C")))
    until_on: str | None = Field(default=None, sa_column=Column(Text(collation="C")))
    state: AgreementState = one_of(AgreementState)
    onward_allowed: bool = False
    categories: list[Category] = many_of(Category)
    purposes: list[Purpose] = many_of(Purpose)


class PartnerOpeningRow(Fact, table=True):
    """A programme of a partner, as its connector last told it."""

    __tablename__ = "partner_opening"
    organisation_id: UUID = Field(foreign_key="organisation.id", index=True)
    title: str
    open: bool = True
    support: list[SupportKind] = many_of(SupportKind)
    country: str | None = None
    disciplines: list[Discipline] = many_of(Discipline)
    household_max: int | None = None
    months_max: int | None = None
    languages: list[str] = texts()
    available_from: date | None = None
    confirmed_on: date | None = None
    eligibility: str | None = Field(default=None, sa_type=Text)
    documents_required: str | None = Field(default=None, sa_type=Text)
    applies_by: date | None = None
