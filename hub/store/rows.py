"""The tables behind the row classes, for who writes with Core: quicker than the session, and it hides nothing."""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeAlias

from sqlmodel import SQLModel

from schema.tables.base import table_of
from schema.text import fold

Values: TypeAlias = Mapping[str, Any]  # Any: a row's values are of every type


def columns(row: type[SQLModel]) -> Any:  # a column collection answers to any name
    """Give the columns of a row class."""
    return table_of(row).c


def with_keys(row: type[SQLModel], values: Values) -> dict[str, Any]:
    """Add the folded forms the table keeps beside its texts."""
    full = dict(values)
    for key, source in keys(row):
        text = values.get(source)
        full[key] = None if text is None else fold(text)
    return full


@cache
def keys(row: type[SQLModel]) -> tuple[tuple[str, str], ...]:
    """Name the folded columns of a row class, each with the column it folds."""
    names = (column.name for column in table_of(row).c)
    return tuple((name, name.removesuffix("_key")) for name in names if name.endswith("_key"))
