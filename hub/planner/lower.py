"""From the woven form to one SQL statement that answers the whole operation as JSON text.

Each record is a correlated sub-query with its rules in the WHERE clause; values of the request become parameters, each
with a function that reads it. Pages have a module of their own.
"""

from typing import Any, assert_never
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    String,
    Text,
    Uuid,
    and_,
    case,
    cast,
    func,
    not_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from hub.planner import ids, json_text
from hub.planner.bind import Parameters, ReadSent, Request, Sent, profile_json
from hub.planner.build import NODES_MOST
from hub.planner.ir import (
    Argument,
    Bounded,
    Choice,
    Content,
    Envelope,
    Fault,
    Field,
    Keyed,
    Leaf,
    Listing,
    Mine,
    Nested,
    Node,
    Nothing,
    Obj,
    Operation,
    Paged,
    Rows,
    Several,
    Shut,
    Single,
    When,
    reading,
    value_of,
)
from hub.planner.ir import Text as JsonText
from hub.planner.json_text import NULL, Constant, join, obj, or_null
from hub.planner.leaf import with_leaf
from hub.planner.page import lower_page
from hub.planner.refused import OperationRefused
from hub.planner.rules import Beside, denied, holds, key_to, passes, predicate
from hub.planner.scope import Scope, array, chosen, subquery
from hub.planner.weave import reasons
from schema.access import Unsealed
from schema.source import CodeName, Column, Computed, FromProfile, Part, Record
from schema.tables.base import rows_of, table_of

_INTEGER = Integer()


class Lowering:
    """Lowers one operation."""

    def __init__(self, operation: Operation) -> None:
        self.parameters = Parameters()
        self._operation = operation
        self._entries = {(each.path, each.code): number for number, each in enumerate(operation.withheld)}
        by_row = operation.reading.by_row if operation.reading else {}
        self._by_row = {which: number for number, which in enumerate(by_row)}
        self.envelopes: list[Envelope] = []
        """What is opened after the statement, by the number in its marks."""
        self._aliases = 0
        fields = operation.root.fields
        self.entities = [each.response for each in fields if isinstance(each.node, Several) and each.node.entities]
        """Fields of the root that ask for entities: errors name them."""

    def statement(self) -> Select[Any]:
        """Give the statement: one row, one column; a marker alone where the viewer's token is denied."""
        answer = self.object(self._operation.root, Scope(None))
        if self._operation.deniable:
            answer = case((not_(denied()), answer), else_=Constant(json_text.DENIED))
        if self._operation.reading is not None:
            return with_leaf(answer, self._operation)
        return select(answer.label("answer"))

    def sealed_entries(self) -> tuple[int, ...]:
        """Give for each envelope the entry that is counted where it does not open."""
        return tuple(self._entries[each.path, "SEALED"] for each in self.envelopes)

    def alias(self, table: FromClause, name: str) -> FromClause:
        """Name the rows of a table anew; SQLAlchemy's own names have an underscore, so that these never meet one."""
        return table.alias(self.name(name.lower()))

    def name(self, name: str) -> str:
        """Make a name that stands once in the statement."""
        self._aliases += 1
        return f"{name.replace('_', '')}{self._aliases}"

    # ---- Objects and fields ------------------------------------------------------------------------------------------

    def object(self, node: Obj, scope: Scope) -> ColumnElement[str]:
        """Write an object over the row in scope."""
        beside = Beside(lambda: self.name("beside"))
        written = obj((field.response, self._field(node.type_name, field, scope, beside)) for field in node.fields)
        written = beside.around(written, scope.around)
        return written if node.subject is None else join([json_text.about(node.subject(scope.c)), written])

    def _field(self, parent: str, field: Field, scope: Scope, beside: Beside) -> ColumnElement[str]:
        if isinstance(field.node, Envelope):
            assert isinstance(field.gate, When)
            value = or_null(self._envelope(field.node, field.gate, scope, beside))
        else:
            value = self._value(field.node, scope, response=field.response, nullable=field.nullable)
        if isinstance(field.gate, When):
            number = self._by_row.get((field.path, f"{parent}.{field.name}"))
            if number is not None:
                value = join([json_text.released(number), value])
            return self._gated(field, field.gate, value, scope, beside)
        return value

    def _gated(
        self, field: Field, gate: When, value: ColumnElement[str], scope: Scope, beside: Beside
    ) -> ColumnElement[str]:
        """Show the value where the row lets it through; else a mark of the first reason that does not."""
        conditions: dict[str, list[ColumnElement[bool]]] = {}
        for code, rule in reasons(gate.rule):
            conditions.setdefault(code, []).append(predicate(rule, scope.c, beside))
        if len(conditions) == 1:
            ((code, _),) = conditions.items()
            kept = Constant(json_text.withheld(self._entries[field.path, code]))
            return case((predicate(gate.rule, scope.c, beside), value), else_=kept)
        # Asked in turn, each reason once: what stands after a failing one is not asked.
        written = value
        for code, asked in reversed(conditions.items()):
            kept = Constant(json_text.withheld(self._entries[field.path, code]))
            written = case((and_(true(), *asked), written), else_=kept)
        return written

    def _value(self, node: Node, scope: Scope, *, response: str, nullable: bool) -> ColumnElement[str]:
        match node:
            case Leaf():
                value = self._leaf(node, scope)
                return or_null(value) if nullable else value
            case JsonText(text):
                return self._text(text)
            case Nothing():
                return NULL
            case Fault():
                raise AssertionError("weaving refuses faults")
            case Nested():
                return self._nested(node, scope)
            case Envelope() | Content():
                raise AssertionError("what is within an envelope is written when it is open")
            case Single():
                return func.coalesce(self._single(node, scope), NULL if nullable else Constant(json_text.NULL_HERE))
            case Listing():
                return self._listing(node, scope)
            case Paged():
                return lower_page(self, node, scope)
            case Bounded():
                return self._bounded(node)
            case Keyed():
                return or_null(self._keyed(node))
            case Several():
                return self._several(node, response)
            case Mine():
                return self.object(node.obj, scope)
            case _:
                assert_never(node)

    def _leaf(self, node: Leaf, scope: Scope) -> ColumnElement[str]:
        match node.source:
            case Column(name):
                return json_text.scalar(scope.c[name], node.type, node.code, veiled=node.veiled)
            case Computed(make):
                return json_text.scalar(make(scope.c), node.type, node.code)
            case CodeName(name):
                return json_text.code_name(scope.c[name])
            case Part(name):
                return json_text.scalar(scope.part(name), node.type, node.code)
            case FromProfile(name):
                return self.parameters.add_moving(
                    "profile", Text(), lambda request: profile_json(name, request.asked.profile)
                )
            case _:
                assert_never(node.source)

    def _text(self, text: str) -> ColumnElement[str]:
        """Write JSON known beforehand; what is long goes as a parameter, not into the statement."""
        if text.replace('"', "").isidentifier():
            return Constant(text)
        return self.parameters.add("text", Text(), lambda _: text)

    def _nested(self, node: Nested, scope: Scope) -> ColumnElement[str]:
        columns = scope.here
        parts = {name: make(columns) for name, make in node.source.parts.items()}
        written = self.object(node.obj, Scope(scope.alias, scope.around[:-1], parts, scope.facts))
        if node.source.present is None:
            return written
        return case((node.source.present(columns), written), else_=NULL)

    def _envelope(self, node: Envelope, gate: When, scope: Scope, beside: Beside) -> ColumnElement[Any]:
        """Bring what is sealed with the wrapped key it opens under; NULL where nothing is recorded.

        The key is the one that its rule looks for: what is sealed under any other does not open.
        """
        number = len(self.envelopes)
        self.envelopes.append(node)
        (key,) = {rule for _, rule in reasons(gate.rule) if isinstance(rule, Unsealed)}
        sealed = self.alias(rows_of(node.source.row), "sealed")
        there = sealed.c
        (place,) = table_of(node.source.row).primary_key
        parts = [
            there[place.key],
            there.subject_id,
            there.version,
            key_to(key, scope.c, beside),
            json_text.base64(there.sealed),
        ]
        found = select(json_text.envelope(number, parts)).select_from(sealed).where(node.source.on(scope.here, there))
        return found.correlate(*scope.around).scalar_subquery()

    # ---- Records -----------------------------------------------------------------------------------------------------

    def rows(self, rows: Rows, scope: Scope) -> tuple[Scope, list[ColumnElement[bool]]]:
        """Open the rows of a record type around a scope, with the predicates of its rule."""
        alias = self.alias(rows_of(rows.record.row), rows.type_name)
        return Scope(alias, scope.around), passes(rows.gate, alias.c)

    def _single(self, node: Single, scope: Scope) -> ColumnElement[Any]:
        inner, rules = self.rows(node.rows, scope)
        return subquery(self.object(node.obj, inner), inner, [node.source.on(scope.here, inner.c), *rules])

    def _listing(self, node: Listing, scope: Scope) -> ColumnElement[str]:
        source = node.source
        if node.rows:
            inner, rules = self.rows(node.rows, scope)
        else:
            assert source.row is not None
            alias = self.alias(rows_of(source.row), str(source.row.__tablename__))
            parts = {name: make(alias.c) for name, make in source.parts.items()}
            inner, rules = Scope(alias, scope.around, parts), []
        item = self.object(node.obj, inner)
        picked = chosen(item, inner, [source.on(scope.here, inner.c), *rules]).order_by(*source.order(inner.c))
        return array(picked)

    def _bounded(self, node: Bounded) -> ColumnElement[str]:
        inner = Scope(self.alias(node.source.rows, "cell"))
        check, where = node.source.check, node.where

        def most(given: Sent) -> int:
            try:
                check(value_of(where, given.values))
            except ValueError as error:
                raise OperationRefused("BAD_FILTER", str(error)) from error
            return node.source.most

        conditions = [each for condition in node.conditions for each in holds(condition, inner.c, self.parameters)]
        picked = chosen(self.object(node.obj, inner), inner, conditions).order_by(*node.source.order(inner.c))
        return array(picked.limit(self.parameters.add("most", _INTEGER, most)))

    def _keyed(self, node: Keyed) -> ColumnElement[Any]:
        inner, rules = self.rows(node.choice.rows, Scope(None))
        keys = []
        for name, argument in node.keys:
            if name == "id":
                value = self._id(argument, node.choice.rows.record)
            else:
                value = self.parameters.add("key", String(), _reader(argument))
            keys.append(inner.c[name] == value)
        return subquery(self.object(node.choice.obj, inner), inner, [*keys, *rules])

    def _id(self, argument: Argument, record: Record) -> ColumnElement[UUID]:
        read, code = reading(argument), record.code
        if record.veiled:
            return self.parameters.add_moving(
                "id", Uuid(), lambda request: request.asked.internal(code, ids.of(code, read(request.values)))
            )
        return self.parameters.add("id", Uuid(), lambda given: ids.of(code, read(given.values)))

    def _several(self, node: Several, response: str) -> ColumnElement[str]:
        kinds = self.parameters.add_moving(
            "kinds", ARRAY(Text()), lambda request: [k for k, _ in _asked(node, request)]
        )
        keys = self.parameters.add_moving("keys", ARRAY(Text()), lambda request: [k for _, k in _asked(node, request)])
        asked = func.unnest(kinds, keys).table_valued("kind", "key", with_ordinality="n").render_derived(name="asked")
        found = {
            selector: self._found(choice, key, asked)
            for selector, key, choice in node.choices
            if not isinstance(choice.rows.gate, Shut)
        }
        missing: ColumnElement[str] = NULL
        if node.entities:
            before, behind = json_text.missing(self.entities.index(response))
            missing = join([before, cast(asked.c.n, Text), behind])
        value = func.coalesce(case(found, value=asked.c.kind), missing) if found else missing
        listed = func.string_agg(value, aggregate_order_by(Constant(","), asked.c.n))
        everything = select(listed).select_from(asked).scalar_subquery()
        return join(["[", func.coalesce(everything, Constant("")), "]"])

    def _found(self, choice: Choice, key: str, asked: Any) -> ColumnElement[Any]:
        inner, rules = self.rows(choice.rows, Scope(asked))
        wanted = cast(asked.c.key, Uuid()) if key == "id" else asked.c.key
        return subquery(self.object(choice.obj, inner), inner, [inner.c[key] == wanted, *rules])


def _reader(argument: Argument) -> ReadSent:
    read = reading(argument)
    return lambda given: read(given.values)


def _asked(node: Several, request: Request) -> list[tuple[str, str]]:
    """Read which records are asked for: the selector of each, and its key as text."""
    values = value_of(node.asked, request.values)
    if len(values) > NODES_MOST:
        raise OperationRefused("TOO_MANY_IDS", f"At most {NODES_MOST} records at a time.", limit=NODES_MOST)
    records = {selector: choice.rows.record for selector, _, choice in node.choices}
    asked = []
    for value in values:
        if node.entities:
            found = ids.key_of(value)
            name, key = found or ("", "")
            text = value[key] if found and "\0" not in value[key] else ""
            record = records.get(f"{name}.{key}")
            if key == "id":
                uuid = ids.of(record.code if record else "", text)
                text = str(_internal(record, uuid, request))
            asked.append((f"{name}.{key}", text))
        else:
            code, uuid = ids.split(value)
            asked.append((code, str(_internal(records.get(code), uuid, request))))
    return asked


def _internal(record: Record | None, uuid: UUID, request: Request) -> UUID:
    return request.asked.internal(record.code, uuid) if record and record.veiled else uuid
