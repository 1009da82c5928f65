"""A row in reach while SQL is written, and the sub-queries that open more of them."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, func, select, true

from hub.planner.json_text import Constant, join
from schema.source import Narrowed


class Scope:
    """A row in reach: its columns, the parts an embedding field named, and the rows around it."""

    def __init__(
        self,
        alias: FromClause | None,
        outer: tuple[FromClause, ...] = (),
        parts: Mapping[str, Any] | None = None,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        self.alias = alias
        self.around = (*outer, alias) if alias is not None else outer
        self.parts = parts
        self.facts = facts or {}

    @property
    def c(self) -> Any:
        """The columns of the row, with what is known of it."""
        assert self.alias is not None
        return Narrowed(self.alias.c, self.facts) if self.facts else self.alias.c

    @property
    def here(self) -> Any:
        """What a join sees of this row."""
        if self.parts is not None:
            return SimpleNamespace(**self.parts)
        return self.c if self.alias is not None else None

    def part(self, name: str) -> ColumnElement[Any]:
        """Find a part; a row without named parts has its columns for parts."""
        part: ColumnElement[Any] = self.parts[name] if self.parts is not None else self.c[name]
        return part


def chosen(item: ColumnElement[str], scope: Scope, where: list[ColumnElement[bool]]) -> Select[Any]:
    """Select written rows, correlated with the rows around them."""
    assert scope.alias is not None
    return select(item).select_from(scope.alias).where(and_(true(), *where)).correlate(*scope.around[:-1])


def subquery(item: ColumnElement[str], scope: Scope, where: list[ColumnElement[bool]]) -> ColumnElement[Any]:
    """Select one written row."""
    return chosen(item, scope, where).scalar_subquery()


def array(rows: Select[Any]) -> ColumnElement[str]:
    """Write the rows of a selection as a JSON array, in its order."""
    return join(["[", func.array_to_string(func.array(rows.scalar_subquery()), Constant(",")), "]"])
