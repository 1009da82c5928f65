"""Bounds on a document, checked on its syntax before validation: what is too large is never looked at closely.

A definition is walked as the planner will read it: fragments written out, fields of one response name merged. The walk
stops at the first bound, so a kilobyte of nested fragments takes microseconds, not seconds. Validation compares fields
of one response name two by two, and fragments of one selection too; those pairs are counted here, as their number grows
with the square of the text.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from hub.planner.refused import OperationRefused

PAGE_MOST: Final = 100
"""Rows of one page."""
VALUES_MOST: Final = 1_000
"""In one list, and in all variables that have to be looked at closely."""
_SCHEMA_READERS: Final = frozenset({"__schema", "__type", "_service"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an operation may be at most.

    The first three bound the parser, the rest but `statement` and `cost` the validator and the planner; those two are
    looked at when the plan is known. At the server a statement takes memory more than in proportion to its characters;
    the largest we have met has 19,000. The largest operation we have met has 250 tokens and 84 fields, introspection
    165 and 220.
    The last three are of all that a client asks. The door holds them; here they are to be told.
    """

    characters: int = 30_000
    lines: int = 2_000
    tokens: int = 1_000
    definitions: int = 50
    depth: int = 20
    fields: int = 250
    aliases: int = 15
    pairs: int = 1_000
    schema_readers: int = 3
    statement: int = 100_000
    cost: int = 5_000
    cost_per_window: int = 100_000
    window_seconds: int = 60
    at_once: int = 50


def check_length(text: str, limits: Limits) -> None:
    """Refuse a text that would take long to read. Lines count too: each error looks for its own from the beginning.

    Raises:
        OperationRefused: DOCUMENT_TOO_LONG.
    """
    _hold("DOCUMENT_TOO_LONG", "characters", len(text), limits.characters)
    _hold("DOCUMENT_TOO_LONG", "lines", text.count("\n") + text.count("\r"), limits.lines)


def check(document: DocumentNode, limits: Limits) -> None:
    """Refuse a document whose definitions are too many, too deep or too wide.

    Raises:
        OperationRefused: TOO_MANY_DEFINITIONS, TOO_DEEP, TOO_MANY_FIELDS, TOO_MANY_ALIASES, TOO_MANY_REPEATS or
            TOO_MUCH_INTROSPECTION, with the limit.
    """
    _hold("TOO_MANY_DEFINITIONS", "definitions", len(document.definitions), limits.definitions)
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    pairs = 0
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode):
            walk = _Walk(limits, fragments, pairs)
            walk.level([node.selection_set], 1)
            pairs = walk.pairs


def check_values(given: Iterable[Any]) -> None:
    """Refuse variables that hold too many values, at whatever depth.

    Raises:
        OperationRefused: TOO_MANY_VALUES.
    """
    seen = 0
    waiting = list(given)
    while waiting:
        value = waiting.pop()
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        seen += len(inner)
        if seen > VALUES_MOST:
            message = f"The variables hold more than {VALUES_MOST} values."
            raise OperationRefused("TOO_MANY_VALUES", message, limit=VALUES_MOST)
        waiting.extend(inner)


class _Walk:
    """What was counted so far of one definition; pairs add up over all of them."""

    def __init__(self, limits: Limits, fragments: Mapping[str, FragmentDefinitionNode], pairs: int) -> None:
        self.limits = limits
        self.fragments = fragments
        self.fields = 0
        self.aliases = 0
        self.schema_readers = 0
        self.pairs = pairs

    def level(self, sets: Iterable[SelectionSetNode], depth: int) -> None:
        """Count selections that make up one object, then all below."""
        _hold("TOO_DEEP", "levels", depth, self.limits.depth)
        merged: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for each in sets:
            self._gather(each, merged, seen)
        for nodes in merged.values():
            below = [node.selection_set for node in nodes if node.selection_set]
            if below:
                self.level(below, depth + 1)

    def _gather(self, selection: SelectionSetNode, merged: dict[str, list[FieldNode]], seen: set[str]) -> None:
        for node in selection.selections:
            if isinstance(node, FieldNode):
                self._count(node, merged)
            elif isinstance(node, InlineFragmentNode):
                self._gather(node.selection_set, merged, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                self._pair(len(seen))
                seen.add(node.name.value)
                if node.name.value in self.fragments:
                    self._gather(self.fragments[node.name.value].selection_set, merged, seen)

    def _count(self, node: FieldNode, merged: dict[str, list[FieldNode]]) -> None:
        same = merged.setdefault(node.alias.value if node.alias else node.name.value, [])
        self._pair(len(same))
        if not same:
            self.fields += 1
            _hold("TOO_MANY_FIELDS", "fields", self.fields, self.limits.fields)
        if node.alias:
            self.aliases += 1
            _hold("TOO_MANY_ALIASES", "aliases", self.aliases, self.limits.aliases)
        if node.name.value in _SCHEMA_READERS:
            self.schema_readers += 1
            _hold("TOO_MUCH_INTROSPECTION", "readings of the schema", self.schema_readers, self.limits.schema_readers)
        same.append(node)

    def _pair(self, others: int) -> None:
        self.pairs += others
        _hold("TOO_MANY_REPEATS", "pairs of fields or fragments to compare", self.pairs, self.limits.pairs)


def _hold(code: str, what: str, size: int, limit: int) -> None:
    if size > limit:
        raise OperationRefused(code, f"The operation has more than {limit} {what}.", limit=limit)
