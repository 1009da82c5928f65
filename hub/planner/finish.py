"""The last touch on the database's text: markers out, counts in. An answer without markers passes untouched.

Where data of persons are in it, ids and cursors become those of the viewer, and what was sealed is opened and cut to
the fields that were asked for. Nothing sealed gets here that its rule did not release.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from graphql import GraphQLEnumType, GraphQLList, GraphQLOutputType, GraphQLScalarType, get_nullable_type

from hub.planner.catalogue import stored
from hub.planner.ir import Content, Node, Nothing, Obj, Text, Withheld

_KINDS: Final = {"Int": int, "Boolean": bool}
"""Scalars within what is sealed that are no strings."""
_MARKER: Final = re.compile(rb"\x01([A-Z!])([^\x02]*)\x02")


class PromiseBroken(Exception):  # a bug in the data or a declaration, never an answer
    """A field that is never null had no value."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The data as JSON, which entities were not found (field and index), and how often each rule withheld a value."""

    data: bytes
    missing: tuple[tuple[int, int], ...]
    counts: Counter[int]


class Hands(Protocol):
    """What turns the marks of one answer about persons into what its viewer reads."""

    def id(self, code: str, internal: UUID) -> str:
        """Give the id under which the viewer knows a record."""
        ...

    def cursor(self, plain: str) -> str:
        """Seal a cursor for the viewer."""
        ...

    def open(self, number: int, parts: Sequence[bytes]) -> bytes | None:
        """Open an envelope and write what was asked of it; None when it does not open."""
        ...


def finish(text: bytes, hands: Hands | None = None, sealed: Sequence[int] = ()) -> Finished:
    """Take the markers out.

    Args:
        text: of the database.
        hands: for answers with data of persons.
        sealed: for each envelope of the plan the entry of `withheld` that is counted where it does not open.

    Raises:
        PromiseBroken: when a value is missing that the schema promises.
    """
    if b"\x01" not in text:
        return Finished(text, (), Counter())
    missing: list[tuple[int, int]] = []
    counts: Counter[int] = Counter()

    def replace(found: re.Match[bytes]) -> bytes:
        kind, rest = found[1], found[2]
        match kind:
            case b"W":
                counts[int(rest)] += 1
                return b"null"
            case b"E":
                field, _, place = rest.partition(b".")
                missing.append((int(field), int(place) - 1))
                return b"null"
            case b"S" | b"R":
                return b""
            case b"!":
                raise PromiseBroken
        assert hands is not None
        match kind:
            case b"I":
                code, _, internal = rest.decode().partition(".")
                return hands.id(code, UUID(internal)).encode()
            case b"C":
                return b'"%b"' % hands.cursor(json.loads(rest)).encode()
            case _:
                number, *parts = rest.split(b".")
                written = hands.open(int(number), parts)
                if written is None:
                    counts[sealed[int(number)]] += 1
                    return b"null"
                return written

    return Finished(_MARKER.sub(replace, text), tuple(missing), counts)


def write(obj: Obj, content: Mapping[str, Any]) -> dict[str, Any]:
    """Cut what was sealed to the fields asked for; what is not recorded is null."""
    return {field.response: _value(field.node, content) for field in obj.fields}


def _value(node: Node, content: Mapping[str, Any]) -> Any:
    match node:
        case Text(json=text):
            return json.loads(text)
        case Content(source=source, type=declared, obj=inner):
            return _fitting(content.get(source.name), declared, inner)
        case Nothing():
            return None
        case _:
            raise AssertionError("only what is sealed stands within an envelope")


def _fitting(value: Any, declared: GraphQLOutputType, inner: Obj | None) -> Any:
    """Show a value as its type has it. What a partner wrote may fit none: that is null, and none of a list."""
    match get_nullable_type(declared):
        case GraphQLList(of_type=of_type):
            each = [_fitting(one, of_type, inner) for one in value] if _is(value, list) else None
            return None if each is None else [one for one in each if one is not None]
        case GraphQLEnumType() as words:
            names = {code: name for name, code in stored(words).items()}
            return names.get(value) if _is(value, str) else None
        case GraphQLScalarType(name=name):
            return value if _is(value, _KINDS.get(name, str)) else None
        case _:
            assert inner is not None
            return write(inner, value) if _is(value, dict) else None


def _is(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def withheld_json(entries: Sequence[Withheld], counts: Counter[int]) -> str:
    """Write `extensions.withheld`; empty when nothing was kept back."""
    told: list[dict[str, object]] = []
    for number, entry in enumerate(entries):
        if entry.by_row and not counts[number]:
            continue
        told.append({"path": list(entry.path), "category": entry.category, "code": entry.code})
        if entry.by_row:
            told[-1]["count"] = counts[number]
    return json.dumps(told) if told else ""
