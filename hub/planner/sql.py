"""The one place where SQL becomes text: PostgreSQL with `$n` parameters; values known beforehand are written out."""

from typing import Any

from sqlalchemy import BindParameter, Select
from sqlalchemy.dialects.postgresql.asyncpg import PGCompiler_asyncpg, PGDialect_asyncpg


class _Compiler(PGCompiler_asyncpg):
    """Writes constants of declarations into the text, so that generic plans see them."""

    def visit_bindparam(self, bindparam: BindParameter[Any], *arguments: Any, **keywords: Any) -> str:
        if not bindparam.required:
            keywords["literal_binds"] = True
        return str(super().visit_bindparam(bindparam, *arguments, **keywords))  # type: ignore[no-untyped-call]  # as above


class _Dialect(PGDialect_asyncpg):
    """PostgreSQL as asyncpg speaks it."""

    statement_compiler = _Compiler
    supports_statement_cache = False


_DIALECT = _Dialect()  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy


def text_of(statement: Select[Any]) -> tuple[str, list[str]]:
    """Write a statement out.

    Returns:
        the SQL, and the names of its parameters in order of their numbers.
    """
    compiled = statement.compile(dialect=_DIALECT)
    return str(compiled), list(compiled.positiontup or ())
