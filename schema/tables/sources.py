"""Where facts come from, the terms of the vocabularies, and numbers others published."""

from sqlalchemy import Column, Text
from sqlmodel import Field

from schema.tables.base import Fact, Shape, partial_date


class SourceRow(Shape, table=True):
    """A page, document or other ground of a fact, by the code that facts name."""

    __tablename__ = "source"
    code: str = Field(primary_key=True)
    address: str
    about: str


class VocabularyTermRow(Shape, table=True):
    """One term of a vocabulary with its code in an outside scheme, kept for exchange."""

    __tablename__ = "vocabulary_term"
    vocabulary: str = Field(primary_key=True)
    code: str = Field(primary_key=True)
    label: str
    external_code: str | None = None
    external_scheme: str | None = None
    sort: int


class OfficialTotalRow(Fact, table=True):
    """The size of the network as somebody published it."""

    __tablename__ = "official_total"
    __table_args__ = (partial_date("as_of"),)
    slug: str = Field(unique=True)
    as_of: str = Field(sa_column=Column(Text(collation="C"), nullable=False))
    country: str | None = None
    members: int
    countries: int | None = None
    wording: str
