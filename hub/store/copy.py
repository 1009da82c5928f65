"""Many rows at once, through COPY. The text form is written here: adapting each value costs several times as much."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from enum import Enum
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import sql

_CHUNK_BYTES: Final = 1 << 18
_PLAIN: Final = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
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
    if value is None:
        return r"\N"
    if isinstance(value, list):
        return ("{" + ",".join([_element(part) for part in value]) + "}").translate(_PLAIN)
    return _scalar(value).translate(_PLAIN)


def _scalar(value: object) -> str:
    match value:
        case Enum():
            return str(value.value)
        case bool():
            return "t" if value else "f"
        case str():
            return value
        case int() | float() | UUID() | date():
            return str(value)
        case _:
            raise TypeError(f"no text form for {type(value).__name__}")


def _element(value: object) -> str:
    return "NULL" if value is None else '"' + _scalar(value).translate(_QUOTED) + '"'
