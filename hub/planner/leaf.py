"""The audit's leaf: written by the very statement that reads, so that no answer leaves without one.

The answer is made first; its marks tell whose data it holds and which fields the rows let through. Then the leaf is
put in, and the answer is given. Where the leaf cannot be written, the statement fails, and nobody is answered.
"""

import re
from collections.abc import Iterable, Sequence
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
    and_,
    any_,
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
from hub.planner.json_text import Constant
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
        pairs = sorted(set(marked))
        if {mark for _, mark in pairs} <= {_ALWAYS, _ANY_ROW}:
            everything, always = (
                sorted({text for text, _ in pairs}),
                sorted({t for t, mark in pairs if mark == _ALWAYS}),
            )
            if everything == always:
                return _fixed(always)
            return case((func.cardinality(told.c.subjects) > 0, _fixed(everything)), else_=_fixed(always))
        columns = tuple([pair[place] for pair in pairs] for place in (0, 1))
        arrays = [_fixed(each) for each in columns]
        named = func.unnest(*arrays).table_valued("text", "mark").render_derived(name="named")
        text, mark = column("text", Text()), column("mark", Text())
        there = or_(mark == Constant(_ALWAYS), mark == any_(told.c.marks))
        shown = and_(mark == Constant(_ANY_ROW), func.cardinality(told.c.subjects) > 0)
        if len(set(columns[0])) < len(pairs):
            ordered = text.collate("C")
            picked = select(ordered).distinct().order_by(ordered)
        else:
            picked = select(text)
        picked = picked.select_from(named).where(or_(there, shown))
        return func.array(picked.correlate(told).scalar_subquery(), type_=_TEXTS)

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
