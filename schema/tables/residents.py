"""The public face of residents and their works: released facts only, with no way back to a case."""

from uuid import UUID

from sqlalchemy import Column, Index, Text
from sqlmodel import Field

from schema.tables.base import Fact, folded, many_of, one_of, partial_date, texts
from schema.vocabulary import Discipline, Region


class ResidentRow(Fact, table=True):
    """A resident as shown, under the name the person chose."""

    __tablename__ = "resident"
    __table_args__ = (
        partial_date("stay_from"),
        partial_date("stay_until"),
        Index("resident_by_name", "name_key", "id"),
        Index("resident_by_city", "city_id", "name_key", "id"),
    )
    slug: str | None = Field(default=None, unique=True)
    name: str
    name_key: str | None = folded("name")
    disciplines: list[Discipline] = many_of(Discipline)
    origin_country: str | None = None
    origin_region: Region | None = one_of(Region, null=True)
    city_id: UUID | None = Field(default=None, foreign_key="city.id")
    host: str | None = None
    stay_from: str | None = Field(default=None, sa_column=Column(Text(collation="C")))
    stay_until: str | None = Field(default=None, sa_column=Column(Text(collation="C")))
    biography: str | None = Field(default=None, sa_type=Text)
    links: list[str] = texts()


class WorkRow(Fact, table=True):
    """A work published under the shown name."""

    __tablename__ = "work"
    __table_args__ = (Index("work_by_resident", "resident_id", "year", "title_key", "id"),)
    resident_id: UUID = Field(foreign_key="resident.id")
    title: str
    title_key: str | None = folded("title")
    title_translated: str | None = None
    discipline: Discipline = one_of(Discipline)
    language: str | None = None
    year: int | None = None
    url: str | None = None


class FigureRow(Fact, table=True):
    """Somebody named in the history of the network who is not a resident."""

    __tablename__ = "figure"
    slug: str = Field(unique=True)
    name: str
    name_key: str | None = folded("name")
    role: str
    discipline: str | None = None
    country: str | None = None
    fact: str | None = Field(default=None, sa_type=Text)
