"""What an operation asks for, fragment by fragment: the fields of an object type, merged as GraphQL merges them.

Source: GraphQL specification, 6.3.2 CollectFields.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    SelectionSetNode,
    VariableNode,
    is_abstract_type,
)


@dataclass(frozen=True, slots=True)
class Selected:
    """All nodes of one response name: they ask for the same field, and their sub-selections are one."""

    response: str
    nodes: tuple[FieldNode, ...]

    @property
    def name(self) -> str:
        """The field's name in the schema."""
        return self.nodes[0].name.value

    @property
    def below(self) -> tuple[SelectionSetNode, ...]:
        """The sub-selections."""
        return tuple(node.selection_set for node in self.nodes if node.selection_set)


@dataclass(frozen=True, slots=True)
class Collector:
    """Collects selections of one operation with the values of one shape."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    values: Mapping[str, Any]

    def collect(self, type_name: str, sets: Iterable[SelectionSetNode]) -> list[Selected]:
        """Give the fields that an object of this type answers, in order of first appearance."""
        found: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for each in sets:
            self._walk(type_name, each, found, seen)
        return [Selected(response, tuple(nodes)) for response, nodes in found.items()]

    def _walk(
        self, type_name: str, selection: SelectionSetNode, found: dict[str, list[FieldNode]], seen: set[str]
    ) -> None:
        for node in selection.selections:
            if not self._wanted(node):
                continue
            if isinstance(node, FieldNode):
                response = node.alias.value if node.alias else node.name.value
                found.setdefault(response, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if self._applies(node.type_condition, type_name):
                    self._walk(type_name, node.selection_set, found, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if self._applies(fragment.type_condition, type_name):
                    self._walk(type_name, fragment.selection_set, found, seen)

    def _wanted(self, node: Any) -> bool:
        for directive in node.directives or ():
            name = directive.name.value
            if name in {"skip", "include"}:
                (condition,) = directive.arguments
                value = condition.value
                holds = self.values[value.name.value] if isinstance(value, VariableNode) else value.value
                if holds == (name == "skip"):
                    return False
        return True

    def _applies(self, condition: NamedTypeNode | None, type_name: str) -> bool:
        if condition is None or condition.name.value == type_name:
            return True
        named = self.schema.type_map[condition.name.value]
        this = self.schema.type_map[type_name]
        assert isinstance(this, GraphQLObjectType)
        return is_abstract_type(named) and self.schema.is_sub_type(_abstract(named), this)


def _abstract(named: Any) -> GraphQLAbstractType:
    return named  # type: ignore[no-any-return]
