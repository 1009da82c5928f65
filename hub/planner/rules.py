"""Rules and filters as SQL predicates over the row at hand: what weaving left open is decided here, by the database."""

import operator
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from datetime import date
from functools import cache as cached
from typing import Any, Final, assert_never

from graphql import GraphQLEnumType, GraphQLInputType, get_named_type
from sqlalchemy import ARRAY as GENERIC_ARRAY
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Integer,
    String,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    cast,
    column,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    table,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from hub.planner import ids, json_text
from hub.planner.bind import Parameters, ReadSent, Request, Sent
from hub.planner.ir import Condition, Gate, Given, Open, RowRule, Shut, When, reading
from hub.planner.refused import OperationRefused
from hub.planner.weave import row_rule
from schema.access import AllOf, AnyOf, Anyone, Columns, Consented, Linked, Own, RowIs, Unsealed
from schema.source import PURPOSE, TODAY, known, unnarrowed, viewer
from schema.standing import running, taken_up
from schema.tables import ConsentRow, DenialRow, ReferralRow, SubjectKeyRow
from schema.tables.base import rows_of
from schema.text import fold

CONTAINS_LEAST: Final = 3
IN_MOST: Final = 100


def denied() -> ColumnElement[bool]:
    """Tell whether the viewer's token is denied: looked at by the statement that reads, so that a cut bites at once."""
    denials = rows_of(DenialRow).alias("denial")
    return exists().where(
        denials.c.subject == any_(bindparam("viewer_subjects", type_=ARRAY(Text()))),
        denials.c.before >= bindparam("viewer_issued_at", type_=DateTime(timezone=True)),
        denials.c.expires_at > bindparam("now", type_=DateTime(timezone=True)),
    )


class Beside:
    """What several rules look up beside one row, each of it once: a query over the row, of which they read columns."""

    def __init__(self, name: Callable[[], str]) -> None:
        """Take what makes its name, which is asked for when there is something to look up."""
        self._name = cached(name)
        self._asked: dict[Hashable, ColumnElement[Any]] = {}

    def once(self, what: Hashable, asked: ColumnElement[Any]) -> ColumnElement[Any]:
        """Give the column that holds what is looked up."""
        self._asked.setdefault(what, asked)
        return column(f"c{list(self._asked).index(what)}", self._asked[what].type, _selectable=table(self._name()))

    def around(self, written: ColumnElement[str], correlated: Iterable[FromClause]) -> ColumnElement[str]:
        """Put the query around what was written over its columns; nothing where nothing was looked up."""
        if not self._asked:
            return written
        # The offset keeps the columns from being put in wherever they are read, and looked up there again.
        columns = [asked.label(f"c{number}") for number, asked in enumerate(self._asked.values())]
        beside = select(*columns).offset(literal_column("0")).correlate(*correlated).subquery(self._name())
        return select(written).select_from(beside).correlate(*correlated).scalar_subquery()


def predicate(rule: RowRule, c: Columns, beside: Beside | None = None) -> ColumnElement[bool]:
    """Turn what is left of a rule into a predicate over the columns of its row. Where it is NULL the rule fails.

    Args:
        rule: what the row is to decide.
        c: columns of the row.
        beside: where look-ups are shared with other rules on the same row.
    """
    if isinstance(rule, Own):
        # What a filter settled may shut a way in, never open one: no other rule hears of it.
        other = rule.only is not None and known(c, rule.only[0]) not in {None, rule.only[1]}
        return false() if other else rule.column(c) == viewer(rule.viewer)
    if not isinstance(rule, AllOf | AnyOf):
        c = unnarrowed(c)
    match rule:
        case RowIs():
            return rule.predicate(c)
        case Linked(word=None):
            linked = _linked(rule, c)
            return linked if beside is None else beside.once(rule, linked)
        case Linked(word=word):
            words = _words(rule, c)
            if beside is not None:
                # Which word is asked for makes no other look-up.
                words = beside.once(replace(rule, word=""), words)
            return literal(word) == any_(words)
        case Consented():
            allowed = _allowed(rule, c)
            if beside is not None:
                allowed = beside.once((Consented, rule.case, rule.person), allowed)
            return literal(rule.category.value) == any_(allowed)
        case Unsealed():
            return key_to(rule, c, beside).is_not(None)
        case AllOf(rules):
            return and_(true(), *(_inner(each, c, beside) for each in rules))
        case AnyOf(rules):
            return or_(false(), *(_inner(each, c, beside) for each in rules))
        case _:
            assert_never(rule)


def _inner(rule: Any, c: Columns, beside: Beside | None = None) -> ColumnElement[bool]:
    return predicate(row_rule(rule), c, beside)


def key_to(rule: Unsealed, c: Columns, beside: Beside | None = None) -> ColumnElement[str]:
    """Give the wrapped key that a row's subject is sealed under, as an envelope's mark holds it; NULL once erased."""
    key = rows_of(SubjectKeyRow).alias()
    written = json_text.wrapped_key(key.c.kek_version, key.c.wrapped)
    found = select(written).where(key.c.subject_id == rule.subject(c), key.c.wrapped.is_not(None)).correlate_except(key)
    there = found.scalar_subquery()
    return there if beside is None else beside.once(rule, there)


def _linked(rule: Linked, c: Columns) -> ColumnElement[bool]:
    other = rows_of(rule.to).alias()
    return exists().where(*_ties(rule, c, other.c)).correlate_except(other)


def _words(rule: Linked, c: Columns) -> ColumnElement[Any]:
    """Give the words that rows hold which tie this one to the viewer."""
    other = rows_of(rule.to).alias()
    assert rule.among is not None
    held = select(func.unnest(rule.among(other.c))).where(*_ties(rule, c, other.c)).correlate_except(other)
    return func.array(held.scalar_subquery(), type_=ARRAY(Text()))


def _ties(rule: Linked, c: Columns, other: Columns) -> list[ColumnElement[bool]]:
    return [rule.on(c, other), *([] if isinstance(rule.rule, Anyone) else [_inner(rule.rule, other)])]


def _allowed(rule: Consented, c: Columns) -> ColumnElement[Any]:
    """Give the categories of running consents under an open referral, for the purpose declared, to the viewer's body.

    Written so that the partial index on running consents answers it.
    """
    consent, referral = rows_of(ConsentRow).alias(), rows_of(ReferralRow).alias()
    body = viewer("organisation_id")
    under = exists().where(
        referral.c.case_id == rule.case(c),
        referral.c.recipient_id == body,
        referral.c.person_id == consent.c.person_id,
        taken_up(referral.c),
        cast(referral.c.purpose, Text()) == PURPOSE,
    )
    allowed = select(func.unnest(cast(consent.c.categories, ARRAY(Text())))).where(
        consent.c.person_id == rule.person(c),
        consent.c.recipient_id == body,
        running(consent.c),
        any_(cast(consent.c.purposes, ARRAY(Text()))) == PURPOSE,
        consent.c.from_on <= TODAY,
        consent.c.until_on >= TODAY,
        under.correlate_except(referral),
    )
    return func.array(allowed.correlate_except(consent).scalar_subquery(), type_=ARRAY(Text()))


def passes(gate: Gate | None, c: Columns) -> list[ColumnElement[bool]]:
    """Give the predicates a row must satisfy to pass a gate."""
    match gate:
        case Open():
            return []
        case Shut():
            return [false()]
        case When(rule):
            return [predicate(rule, c)]
        case None:
            raise AssertionError("this has not been woven")
        case _:
            assert_never(gate)


def holds(condition: Condition, c: Columns, parameters: Parameters) -> list[ColumnElement[bool]]:
    """Turn one filter into predicates: what it compares, and the rule of what it looks at."""
    match, name = condition.match, condition.operator
    if match.predicate:
        value: Any = _written(condition)
        if value is None:
            value = _taken(parameters, condition, "where", _plain_type(condition.type), _reader(condition))
        return [match.predicate(c, value), *passes(condition.gate, c)]
    column = match.make(c) if match.make else c[match.column]
    kind, convert = _conversion(condition, column)
    label = match.column or "where"
    if name == "in":
        value = _taken(parameters, condition, label, ARRAY(kind), _list_reader(condition, convert))
    else:
        value = _taken(parameters, condition, label, kind, _reader(condition, convert))
    compared = _compare(column, name, value, empty=match.empty)
    return [compared, *passes(condition.gate, c), *_seen(condition, column)]


def _written(condition: Condition) -> ColumnElement[Any] | None:
    """Give a word or a truth that stands in the document itself, for the database to plan with; else None."""
    words = isinstance(get_named_type(condition.type), GraphQLEnumType)
    match condition.value:
        case Given(bool() as truth):
            return true() if truth else false()
        case Given(str() as word) if words:
            return literal(str(word), _plain_type(condition.type))
        case _:
            return None


def settled(condition: Condition) -> tuple[str, object] | None:
    """Give what a filter tells of all rows that it lets through; None where that is not known yet, or nothing."""
    name, written = condition.match.settles, condition.value
    return (name, written.value) if name and isinstance(written, Given) else None


def _seen(condition: Condition, column: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """Let an id match only where the viewer may see the record that it names."""
    if condition.named is None or isinstance(condition.named.gate, Open):
        return []
    named = rows_of(condition.named.record.row).alias()
    seen = exists().where(named.c.id == column, *passes(condition.named.gate, named.c))
    return [seen.correlate_except(named)]


def _compare(column: ColumnElement[Any], name: str, value: Any, *, empty: bool) -> ColumnElement[bool]:
    if isinstance(column.type, GENERIC_ARRAY):
        inside = column.op("&&")(value) if name == "in" else value == any_(column)
        return or_(func.cardinality(column) == 0, inside) if empty else inside
    compared: ColumnElement[bool] = _OPERATORS[name](column, value)
    return compared


_OPERATORS: Final[dict[str, Callable[[ColumnElement[Any], Any], Any]]] = {
    "eq": operator.eq,
    "in": lambda column, value: column == any_(value),
    "contains": lambda column, value: func.strpos(column, value) > 0,
    "gte": operator.ge,
    "lt": operator.lt,
}

Convert = Callable[[Any], object]


def _conversion(condition: Condition, column: ColumnElement[Any]) -> tuple[TypeEngine[Any], Convert]:
    """Tell the SQL type of a filter's value and how to make it from the graph's."""
    if condition.named is not None:
        code = condition.named.record.code
        return Uuid(), lambda value: ids.of(code, value)
    if isinstance(column.type, Uuid):
        return Uuid(), lambda value: value
    if condition.match.folded:
        return (String(), _at_least_three) if condition.operator == "contains" else (String(), fold)
    if isinstance(column.type, DateTime):
        return column.type, lambda value: value
    if isinstance(column.type, Boolean | Integer | Date):
        return type(column.type)(), lambda value: value
    return String(), _code


def _code(value: Any) -> str:
    if isinstance(value, str):  # a text, or a member of a vocabulary, which is its code
        return value
    assert isinstance(value, date)
    return value.isoformat()


def _at_least_three(value: str) -> str:
    folded = fold(value)
    if len(folded) < CONTAINS_LEAST:
        raise OperationRefused("BAD_FILTER", f"contains needs at least {CONTAINS_LEAST} letters.")
    return folded


def _reader(condition: Condition, convert: Convert = lambda value: value) -> ReadSent:
    read = reading(condition.value)
    return lambda given: convert(read(given.values))


def _taken(
    parameters: Parameters, condition: Condition, hint: str, kind: TypeEngine[Any], read: ReadSent
) -> ColumnElement[Any]:
    """Take up the value of a condition. An id that the viewer knows a record by stands for another one inside."""
    record = condition.named.record if condition.named else None
    if record is None or not record.veiled:
        return parameters.once(condition, hint, kind, read)

    def internal(request: Request) -> object:
        value: Any = read(request)
        if isinstance(value, list):
            return [request.asked.internal(record.code, each) for each in value]
        return request.asked.internal(record.code, value)

    return parameters.once(condition, hint, kind, internal, moving=True)


def _list_reader(condition: Condition, convert: Convert) -> ReadSent:
    listed = reading(condition.value)
    as_it_is = convert is _code and get_named_type(condition.type).name != "Date"

    def read(sent: Sent) -> object:
        values = listed(sent.values)
        if len(values) > IN_MOST:
            raise OperationRefused("BAD_FILTER", f"in takes at most {IN_MOST} values.", limit=IN_MOST)
        return values if as_it_is else [convert(value) for value in values]

    return read


def _plain_type(declared: GraphQLInputType) -> TypeEngine[Any]:
    match get_named_type(declared).name:
        case "Int":
            return Integer()
        case "Boolean":
            return Boolean()
        case "Date":
            return Date()
        case _:
            return String()
