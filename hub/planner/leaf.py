"""The audit's leaf: written by the very statement that reads, so that no answer leaves without one.

The answer is made first; its marks tell whose data it holds and which fields the rows let through. Then the leaf is
put in, and the answer is given. Where the leaf cannot be written, the statement fails, and nobody is answered.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    LargeBinary,
    Select,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    column,
    exists,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from hub.planner import json_text
from hub.planner.bind import Parameters
from hub.planner.ir import Operation, Told
from hub.planner.json_text import Constant
from schema.source import PURPOSE, viewer
from schema.tables import AuditLeafRow
from schema.tables.base import table_of
from schema.vocabulary import AuditKind

_TEXTS = ARRAY(Text())


def with_leaf(answer: ColumnElement[str], operation: Operation, parameters: Parameters) -> Select[Any]:
    """Give the answer, and leave word of it."""
    reading = operation.reading
    assert reading is not None
    body = select(answer.label("body")).cte("answer")
    found = func.regexp_matches(body.c.body, Constant(json_text.TOLD), Constant("g"))
    marks = select(found.label("mark")).select_from(body).distinct().cte("marks")
    kind, what = (literal_column(f"marks.mark[{place}]", Text()) for place in (1, 2))

    def told(hint: str, fields: Iterable[Told], part: str) -> ColumnElement[Any]:
        texts = [getattr(each, part) for each in fields]
        return parameters.add(hint, _TEXTS, lambda _: texts)

    def marked(letter: str, numbered: list[tuple[int, Told]], part: str) -> ColumnElement[Any]:
        """Give those of the texts whose numbers were marked with the letter."""
        numbers, texts = [number for number, _ in numbered], [getattr(each, part) for _, each in numbered]
        arrays = (
            parameters.add("numbers", ARRAY(Integer()), lambda _: numbers),
            parameters.add("fields", _TEXTS, lambda _: texts),
        )
        named = func.unnest(*arrays).table_valued("n", "told").render_derived(name="named")
        marks_of = marks.join(named, column("n") == cast(what, Integer()))
        picked: Select[Any] = select(column("told")).select_from(marks_of).where(kind == Constant(letter))
        return func.array(picked.scalar_subquery(), type_=_TEXTS)

    def of_rows(texts: ColumnElement[Any]) -> ColumnElement[Any]:
        """Give the texts where any row was shown."""
        shown = exists(select(literal_column("1")).select_from(marks).where(kind == Constant("S")))
        return case((shown, texts), else_=cast(literal_column("'{}'"), _TEXTS))

    by_row = [(number, each) for number, fields in enumerate(reading.by_row.values()) for each in fields]

    def returned(part: str) -> ColumnElement[Any]:
        everything = (
            told("lists", reading.lists, part)
            .op("||")(of_rows(told("always", reading.always, part)))
            .op("||")(marked("R", by_row, part))
        )
        return _distinct(everything)

    at = {path: fields[0] for (path, _), fields in reading.by_row.items()}
    kept = [(number, at[each.path]) for number, each in enumerate(operation.withheld) if each.path in at]
    withheld = told("never", reading.never, "coordinate").op("||")(marked("W", kept, "coordinate"))
    subject = select(cast(what, Uuid())).select_from(marks).where(kind == Constant("S")).order_by(what)
    leaf = table_of(AuditLeafRow)
    values: dict[str, ColumnElement[Any]] = {
        "at": bindparam("now", type_=DateTime(timezone=True)),
        "kind": Constant(AuditKind.READ.value),
        "relation": bindparam("viewer_relation", type_=Text()),
        "actor_id": viewer("account_id"),
        "organisation_id": viewer("organisation_id"),
        "client": bindparam("viewer_client", type_=Text()),
        "purpose": PURPOSE,
        "subjects": func.array(subject.scalar_subquery(), type_=ARRAY(Uuid())),
        "categories": returned("category"),
        "fields_returned": returned("coordinate"),
        "fields_withheld": _distinct(withheld),
        "request_id": bindparam("request_id", type_=Text()),
        "operation_hash": bindparam("operation_hash", type_=LargeBinary()),
    }
    row = select(*values.values()).select_from(body).where(body.c.body != Constant(json_text.DENIED))
    written = insert(leaf).from_select(list(values), row, include_defaults=False).returning(leaf.c.id).cte("leaf")
    return select(body.c.body).add_cte(written)


def _distinct(texts: ColumnElement[Any]) -> ColumnElement[Any]:
    """Sort a list of texts and take out what stands in it twice."""
    each = func.unnest(texts).table_valued("told").render_derived(name="each")
    text = column("told", Text())
    return func.array(select(text).distinct().select_from(each).order_by(text).scalar_subquery(), type_=_TEXTS)
