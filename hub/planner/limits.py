"""Bounds on a document, checked on its syntax before validation: what is too large is never looked at closely.

Every fragment is measured once and its measure reused, so that a kilobyte of nested fragments takes microseconds, not
seconds. Numbers may grow without bound; Python's integers do not mind.
"""

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an operation may be at most. `tokens` bounds the parser; `cost` is looked at when the plan is known."""

    tokens: int = 2_000
    depth: int = 20
    fields: int = 1_500
    aliases: int = 100
    cost: int = 5_000


@dataclass(frozen=True, slots=True)
class Size:
    """How deep a selection goes and how many fields and aliases it has with all fragments written out."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0


def check(document: DocumentNode, limits: Limits) -> None:
    """Refuse a document whose operations are too deep or too wide.

    Raises:
        OperationRefused: TOO_DEEP, TOO_MANY_FIELDS or TOO_MANY_ALIASES, with the limit.
    """
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    measured: dict[str, Size] = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            size = _measure(node.selection_set, fragments, measured)
            _hold("TOO_DEEP", "levels", size.depth, limits.depth)
            _hold("TOO_MANY_FIELDS", "fields", size.fields, limits.fields)
            _hold("TOO_MANY_ALIASES", "aliases", size.aliases, limits.aliases)


def _hold(code: str, what: str, size: int, limit: int) -> None:
    if size > limit:
        raise OperationRefused(code, f"The operation has more than {limit} {what}.", limit=limit)


def _measure(
    selection: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode], measured: dict[str, Size]
) -> Size:
    depth = fields = aliases = 0
    for node in selection.selections:
        if isinstance(node, FieldNode):
            inner = _measure(node.selection_set, fragments, measured) if node.selection_set else Size()
            size = Size(inner.depth + 1, inner.fields + 1, inner.aliases + (1 if node.alias else 0))
        elif isinstance(node, InlineFragmentNode):
            size = _measure(node.selection_set, fragments, measured)
        else:
            assert isinstance(node, FragmentSpreadNode)
            size = _fragment(node.name.value, fragments, measured)
        depth = max(depth, size.depth)
        fields += size.fields
        aliases += size.aliases
    return Size(depth, fields, aliases)


def _fragment(name: str, fragments: dict[str, FragmentDefinitionNode], measured: dict[str, Size]) -> Size:
    if name not in measured:
        measured[name] = Size()  # a fragment within itself counts nothing here; validation refuses it
        if name in fragments:
            measured[name] = _measure(fragments[name].selection_set, fragments, measured)
    return measured[name]
