"""Pages by key: a window of rows between cursors, written with what is asked of them.

A row's cursor holds the keys of the order and the row's id, so that a page begins where the last one ended however the
table changed in between. Source: Relay cursor connections.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sqlalchemy import (
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Select,
    String,
    Text,
    Uuid,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.types import TypeEngine

from hub.planner import json_text
from hub.planner.bind import CursorForm, ReadSent, Request, Sent, cursor_key, veiled_cursor_key
from hub.planner.build import check_size
from hub.planner.ir import Argument, Paged, PagePart, Rows, reading
from hub.planner.json_text import Constant, join, obj
from hub.planner.reach import Noting, note
from hub.planner.rules import holds, passes, settled
from hub.planner.scope import Scope, array, subquery
from schema.tables.base import rows_of

if TYPE_CHECKING:
    from hub.planner.lower import Lowering

COUNT_MOST: Final = 10_000
_TRUE, _FALSE = Constant("true"), Constant("false")
_KINDS: Final[dict[type, TypeEngine[Any]]] = {int: Integer(), str: String(), datetime: DateTime(timezone=True)}
"""Types of keys, as cursors hold them."""
Bound: TypeAlias = list[ColumnElement[Any]]
"""The keys of a cursor."""


def lower_page(lowering: "Lowering", node: Paged, scope: Scope) -> ColumnElement[str]:
    """Write a connection over the rows in scope."""
    return _PageLowering(lowering, node, scope).written()


class _PageLowering:
    """Lowers one connection."""

    def __init__(self, lowering: "Lowering", node: Paged, scope: Scope) -> None:
        self.lowering = lowering
        self.node = node
        self.scope = scope
        parameters = lowering.parameters
        self.size = parameters.add("size", Integer(), _size_reader(node.size))
        self.facts = {} if node.source.union else dict(filter(None, map(settled, node.conditions)))
        self.rows = self._open()
        self.keys = self._keys(self.rows)
        self.form = CursorForm(node.tag, tuple(map(_kind, self.keys[:-1])))
        self.after = self._bound(node.after)
        self.before = self._bound(node.before)
        for condition in node.conditions:
            # Asked of no row it may be, yet what makes no sense is refused.
            holds(condition, self.rows.c, parameters)

    # ---- Rows --------------------------------------------------------------------------------------------------------

    @property
    def _veiled(self) -> bool:
        """Whether the rows' ids, and so their cursors, differ from body to body."""
        return any(rows.record.veiled for rows in self.node.choices)

    def _open(self) -> Scope:
        union = self.node.source.union
        record = self.node.choices[0].record
        table: FromClause = union.rows if union else rows_of(record.row)
        name = "row" if union else self.node.choices[0].type_name
        return Scope(self.lowering.alias(table, name), self.scope.around, facts=self.facts)

    def _where(self, rows: Scope) -> list[ColumnElement[bool]]:
        """Give all that a row must satisfy, cursors aside: join, rules, filters.

        What a filter settles is known of the rows that it lets through; that filter itself is asked of each, knowing
        only what those before it settled: two that took each other for granted would let through what neither does.
        """
        node = self.node
        assert rows.alias is not None
        where = [] if node.source.on is None else [node.source.on(self.scope.here, rows.alias.c)]
        where += self._visible(rows)
        where += passes(node.order_gate, rows.alias.c)
        before: dict[str, object] = {}
        for condition in node.conditions:
            fact = settled(condition)
            asked = Scope(rows.alias, facts=before) if fact else rows
            where += holds(condition, asked.c, self.lowering.parameters)
            if fact:
                before = dict([*before.items(), fact])
        return where

    def _visible(self, rows: Scope) -> list[ColumnElement[bool]]:
        if self.node.source.union is None:
            return passes(self.node.choices[0].gate, rows.c)
        return [or_(false(), *(self._visible_as(each, rows) for each in self.node.choices))]

    def _visible_as(self, choice: Rows, rows: Scope) -> ColumnElement[bool]:
        """Test a row of a union by the rule of the record it stands for."""
        this: ColumnElement[bool] = rows.c.kind == literal_column(f"'{choice.record.code}'", Text())
        inner, rules = self.lowering.rows(choice, rows)
        if not rules:
            return this
        assert inner.alias is not None
        stands = select(1).select_from(inner.alias).where(inner.c.id == rows.c.id, *rules).correlate(*rows.around)
        return and_(this, exists(stands))

    def _keys(self, rows: Scope) -> list[ColumnElement[Any]]:
        return [*self.node.ordering.keys(rows.c), rows.c.id]

    def _bound(self, cursor: Argument | None) -> Bound | None:
        if cursor is None:
            return None
        columns = [*(_KINDS[kind] for kind in self.form.kinds), Uuid()]
        return [self._key(cursor, index, kind) for index, kind in enumerate(columns)]

    def _key(self, cursor: Argument, index: int, column: TypeEngine[Any]) -> ColumnElement[Any]:
        """Take up one key of a cursor; that of a veiled one depends on who asks."""
        form, sent = self.form, reading(cursor)

        def read(given: Sent) -> object:
            return cursor_key(given, sent(given.values), form, index)

        def read_veiled(request: Request) -> object:
            return veiled_cursor_key(request, sent(request.values), form, index)

        if self._veiled:
            return self.lowering.parameters.add_moving("cursor", column, read_veiled)
        return self.lowering.parameters.add("cursor", column, read)

    def _past(self, keys: list[ColumnElement[Any]], bound: Bound, *, behind: bool) -> ColumnElement[bool]:
        """Test that a row stands strictly behind a cursor, or before it, in the order asked for."""
        left, right = tuple_(*keys), tuple_(*bound)
        return left > right if behind != self.node.descending else left < right

    def _window(self) -> list[ColumnElement[bool]]:
        bounds = (self.after, True), (self.before, False)
        return [self._past(self.keys, bound, behind=behind) for bound, behind in bounds if bound]

    def _sorted(self) -> list[ColumnElement[Any]]:
        """Order as the rows are taken: backward pages are taken from their end."""
        downward = self.node.descending != self.node.backward
        return [key.desc() if downward else key.asc() for key in self.keys]

    def _taken(self, *columns: ColumnElement[Any]) -> Select[Any]:
        assert self.rows.alias is not None
        return (
            select(*columns)
            .select_from(self.rows.alias)
            .where(and_(true(), *self._where(self.rows), *self._window()))
            .order_by(*self._sorted())
            .correlate(*self.rows.around[:-1])
        )

    # ---- What is written ---------------------------------------------------------------------------------------------

    def written(self) -> ColumnElement[str]:
        """Write the connection."""
        lists = [part for part in self.node.parts if part.kind in {"nodes", "edges"}]
        alone = not lists or (len(lists) == 1 and not self.node.backward)
        if alone and not self._needs_page_info():
            return obj((part.response, self._without_page_info(part)) for part in self.node.parts)
        return self._with_page_info(lists)

    def _page_info_fields(self) -> set[str]:
        return {inner.kind for part in self.node.parts if part.kind == "pageInfo" for inner in part.parts}

    def _needs_page_info(self) -> bool:
        mine = "hasPreviousPage" if self.node.backward else "hasNextPage"
        return bool(self._page_info_fields() & {mine, "startCursor", "endCursor"})

    def _without_page_info(self, part: PagePart) -> ColumnElement[str]:
        match part.kind:
            case "nodes" | "edges":
                return array(self._taken(self._row(part, self.rows)).limit(self.size))
            case "pageInfo":
                return obj((inner.response, self._page_info(inner, None)) for inner in part.parts)
            case _:
                return self._rest(part)

    def _with_page_info(self, lists: list[PagePart]) -> ColumnElement[str]:
        """Write the connection over its rows, numbered as they were taken, with their cursors.

        The rows are taken first, so that numbering and writing touch no others. They keep their order on the way, which
        spares sorting what was written; backward pages are turned round when they are put together.
        """
        info = self._page_info_fields()
        more = ("hasPreviousPage" if self.node.backward else "hasNextPage") in info
        cursors = bool(info & {"startCursor", "endCursor"}) or any(
            inner.kind == "cursor" for part in lists for inner in part.parts
        )
        limit = self.size + 1 if more else self.size
        taken = self._taken(*self._reached(lists, cursors=cursors)).limit(limit).subquery(self.lowering.name("taken"))
        extra = [func.row_number().over().label("page_n")]
        if "endCursor" in info or "startCursor" in info:
            extra.append(func.count().over().label("page_rows"))
        if cursors:
            extra.append(self._cursor(Scope(taken, facts=self.facts)).label("page_cursor"))
        numbered = select(*taken.c, *extra).select_from(taken).subquery(self.lowering.name("page"))
        rows = Scope(numbered, self.scope.around, facts=self.facts)

        def write(part: PagePart) -> ColumnElement[str]:
            if part.kind in {"nodes", "edges"}:
                written = self._row(part, rows, numbered.c.get("page_cursor"))
                comma: Any = Constant(",")
                if self.node.backward:
                    comma = aggregate_order_by(comma, numbered.c.page_n.desc())
                listed = func.string_agg(written, comma)
                # What is filtered out is not written, however much stands beneath it.
                kept = listed.filter(numbered.c.page_n <= self.size) if more else listed
                return join(["[", func.coalesce(kept, Constant("")), "]"])
            if part.kind == "pageInfo":
                return obj((inner.response, self._page_info(inner, numbered)) for inner in part.parts)
            return self._rest(part)

        whole = obj([(part.response, write(part)) for part in self.node.parts])
        return select(whole).select_from(numbered).correlate(*self.scope.around).scalar_subquery()

    def _reached(self, lists: list[PagePart], *, cursors: bool) -> list[ColumnElement[Any]]:
        """Give the columns of the rows that what is written reaches for; no other leaves the table."""
        assert self.rows.alias is not None
        columns = Noting(self.rows.alias.c, self.facts)
        if self.node.source.union is not None:
            columns["kind"]
            columns["id"]
        else:
            nodes = [part if part.kind == "nodes" else inner for part in lists for inner in (part.parts or (part,))]
            note((choice.obj for part in nodes for choice in part.choices), columns)
        if cursors:
            columns["id"]
            self.node.ordering.keys(columns.all)
        return [self.rows.alias.c[name] for name in columns.noted] or [self.rows.alias.c.id]

    def _rest(self, part: PagePart) -> ColumnElement[str]:
        if part.kind == "typename":
            return Constant(f'"{part.typename}"')
        assert part.kind == "totalCount"
        rows = self._open()
        assert rows.alias is not None
        seen = (
            select(literal_column("1"))
            .select_from(rows.alias)
            .where(and_(true(), *self._where(rows)))
            .limit(COUNT_MOST + 1)
            .correlate(*rows.around[:-1])
            .subquery("seen")
        )
        total = case((func.count() > COUNT_MOST, Constant("null")), else_=cast(func.count(), Text))
        return select(total).select_from(seen).scalar_subquery()

    # ---- Rows and cursors --------------------------------------------------------------------------------------------

    def _row(self, part: PagePart, rows: Scope, cursor: ColumnElement[str] | None = None) -> ColumnElement[str]:
        if part.kind == "nodes":
            return self._node(part, rows)
        return obj((inner.response, self._edge(inner, rows, cursor)) for inner in part.parts)

    def _edge(self, part: PagePart, rows: Scope, cursor: ColumnElement[str] | None) -> ColumnElement[str]:
        match part.kind:
            case "node":
                return self._node(part, rows)
            case "cursor":
                return self._cursor(rows) if cursor is None else cursor
            case _:
                return Constant(f'"{part.typename}"')

    def _node(self, part: PagePart, rows: Scope) -> ColumnElement[str]:
        if self.node.source.union is None:
            return self.lowering.object(part.choices[0].obj, rows)
        found = {}
        for choice in part.choices:
            inner, rules = self.lowering.rows(choice.rows, rows)
            row = self.lowering.object(choice.obj, inner)
            found[choice.rows.record.code] = subquery(row, inner, [inner.c.id == rows.c.id, *rules])
        return func.coalesce(case(found, value=rows.c.kind), Constant(json_text.NULL_HERE))

    def _cursor(self, rows: Scope) -> ColumnElement[str]:
        """Write a row's cursor, as `CursorForm` has it."""
        *keys, row = map(_written, self._keys(rows))
        pieces: list[str | ColumnElement[str]] = [self.form.tag]
        for place, (key, kind) in enumerate(zip(keys, self.form.kinds, strict=True), 1):
            if kind is int:
                pieces += [key, ":"]
            elif place < len(keys):
                pieces += [cast(func.length(key), Text), ":", key]
            else:
                pieces.append(key)
        plain = join([*pieces, row])
        return json_text.veiled_cursor(plain) if self._veiled else json_text.text(plain)

    def _page_info(self, part: PagePart, page: Any) -> ColumnElement[str]:
        backward = self.node.backward
        match part.kind:
            case "typename":
                return Constant(f'"{part.typename}"')
            case "hasNextPage" | "hasPreviousPage" as kind:
                return self._more(behind=kind == "hasNextPage")
            case "startCursor" | "endCursor" as kind:
                at_first = (kind == "startCursor") != backward
                place = 1 if at_first else func.least(page.c.page_rows, self.size)
                return json_text.or_null(func.min(page.c.page_cursor).filter(page.c.page_n == place))
            case kind:
                raise AssertionError(f"PageInfo has no {kind}")

    def _more(self, *, behind: bool) -> ColumnElement[str]:
        """Tell whether there are rows on this side: left over in the window, or on the far side of the cursor there."""
        more: list[ColumnElement[bool]] = []
        if behind != self.node.backward:
            more.append(func.count() > self.size)
        bound = self.before if behind else self.after
        if bound is not None:
            more.append(self._stands(bound, behind=behind))
        return cast(or_(*more), Text) if more else _FALSE

    def _stands(self, bound: Bound, *, behind: bool) -> ColumnElement[bool]:
        """Test that a row which matches stands at a cursor or on its far side."""
        rows = self._open()
        assert rows.alias is not None
        beyond = not_(self._past(self._keys(rows), bound, behind=not behind))
        stands = select(1).select_from(rows.alias).where(*self._where(rows), beyond).correlate(*rows.around[:-1])
        return exists(stands)


def _kind(key: ColumnElement[Any]) -> type:
    return next((kind for kind in (int, datetime) if isinstance(key.type, type(_KINDS[kind]))), str)


def _written(key: ColumnElement[Any]) -> ColumnElement[str]:
    """Write one key of a cursor."""
    return cast(func.timezone("UTC", key) if _kind(key) is datetime else key, Text)


def _size_reader(size: Argument) -> ReadSent:
    sent = reading(size)

    def read(given: Sent) -> object:
        value = sent(given.values)
        check_size(value)
        return value

    return read
