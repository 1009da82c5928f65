"""The last touch on the database's text: markers out, counts in. An answer without markers passes untouched.

Where data of persons are in it, ids and cursors become those of the viewer, and what was sealed is opened and cut to
the fields that were asked for. Nothing sealed gets here that its rule did not release.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from graphql import GraphQLEnumType, GraphQLError, GraphQLList, GraphQLOutputType, GraphQLScalarType, get_nullable_type

from hub.planner import json_text
from hub.planner.catalogue import stored
from hub.planner.ir import Content, Envelope, Node, Nothing, Obj, Text, Withheld

MARK: Final = json_text.MARK.encode()
END: Final = json_text.END.encode()


class PromiseBroken(Exception):  # a bug in the data or a declaration, never an answer
    """A field that is never null had no value."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The data as JSON, which entities were not found (field and index), and how often each rule withheld a value."""

    data: bytes
    missing: tuple[tuple[int, int], ...]
    counts: Mapping[int, int]


class Hands(Protocol):
    """What turns the marks of one answer about persons into what its viewer reads."""

    def id(self, code: str, internal: bytes) -> str:
        """Give the id under which the viewer knows a record."""
        ...

    def code_name(self, internal: bytes) -> str:
        """Give the name by which the viewer speaks of a record."""
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
    before, *marked = text.split(MARK)
    if not marked:
        return Finished(text, (), {})
    missing: list[tuple[int, int]] = []
    counts: dict[int, int] = {}
    written = [before]
    for piece in marked:
        rest, _, behind = piece.partition(END)
        # The most frequent first.
        match rest[:1]:
            case b"S" | b"R":
                pass
            case b"W":
                entry = int(rest[1:])
                counts[entry] = counts.get(entry, 0) + 1
                written.append(b"null")
            case b"I":
                assert hands is not None
                code, _, internal = rest[1:].partition(b".")
                written.append(hands.id(code.decode(), internal).encode())
            case b"N":
                assert hands is not None
                written.append(hands.code_name(rest[1:]).encode())
            case b"C":
                assert hands is not None
                written.append(b'"%b"' % hands.cursor(json.loads(rest[1:])).encode())
            case b"X":
                assert hands is not None
                first, *parts = rest[1:].split(b".")
                number = int(first)
                opened = hands.open(number, parts)
                if opened is None:
                    counts[sealed[number]] = counts.get(sealed[number], 0) + 1
                written.append(b"null" if opened is None else opened)
            case b"E":
                field, _, place = rest[1:].partition(b".")
                missing.append((int(field), int(place) - 1))
                written.append(b"null")
            case b"!":
                raise PromiseBroken
            case _:
                raise AssertionError("no such mark")
        written.append(behind)
    return Finished(b"".join(written), tuple(missing), counts)


Write = Callable[[Mapping[str, Any]], Any]
"""Gives what a field shows of what was sealed; what is not recorded is null."""
_Fit = Callable[[Any], Any]


def writer(envelope: Envelope) -> Write:
    """Settle once for a plan what a field shows of an envelope: all that is asked for, or the one value it cuts."""
    cut, fit = envelope.source.cut, _fitting(envelope.type, envelope.obj)
    return fit if cut is None else lambda content: fit(cut(content))


def _object(obj: Obj) -> _Fit:
    fields = [(field.response, *_source(field.node)) for field in obj.fields]

    def cut(value: Any) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            return None
        return {response: fit(value.get(name)) for response, name, fit in fields}

    return cut


def _source(node: Node) -> tuple[str, _Fit]:
    match node:
        case Text(json=text):
            known = json.loads(text)
            return "", lambda _: known
        case Content(source=source, type=declared, obj=inner):
            return source.name, _fitting(declared, inner)
        case Nothing():
            return "", lambda _: None
        case _:
            raise AssertionError("only what is sealed stands within an envelope")


def _fitting(declared: GraphQLOutputType, inner: Obj | None) -> _Fit:
    """Show a value as its type has it. What a partner wrote may fit none: that is null, and none of a list."""
    match get_nullable_type(declared):
        case GraphQLList(of_type=of_type):
            fit = _fitting(of_type, inner)
            return lambda value: (
                [one for one in map(fit, value) if one is not None] if isinstance(value, list) else None
            )
        case GraphQLEnumType() as words:
            names = {code: name for name, code in stored(words).items()}
            return lambda value: names.get(value) if isinstance(value, str) else None
        case GraphQLScalarType(name="Boolean"):
            return lambda value: value if isinstance(value, bool) else None
        case GraphQLScalarType(name="Int"):
            return lambda value: value if isinstance(value, int) and not isinstance(value, bool) else None
        case GraphQLScalarType(parse_value=parse):
            return lambda value: value if isinstance(value, str) and _parses(parse, value) else None
        case _:
            assert inner is not None
            return _object(inner)


def _parses(parse: Callable[[Any], object], text: str) -> bool:
    try:
        parse(text)
    except (ValueError, GraphQLError):
        return False
    return True


def withheld_json(entries: Sequence[Withheld], counts: Mapping[int, int]) -> str:
    """Write `extensions.withheld`; empty when nothing was kept back."""
    if not counts and all(entry.by_row for entry in entries):
        return ""
    told = []
    for number, entry in enumerate(entries):
        count = counts.get(number, 0)
        if count or not entry.by_row:
            told.append(f'{entry.json},"count":{count}}}' if entry.by_row else f"{entry.json}}}")
    return f"[{','.join(told)}]" if told else ""
