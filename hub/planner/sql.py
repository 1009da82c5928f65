"""The one place where SQL becomes text: PostgreSQL with `$n` parameters; values known beforehand are written out."""

import re
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import BindParameter, Select
from sqlalchemy.dialects.postgresql.asyncpg import PGCompiler_asyncpg, PGDialect_asyncpg

SETTLED: Final = "settled"


class _Compiler(PGCompiler_asyncpg):
    """Writes constants of declarations and what the profile settles into the text, so that generic plans see them."""

    def visit_bindparam(self, bindparam: BindParameter[Any], *arguments: Any, **keywords: Any) -> str:
        settled = keywords.get(SETTLED, {})
        if bindparam.required and bindparam.key in settled:
            return _constant(settled[bindparam.key])
        if not bindparam.required:
            keywords["literal_binds"] = True
        return str(super().visit_bindparam(bindparam, *arguments, **keywords))  # type: ignore[no-untyped-call]  # as above


class _Dialect(PGDialect_asyncpg):
    """PostgreSQL as asyncpg speaks it."""

    statement_compiler = _Compiler
    supports_statement_cache = False


_DIALECT = _Dialect()  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy


def _constant(value: str | bool | None) -> str:
    if value is None:
        return "NULL::text"
    if isinstance(value, bool):
        return "true" if value else "false"
    assert re.fullmatch(r"[a-z_]+", value), "a word of a vocabulary"
    return f"'{value}'::text"


def text_of(statement: Select[Any], settled: Mapping[str, str | bool | None]) -> tuple[str, list[str]]:
    """Write a statement out.

    Args:
        statement: as a tree.
        settled: parameters whose value is part of the plan, by name.

    Returns:
        the SQL, and the names of its parameters in order of their numbers.
    """
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={SETTLED: settled})
    return str(compiled), list(compiled.positiontup or ())
