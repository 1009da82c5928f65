"""From records to rows: what is new is added, what differs is changed, what is equal is left alone. Ids are kept.

Rows that a file no longer holds are told, never deleted: a person decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, insert, select, true, update
from sqlmodel import SQLModel

from hub.store.rows import Values, columns, with_keys
from schema.tables import SourceRow
from schema.tables.base import table_of
from schema.vocabulary import Certainty


@dataclass(frozen=True, slots=True)
class Batch:
    """All that one file says about one table.

    Attributes:
        rows: one mapping for each record, key columns included.
        key: the natural key.
        of_file: which rows of the table are this file's, so that vanished ones are noticed; none by default.
    """

    table: type[SQLModel]
    key: tuple[str, ...]
    rows: Sequence[Values]
    of_file: ColumnElement[bool] | None = None


@dataclass(slots=True)
class Tally:
    """What became of the records of one file."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    vanished: list[str] = field(default_factory=list)


class World:
    """What is known already, within one transaction: ids by natural key, and sources."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._ids: dict[type[SQLModel], dict[str, UUID]] = {}
        self.source_codes = frozenset(connection.scalars(select(columns(SourceRow).code)))

    def ids(self, table: type[SQLModel], by: str = "slug") -> dict[str, UUID]:
        """Give the ids of a table by a natural key."""
        if table not in self._ids:
            of = columns(table)
            self._ids[table] = {key: id_ for key, id_ in self.connection.execute(select(of[by], of.id)) if key}
        return self._ids[table]

    def id_of(self, table: type[SQLModel], slug: str) -> UUID:
        """Give the id of a row, made now if the row is new."""
        return self.ids(table).setdefault(slug, uuid4())


def reconcile(connection: Connection, batch: Batch, tally: Tally) -> None:
    """Bring one table to what the batch says, and count."""
    table = table_of(batch.table)
    key = [table.c[name] for name in batch.key]
    kept = {tuple(row[name] for name in batch.key): row for row in connection.execute(select(table)).mappings()}
    new: list[dict[str, Any]] = []
    seen = set()
    for values in batch.rows:
        natural = tuple(values[name] for name in batch.key)
        seen.add(natural)
        full = with_keys(batch.table, values)
        old = kept.get(natural)
        if old is None:
            new.append(full | ({"id": uuid4()} if "id" in table.c and "id" not in full else {}))
        elif any(old[name] != value for name, value in full.items() if name != "id"):
            same = [column == value for column, value in zip(key, natural, strict=True)]
            connection.execute(update(table).where(*same).values({k: v for k, v in full.items() if k != "id"}))
            tally.changed += 1
        else:
            tally.unchanged += 1
    if new:
        connection.execute(insert(table), new)
        tally.added += len(new)
    if batch.of_file is not None:
        collected = table.c.certainty != Certainty.SYNTHETIC if "certainty" in table.c else true()
        rows = connection.execute(select(*key).where(batch.of_file, collected)).all()
        tally.vanished += sorted(" ".join(map(str, row)) for row in rows if tuple(row) not in seen)
