"""Many rows at once, through COPY. The text form is written here: adapting each value costs several times as much."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from enum import Enum
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

_CHUNK_BYTES: Final = 1 << 18
_PLAIN: Final = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_SPECIAL: Final = re.compile(r"[\\\t\n\r]")
_QUOTED: Final = str.maketrans({"\\": r"\\", '"': r"\""})


def copy_rows(
    connection: psycopg.Connection,
    table: str,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Any]],  # Any: values of every type
    *,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write rows into a table, in the caller's transaction. Defaults are the database's, not the row class's.

    Args:
        connection: writes.
        table: its name.
        columns: those the rows hold; a name a row lacks becomes NULL.
        rows: strings, numbers, booleans, days, ids, members of vocabularies, None, and lists of these.
        progress: called with how many rows have gone since the last call.

    Returns:
        How many rows were written.
    """
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(table), names)
    count = told = size = 0
    chunk: list[str] = []
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            line = "\t".join([_text(row.get(name)) for name in columns])
            chunk.append(line)
            count += 1
            size += len(line)
            if size > _CHUNK_BYTES:
                copy.write("\n".join(chunk) + "\n")
                chunk, size = [], 0
                if progress is not None:
                    progress(count - told)
                    told = count
        if chunk:
            copy.write("\n".join(chunk) + "\n")
    if progress is not None:
        progress(count - told)
    return count


def _text(value: object) -> str:
    kind = type(value)
    if kind is str:
        return _escaped(value)  # type: ignore[arg-type]  # kind says so
    return (_FORMS.get(kind) or _form(kind))(value)


def _escaped(text: str) -> str:
    return text.translate(_PLAIN) if _SPECIAL.search(text) else text


def _form(kind: type) -> Callable[[Any], str]:
    """Find how values of a kind are written, and keep it: looking at each value again costs more than writing it."""
    form: Callable[[Any], str]
    if issubclass(kind, Enum):
        form = _member
    elif issubclass(kind, int | float | UUID | date):
        form = str
    else:
        raise TypeError(f"no text form for {kind.__name__}")
    _FORMS[kind] = form
    return form


def _member(value: Enum) -> str:
    return _escaped(str(value.value))


def _list(values: list[object]) -> str:
    return _escaped("{" + ",".join([_element(value) for value in values]) + "}")


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    plain = value if type(value) is str else value.value if isinstance(value, Enum) else _text(value)
    return '"' + str(plain).translate(_QUOTED) + '"'


_FORMS: Final[dict[type, Callable[[Any], str]]] = {
    type(None): lambda _: r"\N",
    bool: lambda value: "t" if value else "f",
    list: _list,
}
