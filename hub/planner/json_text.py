"""JSON written by the database: pieces of text joined with `||`, which is faster than building json values.

Every piece is valid JSON or a marker. Markers begin with the control byte 1, which JSON never holds unescaped, so no
stored text can forge one; `finish` takes them out. An unexpected NULL would swallow a whole object: whatever may be
null is coalesced here.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from graphql import GraphQLEnumType, GraphQLList, GraphQLNonNull, GraphQLOutputType
from sqlalchemy import ColumnElement, Text, case, cast, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from hub.planner.catalogue import stored

MARK: Final = "\x01"
END: Final = "\x02"
ABOUT: Final = f"{MARK}S"
"""Begins the mark of whose data follow."""
NULL_HERE: Final = f"{MARK}!{END}"
"""Stands where the schema promises a value and the tables have none."""


DENIED: Final = f"{MARK}D{END}"
"""The whole answer, where the viewer's token is denied."""


def withheld(index: int) -> str:
    """Stand for a null that a rule left, counted under entry `index`."""
    return f"{MARK}W{index}{END}"


def released(index: int) -> str:
    """Stand before a value that the row's own rule let through, counted under field `index`; taken out whole."""
    return f"{MARK}R{index}{END}"


def about(subject: ColumnElement[Any]) -> "ColumnElement[str]":
    """Stand before an object with data of a person; taken out whole."""
    return join([ABOUT, cast(subject, Text), END])


def veiled_id(code: str, value: ColumnElement[Any]) -> "ColumnElement[str]":
    """Stand for an id that each audience reads in a form of its own."""
    return join([f"{MARK}I{code}.", cast(value, Text), END])


def code_name(value: ColumnElement[Any]) -> "ColumnElement[str]":
    """Stand for a code name, another one for each audience."""
    return join([f'"{MARK}N', cast(value, Text), f'{END}"'])


def veiled_cursor(plain: "ColumnElement[str]") -> "ColumnElement[str]":
    """Stand for a cursor that opens for its audience alone. It is plain between the marks, as JSON."""
    return join([f"{MARK}C", text(plain), END])


def wrapped_key(version: ColumnElement[Any], wrapped: ColumnElement[Any]) -> "ColumnElement[str]":
    """Write the version and the octets of a wrapped key, as parts of an envelope's mark."""
    return join([cast(version, Text), ".", base64(wrapped)])


def envelope(index: int, parts: "Iterable[ColumnElement[Any]]") -> "ColumnElement[str]":
    """Stand for what is sealed, to be opened as envelope `index`; the parts hold no dot."""
    pieces: list[str | ColumnElement[str]] = [f"{MARK}X{index}"]
    for part in parts:
        pieces += [".", part if isinstance(part.type, Text) else cast(part, Text)]
    return join([*pieces, END])


def base64(octets: ColumnElement[Any]) -> "ColumnElement[str]":
    """Write bytes in base64."""
    return func.encode(octets, Constant("base64"), type_=Text())


def missing(field: int) -> tuple[str, str]:
    """Stand for an entity that is not there; between the two parts goes its place in field number `field`."""
    return f"{MARK}E{field}.", END


class Constant(ColumnElement[str]):
    """A text written into the statement as it is. Names and JSON punctuation only, never a request's values."""

    inherit_cache = False
    type = Text()

    def __init__(self, text: str) -> None:
        self.text = text


class Joined(ColumnElement[Any]):
    """Pieces joined by `||`, flat, so that a wide object needs no deep recursion. Texts, or arrays."""

    inherit_cache = False

    def __init__(self, pieces: Sequence[ColumnElement[Any]], kind: TypeEngine[Any] | None = None) -> None:
        self.pieces = pieces
        self.type = kind or Text()


@compiles(Constant)
def _constant(element: Constant, _compiler: SQLCompiler, **_: Any) -> str:
    return f"{_quoted(element.text)}::text"


@compiles(Joined)
def _joined(element: Joined, compiler: SQLCompiler, **keywords: Any) -> str:
    pieces = [
        _quoted(piece.text) if isinstance(piece, Constant) else compiler.process(piece, **keywords)
        for piece in element.pieces
    ]
    return "(" + " || ".join(pieces) + ")"


def _quoted(text: str) -> str:
    assert "%" not in text, "the driver's templates would read it"
    quoted = text.replace("'", "''")
    if MARK in quoted or END in quoted:
        return "E'" + quoted.replace("\\", "\\\\").replace(MARK, "\\x01").replace(END, "\\x02") + "'"
    return f"'{quoted}'"


NULL: Final = Constant("null")


def join(pieces: Iterable[str | ColumnElement[str]]) -> ColumnElement[str]:
    """Join constants and expressions; neighbouring constants become one."""
    flat: list[ColumnElement[str]] = []
    for piece in pieces:
        for each in piece.pieces if isinstance(piece, Joined) else (piece,):
            this = Constant(each) if isinstance(each, str) else each
            last = flat[-1] if flat else None
            if isinstance(this, Constant) and isinstance(last, Constant):
                flat[-1] = Constant(last.text + this.text)
            else:
                flat.append(this)
    return flat[0] if len(flat) == 1 else Joined(flat)


def obj(fields: Iterable[tuple[str, ColumnElement[str]]]) -> ColumnElement[str]:
    """Write an object; names are GraphQL names and need no escaping."""
    pieces: list[str | ColumnElement[str]] = []
    for number, (name, value) in enumerate(fields):
        pieces += [f'{"," if number else "{"}"{name}":', value]
    return join([*pieces, "}"]) if pieces else Constant("{}")


def or_null(value: ColumnElement[str]) -> ColumnElement[str]:
    """Write `null` where there is nothing."""
    return func.coalesce(value, NULL)


def scalar(
    value: ColumnElement[Any], declared: GraphQLOutputType, code: str | None, *, veiled: bool = False
) -> ColumnElement[str]:
    """Write a scalar, an enum or a list of them; NULL stays NULL.

    Args:
        value: the expression.
        declared: its type in the graph, without the outer non-null mark.
        code: prefix, when it is the id of a record.
        veiled: whether that id differs from body to body.
    """
    if isinstance(declared, GraphQLList):
        return _list(value, declared)
    if isinstance(declared, GraphQLEnumType):
        return join(['"', _enum_name(value, declared), '"'])
    match declared.name:  # type: ignore[union-attr]  # a named type
        case "ID":
            assert code is not None
            return join([f'"{code}_', veiled_id(code, value) if veiled else cast(value, Text), '"'])
        case "Int" | "Float" | "Boolean":
            return cast(value, Text)
        case "Date" | "PartialDate":
            return join(['"', cast(value, Text), '"'])
        case "DateTime":
            moment = func.to_char(func.timezone("UTC", value), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
            return join(['"', moment, '"'])
        case _:
            return text(value)


def _enum_name(value: ColumnElement[Any], declared: GraphQLEnumType) -> ColumnElement[str]:
    codes = stored(declared)
    plain = cast(value, Text)
    if all(name == code.upper() for name, code in codes.items()):
        return func.upper(plain)
    return case({code: Constant(name) for name, code in codes.items()}, value=plain)


def _list(value: ColumnElement[Any], declared: GraphQLList[Any]) -> ColumnElement[str]:
    item = declared.of_type.of_type if isinstance(declared.of_type, GraphQLNonNull) else declared.of_type
    if not isinstance(item, GraphQLEnumType):
        return cast(func.array_to_json(cast(value, ARRAY(Text()))), Text)
    assert all(name == code.upper() for name, code in stored(item).items()), "lists of such enums are not written yet"
    # Codes need no escaping, and array_to_json asks for the type of each.
    names = join(['["', func.upper(func.array_to_string(value, Constant('","'))), '"]'])
    return case((func.cardinality(value) == 0, Constant("[]")), else_=names)


def text(value: ColumnElement[Any]) -> ColumnElement[str]:
    """Write a text; NULL stays NULL."""
    return cast(func.to_json(value if isinstance(value.type, Text) else cast(value, Text)), Text)
