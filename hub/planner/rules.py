"""Rules and filters as SQL predicates over the row at hand: what weaving left open is decided here, by the database."""

import operator
from collections.abc import Callable, Hashable, Iterable
from datetime import date
from functools import cache as cached
from typing import Any, Final, assert_never

from graphql import GraphQLInputType, get_named_type
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

from hub.planner import ids
from hub.planner.bind import Given, Parameters, ReadGiven
from hub.planner.ir import Condition, Gate, Open, RowRule, Shut, When, reading
from hub.planner.refused import OperationRefused
from hub.planner.weave import row_rule
from schema.access import AllOf, AnyOf, Anyone, Columns, Consented, Linked, Own, RowIs, Unsealed
from schema.source import PURPOSE, TODAY, viewer
from schema.standing import running, taken_up
from schema.tables import ConsentRow, DenialRow, ReferralRow, SubjectKeyRow
from schema.tables.base import table_of
from schema.text import fold

CONTAINS_LEAST: Final = 3
IN_MOST: Final = 100


def denied() -> ColumnElement[bool]:
    """Tell whether the viewer's token is denied: looked at by the statement that reads, so that a cut bites at once."""
    denials = table_of(DenialRow).alias("denial")
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
    match rule:
        case Own(name, column):
            return column(c) == viewer(name)
        case RowIs():
            return rule.predicate(c)
        case Linked():
            linked = _linked(rule, c)
            return linked if beside is None else beside.once(rule, linked)
        case Consented():
            allowed = _allowed(rule, c)
            if beside is not None:
                allowed = beside.once((Consented, rule.case, rule.person), allowed)
            return literal(rule.category.value) == any_(allowed)
        case Unsealed(subject):
            key = table_of(SubjectKeyRow).alias()
            there = exists().where(key.c.subject_id == subject(c), key.c.wrapped.is_not(None)).correlate_except(key)
            return there if beside is None else beside.once((Unsealed, subject), there)
        case AllOf(rules):
            return and_(true(), *(_inner(each, c, beside) for each in rules))
        case AnyOf(rules):
            return or_(false(), *(_inner(each, c, beside) for each in rules))
        case _:
            assert_never(rule)


def _inner(rule: Any, c: Columns, beside: Beside | None = None) -> ColumnElement[bool]:
    return predicate(row_rule(rule), c, beside)


def _linked(rule: Linked, c: Columns) -> ColumnElement[bool]:
    other = table_of(rule.to).alias()
    where = [rule.on(c, other.c)]
    if not isinstance(rule.rule, Anyone):
        where.append(_inner(rule.rule, other.c))
    return exists().where(*where).correlate_except(other)


def _allowed(rule: Consented, c: Columns) -> ColumnElement[Any]:
    """Give the categories of running consents under an open referral, for the purpose declared, to the viewer's body.

    Written so that the partial index on running consents answers it.
    """
    consent, referral = table_of(ConsentRow).alias(), table_of(ReferralRow).alias()
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
        value = parameters.once(condition, "where", _plain_type(condition.type), _reader(condition))
        return [match.predicate(c, value), *passes(condition.gate, c)]
    assert match.column is not None
    column = c[match.column]
    kind, convert = _conversion(condition, column)
    if name == "in":
        value = parameters.once(condition, match.column, ARRAY(kind), _list_reader(condition, convert))
    else:
        value = parameters.once(condition, match.column, kind, _reader(condition, convert))
    compared = _compare(column, name, value, empty=match.empty)
    return [compared, *passes(condition.gate, c), *_seen(condition, column)]


def _seen(condition: Condition, column: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """Let an id match only where the viewer may see the record that it names."""
    if condition.named is None or isinstance(condition.named.gate, Open):
        return []
    named = table_of(condition.named.record.row).alias()
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


def _reader(condition: Condition, convert: Convert = lambda value: value) -> ReadGiven:
    read = reading(condition.value)
    return lambda given: convert(read(given.values))


def _list_reader(condition: Condition, convert: Convert) -> ReadGiven:
    listed = reading(condition.value)
    as_it_is = convert is _code and get_named_type(condition.type).name != "Date"

    def read(given: Given) -> object:
        values = listed(given.values)
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
