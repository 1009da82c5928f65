"""What every noun uses: nodes, pages, periods, provenance, and the filters of values."""

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

import strawberry
from sqlalchemy import ColumnElement, LargeBinary, Text, and_, any_, cast, func, literal_column, not_
from sqlalchemy import DateTime as Timestamp
from strawberry.federation.schema_directives import Cost

from schema.access import PUBLIC, Columns
from schema.scalars import CountryCode, Date, DateTime, PartialDate
from schema.source import (
    ACCESS,
    TODAY_TEXT,
    Expression,
    embedded,
    input_object,
    interface,
    machinery,
    many,
    part,
    plain,
)
from schema.standing import within
from schema.tables import SourceRow
from schema.tables.base import Fact
from schema.vocabulary import (
    Certainty,
)
from schema.vocabulary.base import Vocabulary, vocabulary


@interface
class Node:
    """Anything with an id. An unknown id and one that is not for you answer alike: null."""

    id: strawberry.ID = strawberry.field(
        description="Opaque, random, stable for you. Persons and cases carry a different id to every body."
    )


@vocabulary
class OrderDirection(Vocabulary):
    """Direction of an ordering. Rows that tie are ordered by id."""

    ASC = ("asc", "Smallest, earliest or first letter first.")
    DESC = ("desc", "Largest, latest or last letter first.")


def _machinery(says: str, *, cost: int | None = None) -> Any:
    """Declare a field of the paging machinery: it tells nothing that its rows do not."""
    return strawberry.field(description=says, directives=[Cost(weight=cost)] if cost else [], metadata={ACCESS: PUBLIC})


@plain(see=PUBLIC, shareable=True)
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool = _machinery("True when rows follow this page.")
    has_previous_page: bool = _machinery("True when rows precede this page.")
    start_cursor: str | None = _machinery("Cursor of the first row; null on an empty page.")
    end_cursor: str | None = _machinery("Cursor of the last row; null on an empty page.")


T = TypeVar("T")
Word = TypeVar("Word", bound=Vocabulary)

TOTAL_COUNT_COST: Final = 10
TOTAL_COUNT_MOST: Final = 10_000


@machinery
class Edge(Generic[T]):
    """A row of a page."""

    node: T = _machinery("The row.")
    cursor: str = _machinery("Opaque: where the row stands in this order.")


@machinery
class Connection(Generic[T]):
    """A page of a list."""

    edges: list[Edge[T]] = _machinery("Rows with their cursors.")
    nodes: list[T] = _machinery("Rows.")
    page_info: PageInfo = _machinery("Where this page stands.")
    total_count: int | None = _machinery(
        "Rows you may see that match; counted only when selected; null above 10,000.", cost=TOTAL_COUNT_COST
    )


@plain(see=PUBLIC)
class Period:
    """A span of time. Memberships, places, terms and agreements are periods: members leave and return."""

    from_: PartialDate | None = part(
        "from", name="from", see=PUBLIC, says="First day, as precisely as known; null when not known."
    )
    until: PartialDate | None = part("until", see=PUBLIC, says="Last day; null while it runs or when not known.")
    running: bool = part("running", see=PUBLIC, says="True when today lies within.")


def moment_key(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    """Sort by an instant; none comes last. Worded as indexes are."""
    return func.coalesce(moment, literal_column("'infinity'::timestamptz", Timestamp(timezone=True)))


def digest_read(c: Columns) -> ColumnElement[Any]:
    """Show the digest of a row as base64."""
    text: ColumnElement[Any] = func.encode(cast(c.digest, LargeBinary()), "base64", type_=Text())
    return text


def period(from_on: str, until_on: str, ended: str | None = None) -> Mapping[str, Expression]:
    """Give the parts of a `Period` kept in two columns, and in a third that tells of an end without a date."""

    def running(c: Columns) -> ColumnElement[bool]:
        inside = within(TODAY_TEXT, c[from_on], c[until_on])
        return and_(not_(c[ended]), inside) if ended else inside

    return {"from": lambda c: c[from_on], "until": lambda c: c[until_on], "running": running}


def span(from_on: str, until_on: str) -> Mapping[str, Expression]:
    """Give the parts of a `Period` whose missing end means that it lasted no longer than its beginning."""

    def running(c: Columns) -> ColumnElement[bool]:
        return within(TODAY_TEXT, c[from_on], func.coalesce(c[until_on], c[from_on]))

    return {"from": lambda c: c[from_on], "until": lambda c: c[until_on], "running": running}


@plain(see=PUBLIC)
class Source:
    """A page, document or other ground on which a fact is recorded."""

    code: str = part("code", see=PUBLIC, says="Short code, such as NPEN25.")
    address: str = part("address", see=PUBLIC, says="Where it was read, as recorded; not always a web address.")
    about: str = part("about", see=PUBLIC, says="What it is about.")


@plain(see=PUBLIC)
class Provenance:
    """How sure a record is and where it comes from."""

    certainty: Certainty = part("certainty", see=PUBLIC, says="How sure it is.")
    sources: list[Source] = many(
        lambda here, there: there.code == any_(here.codes),
        row=SourceRow,
        parts={"code": lambda c: c.code, "address": lambda c: c.address, "about": lambda c: c.about},
        order=lambda c: [c.code.collate("C")],
        see=PUBLIC,
        says="Where it was read, by code.",
        assumed=2,
    )
    note: str | None = part("note", see=PUBLIC, says="What else is to be said of it; null when nothing.")


def provenance(row: type[Fact]) -> Any:
    """Show how sure the record is and where it comes from."""
    assert issubclass(row, Fact)
    return embedded(
        {"certainty": lambda c: c.certainty, "codes": lambda c: c.sources, "note": lambda c: c.note},
        see=PUBLIC,
        says="How sure this record is, and its sources.",
    )


def _operator(says: str) -> Any:
    return strawberry.field(description=says, default=strawberry.UNSET)


@input_object
class IDFilter:
    """Match an id."""

    eq: strawberry.ID | None = _operator("Equal to.")
    in_: list[strawberry.ID] | None = strawberry.field(
        name="in", description="One of, at most 100.", default=strawberry.UNSET
    )


@input_object
class TextFilter:
    """Match a public text. Case and accents are ignored."""

    eq: str | None = _operator("Equal to.")
    contains: str | None = _operator("Contains, from three letters on.")


@input_object
class DateFilter:
    """Match a day."""

    gte: Date | None = _operator("On or after.")
    lt: Date | None = _operator("Before.")


@input_object
class CountryFilter:
    """Match a country."""

    eq: CountryCode | None = _operator("Equal to.")
    in_: list[CountryCode] | None = strawberry.field(
        name="in", description="One of, at most 100.", default=strawberry.UNSET
    )


@input_object
class DateTimeFilter:
    """Match an instant."""

    gte: DateTime | None = _operator("At or after.")
    lt: DateTime | None = _operator("Before.")


@input_object
class Filter(Generic[Word]):
    """Match one value, or any of several."""

    eq: Word | None = _operator("Equal to.")
    in_: list[Word] | None = strawberry.field(name="in", description="One of.", default=strawberry.UNSET)
