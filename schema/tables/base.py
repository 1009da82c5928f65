"""What every row is made of: random ids, folded keys, enum columns, and where a fact comes from."""

from enum import Enum
from functools import cache
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, Column, Table, TableClause, Text, column, table
from sqlalchemy import Enum as EnumColumn
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlmodel import Field, SQLModel

from schema.text import fold
from schema.vocabulary import Certainty

SECRET: Final[dict[str, Any]] = {"info": {"secret": True}}
"""Table arguments of a table that the reading door must not see; `hub.store` takes its right to select away."""


def enum_type(values: type[Enum]) -> EnumColumn:
    """Text that holds the codes of one vocabulary; the graph's names are the members' names."""
    return EnumColumn(
        values,
        native_enum=False,
        create_constraint=False,
        length=40,
        values_callable=lambda members: [member.value for member in members],
    )


def one_of(values: type[Enum], *, null: bool = False) -> Any:
    """Declare a column of one vocabulary."""
    return Field(default=None if null else ..., sa_type=enum_type(values), nullable=null)


def many_of(values: type[Enum]) -> Any:
    """Declare a column that holds several values of one vocabulary, in order; never null."""
    return Field(default_factory=list, sa_type=ARRAY(enum_type(values)), nullable=False)


def texts() -> Any:
    """Declare a column that holds several texts; never null."""
    return Field(default_factory=list, sa_type=ARRAY(Text()), nullable=False)


def folded(source: str, *, null: bool = False) -> Any:
    """Declare the folded form of the column `source`, filled by the database layer on insert and update."""

    def make(context: DefaultExecutionContext) -> str | None:
        value = context.get_current_parameters()[source]  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy
        return None if value is None else fold(value)

    return Field(default=None, sa_column=Column(Text(collation="C"), default=make, onupdate=make, nullable=null))


def partial_date(column: str) -> CheckConstraint:
    """Let the column hold EDTF level 0 only: 2007, 2007-06 or 2007-06-09."""
    return CheckConstraint(rf"{column} ~ '^\d{{4}}(-\d\d(-\d\d)?)?$'", name=f"{column}_edtf")


def table_of(row: type[SQLModel]) -> Table:
    """Give the table behind a row class, to select from and to write to."""
    there: Table = row.__table__  # type: ignore[attr-defined]  # set by SQLModel on table classes
    return there


@cache
def rows_of(row: type[SQLModel]) -> TableClause:
    """Give what is selected from a table under other names: its columns alone.

    An alias of the table itself would copy what every column refers to, for each statement anew.
    """
    there = table_of(row)
    return table(there.name, *(column(each.key, each.type) for each in there.columns))


class Shape(SQLModel):
    """What is kept in a table. No row is validated by Pydantic, and building what would validate takes it long."""

    model_config = {"defer_build": True}


class Row(Shape):
    """A record with a random id. UUIDv4: a v7 id would tell the time."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)


class Fact(Row):
    """A record that says how sure it is and where it comes from (codes of `SourceRow`)."""

    certainty: Certainty = one_of(Certainty)
    sources: list[str] = texts()
    note: str | None = Field(default=None, sa_type=Text)
