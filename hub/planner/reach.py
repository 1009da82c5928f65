"""Which columns of a row an object over it reaches for: a page takes those along and no others.

Sources and joins are functions of columns; they are called once with columns that note their own names.
"""

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from hub.planner.ir import (
    Bounded,
    Envelope,
    Field,
    Keyed,
    Leaf,
    Listing,
    Mine,
    Nested,
    Obj,
    Paged,
    Several,
    Single,
    When,
)
from hub.planner.rules import predicate
from schema.source import CodeName, Column, Computed, Narrowed
from schema.tables.base import table_of


class Noting:
    """The columns of a row, noting which are asked for; `all` adds what is known of the row."""

    def __init__(self, columns: Any, facts: Mapping[str, object] | None = None) -> None:
        self._columns = columns
        self.noted: dict[str, None] = {}
        self.all: Any = Narrowed(self, facts) if facts else self

    def __getattr__(self, name: str) -> Any:
        return self[name]

    def __getitem__(self, name: str) -> Any:
        self.noted[name] = None
        return self._columns[name]


def note(objects: Iterable[Obj], columns: Noting) -> None:
    """Note the columns that objects over a row reach for."""
    for obj in objects:
        if obj.subject is not None:
            obj.subject(columns.all)
        for field in obj.fields:
            _note_field(field, columns.all, columns.all)


def _note_field(field: Field, columns: Any, here: Any) -> None:
    """Note the columns of one field.

    Args:
        field: over the row.
        columns: of the row.
        here: what joins see of the row: its columns, or the parts that an embedding field named.
    """
    if isinstance(field.gate, When):
        predicate(field.gate.rule, columns)
    match field.node:
        case Leaf(source=Column(name) | CodeName(name)):
            columns[name]
        case Leaf(source=Computed(make)):
            make(columns)
        case Nested(source=source, obj=obj):
            parts = SimpleNamespace(**{name: make(here) for name, make in source.parts.items()})
            if source.present is not None:
                source.present(here)
            for inner in obj.fields:
                _note_field(inner, columns, parts)
        case Envelope(source=source):
            source.on(here, _anything(source.row))
        case Single(source=source, rows=rows):
            source.on(here, _anything(rows.record.row))
        case Listing(source=source, rows=rows):
            row = rows.record.row if rows else source.row
            source.on(here, _anything(row))
        case Paged(source=source, choices=choices):
            if source.on is not None:
                source.on(here, _anything(choices[0].record.row))
        case Bounded() | Keyed() | Several() | Mine():
            raise AssertionError("these stand at the root only")
        case _:
            pass


def _anything(row: Any) -> Any:
    """Give columns for the far side of a join, which are not noted."""
    return table_of(row).c
