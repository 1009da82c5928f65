"""The tables as lists of dicts, as PostgreSQL holds them, and the few questions that are asked of them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from oracle.access import SECRETARIAT, Who

Row = dict[str, Any]

TABLES: Final = [
    "source",
    "organisation",
    "agreement",
    "partner_opening",
    "city",
    "membership",
    "coordinator",
    "coordinator_city",
    "place",
    "resident",
    "work",
    "figure",
    "term",
    "project",
    "project_city",
    "event",
    "resolution",
    "timeline_entry",
    "statistic_cell",
    "official_total",
]
"""Those the graph reads, parents before children."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One object of the graph: the name of its type and what its fields are made of."""

    kind: str
    row: Row


@dataclass(frozen=True, slots=True)
class Record:
    """A type with ids of its own: its table and the prefix of its ids."""

    table: str
    code: str
    keys: tuple[str, ...] = ()
    entity: bool = False
    network: bool = False


RECORDS: Final = {
    "Agreement": Record("agreement", "ag", network=True),
    "City": Record("city", "ct", keys=("slug",), entity=True),
    "Event": Record("event", "ev"),
    "Figure": Record("figure", "fg"),
    "Organisation": Record("organisation", "or", keys=("slug",), entity=True),
    "PartnerOpening": Record("partner_opening", "po", network=True),
    "Place": Record("place", "pl", network=True),
    "Project": Record("project", "pr"),
    "Resident": Record("resident", "re", entity=True),
    "Resolution": Record("resolution", "rs"),
    "Term": Record("term", "tm"),
    "TimelineEntry": Record("timeline_entry", "tl"),
    "Work": Record("work", "wk", entity=True),
}
KINDS: Final = {record.code: kind for kind, record in RECORDS.items()}


class Rows:
    """All rows, the day it is, and the one bound that stands for all."""

    def __init__(self, tables: dict[str, list[Row]], today: date, bound: int) -> None:
        self.tables = tables
        self.today = today
        self.bound = bound

    def of(self, table: str, **wanted: Any) -> list[Row]:
        """Give the rows whose columns hold these values; NULL equals nothing."""
        return [
            row
            for row in self.tables[table]
            if all(row[name] is not None and row[name] == value for name, value in wanted.items())
        ]

    def seen(self, kind: str, row: Row, who: Who) -> bool:
        """Tell whether the row exists for the viewer."""
        if kind == "City":
            return row["status"] in {"member", "former", "predecessor"} or who.relation in SECRETARIAT
        if kind == "Place":
            return bool(self.of("city", id=row["city_id"], status="member"))
        return True

    def things(self, kind: str, who: Who, **wanted: Any) -> list[Thing]:
        """Give the records with these values that exist for the viewer."""
        return [Thing(kind, row) for row in self.of(RECORDS[kind].table, **wanted) if self.seen(kind, row, who)]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a row stands in an ordering; the answer writes it as an opaque text."""

    ordering: str
    kind: str
    row_id: str


@dataclass(frozen=True, slots=True)
class Ask:
    """What stands behind every field while one operation is answered."""

    rows: Rows
    who: Who
    cursors: Mapping[str, tuple[Cursor, Thing]]
    """Texts of cursors that earlier answers gave, with the row each one stood at."""
    met: Counter[str] = field(default_factory=Counter)
    """What was met on the way, for a test that asks whether its cases met everything."""

    def things(self, kind: str, **wanted: Any) -> list[Thing]:
        """Give the records with these values that exist for the viewer."""
        return self.rows.things(kind, self.who, **wanted)

    def thing(self, kind: str, **wanted: Any) -> Thing | None:
        """Give the one record with these values, if it exists for the viewer."""
        found = self.things(kind, **wanted)
        return found[0] if found else None


def global_id(thing: Thing) -> str:
    """Write the id of a record."""
    return f"{RECORDS[thing.kind].code}_{thing.row['id']}"


def read_id(text: str) -> tuple[str, UUID] | None:
    """Read an id of the graph, which has one spelling only; None when it is none."""
    code, _, rest = text.partition("_")
    try:
        found = UUID(rest)
    except ValueError:
        return None
    return (KINDS[code], found) if code in KINDS and str(found) == rest else None


def load(conninfo: str) -> dict[str, list[Row]]:
    """Read every table whole."""
    with psycopg.connect(conninfo, row_factory=dict_row) as connection:
        return {table: list(_all(connection, table)) for table in TABLES}


def _all(connection: psycopg.Connection[Row], table: str) -> Iterator[Row]:
    yield from connection.execute(f"select * from {table}")
