"""The audit's leaf: written by the very statement that reads, so that no answer leaves without one.

The answer is made first; its marks tell whose data it holds and which fields the rows let through. Then the leaf is
put in, and the answer is given. Where the leaf cannot be written, the statement fails, and nobody is answered.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    DateTime,
    FromClause,
    LargeBinary,
    Select,
    TableValuedAlias,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    column,
    func,
    insert,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from hub.planner import json_text
from hub.planner.ir import Operation
from hub.planner.json_text import Constant, Joined
from schema.source import PURPOSE, viewer
from schema.tables import AuditLeafRow
from schema.tables.base import table_of
from schema.vocabulary import AuditKind

_TEXTS = ARRAY(Text())
_ALWAYS = "A"
_ANY_ROW = "S"


def with_leaf(answer: ColumnElement[str], operation: Operation) -> Select[Any]:
    """Give the answer, and leave word of it."""
    reading = operation.reading
    assert reading is not None
    body = select(answer.label("body")).cte("answer")
    told = _told(body, marked=bool(reading.by_row)).cte("told").prefix_with("MATERIALIZED")
    numbered = list(enumerate(reading.by_row.values()))
    returned = [
        *((each, _ALWAYS) for each in reading.lists),
        *((each, _ANY_ROW) for each in reading.always),
        *((each, f"R{number}") for number, fields in numbered for each in fields),
    ]
    at = {path: fields[0] for (path, _), fields in reading.by_row.items()}
    withheld = [
        *((each, _ALWAYS) for each in reading.never),
        *((at[each.path], f"W{number}") for number, each in enumerate(operation.withheld) if each.path in at),
    ]

    def texts(marked: Iterable[tuple[str, str]]) -> ColumnElement[Any]:
        """Give the texts whose marks are there, sorted, each once."""
        by_text: dict[str, set[str]] = {}
        for text, mark in marked:
            by_text.setdefault(text, set()).add(mark)
        pieces = []
        for marks, run in groupby(sorted(by_text), key=by_text.__getitem__):
            there = []
            if _ANY_ROW in marks:
                there.append(func.cardinality(told.c.subjects) > 0)
            if decided := sorted(marks - {_ALWAYS, _ANY_ROW}):
                there.append(told.c.marks.op("&&", is_comparison=True)(_fixed(decided)))
            named = _fixed(list(run))
            pieces.append(named if _ALWAYS in marks else case((or_(*there), named), else_=_fixed([])))
        return Joined(pieces, _TEXTS) if pieces else _fixed([])

    leaf = table_of(AuditLeafRow)
    values: dict[str, ColumnElement[Any]] = {
        "at": bindparam("now", type_=DateTime(timezone=True)),
        "kind": Constant(AuditKind.READ.value),
        "relation": bindparam("viewer_relation", type_=Text()),
        "actor_id": viewer("account_id"),
        "organisation_id": viewer("organisation_id"),
        "client": bindparam("viewer_client", type_=Text()),
        "purpose": PURPOSE,
        "subjects": told.c.subjects,
        "categories": texts(((each.category, mark) for each, mark in returned)),
        "fields_returned": texts(((each.coordinate, mark) for each, mark in returned)),
        "fields_withheld": texts(((each.coordinate, mark) for each, mark in withheld)),
        "request_id": bindparam("request_id", type_=Text()),
        "operation_hash": bindparam("operation_hash", type_=LargeBinary()),
    }
    row = select(*values.values()).select_from(told).where(told.c.body != Constant(json_text.DENIED))
    if reading.quiet:
        row = row.where(func.cardinality(told.c.subjects) > 0)
    written = insert(leaf).from_select(list(values), row, include_defaults=False).returning(leaf.c.id).cte("leaf")
    return select(body.c.body).add_cte(written)


def _fixed(names: Sequence[str]) -> ColumnElement[Any]:
    """Write an array of names of the schema's; as a parameter it would be sent along each time."""
    assert all(re.fullmatch(r"[A-Za-z0-9_.]+", name) for name in names), names
    return literal_column(f"'{{{','.join(names)}}}'::text[]", _TEXTS)


def _told(body: CTE, *, marked: bool) -> Select[Any]:
    """Read off the answer whose data it holds, and what its rows let through or kept back: by letter and number.

    Args:
        body: the answer.
        marked: whether there are rules by which rows decide.
    """

    def found(what: ColumnElement[Any], pieces: FromClause, where: ColumnElement[bool], kind: ARRAY[Any]) -> Any:
        picked = select(what.label("found")).distinct().select_from(pieces).where(where)
        return func.array(picked.scalar_subquery(), type_=kind)

    def cut(at: str) -> TableValuedAlias:
        pieces = func.unnest(func.string_to_array(body.c.body, Constant(at)))
        return pieces.table_valued(column("piece", Text()), with_ordinality="n").render_derived(name="pieces")

    # What stands before the first mark is piece 1; an id has 36 signs.
    about = cut(json_text.ABOUT)
    subjects = found(cast(func.left(about.c.piece, 36), Uuid()), about, about.c.n > 1, ARRAY(Uuid()))
    marks: ColumnElement[Any] = _fixed([])
    if marked:
        any_mark = cut(json_text.MARK)
        letters = [Constant(letter) for letter in ("R", "W")]
        where = func.left(any_mark.c.piece, 1).in_(letters)
        marks = found(func.split_part(any_mark.c.piece, Constant(json_text.END), 1), any_mark, where, _TEXTS)
    return select(body.c.body, subjects.label("subjects"), marks.label("marks"))
