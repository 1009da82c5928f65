"""Arguments as the plan sees them: what is known now, and what each request brings.

Null and missing are told apart from given values here, once for every shape of the variables.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNonNull,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    value_from_ast,
)

from hub.planner.document import Prepared
from hub.planner.ir import Argument, Given, Inputs, ListOf, Ref

NULL = Given(None)


class Arguments:
    """Reads the arguments of field nodes against one shape of the operation's variables."""

    def __init__(self, prepared: Prepared, values: Mapping[str, Any]) -> None:
        self._by_value = {variable.name for variable in prepared.variables if variable.by_value}
        self._values = values

    def of(self, node: FieldNode, field: GraphQLField) -> dict[str, Argument]:
        """Give the arguments that are there; null ones as `NULL`, missing ones not at all."""
        nodes = {each.name.value: each.value for each in node.arguments or ()}
        found: dict[str, Argument] = {}
        for name, argument in field.args.items():
            value = self._value(nodes[name], argument.type) if name in nodes else None
            if value is None and argument.default_value is not Undefined:
                value = Given(argument.default_value)
            if value is not None:
                found[name] = value
        return found

    def _value(self, node: ValueNode, declared: GraphQLInputType) -> Argument | None:
        named = declared.of_type if isinstance(declared, GraphQLNonNull) else declared
        if isinstance(node, VariableNode):
            return self._variable(node.name.value, named)
        if isinstance(node, ObjectValueNode) and isinstance(named, GraphQLInputObjectType):
            nodes = {each.name.value: each.value for each in node.fields or ()}
            fields: dict[str, Argument] = {}
            for name, field in named.fields.items():
                value = self._value(nodes[name], field.type) if name in nodes else None
                if value is None and field.default_value is not Undefined:
                    value = Given(field.default_value)
                if value is not None:
                    fields[name] = value
            return Inputs(fields)
        if isinstance(node, ListValueNode) and any(isinstance(item, VariableNode) for item in node.values):
            items = (self._value(item, named.of_type) for item in node.values)  # type: ignore[union-attr]  # a list type
            return ListOf(tuple(item for item in items if item is not None))
        return Given(value_from_ast(node, declared))

    def _variable(self, name: str, named: Any) -> Argument | None:
        if name not in self._values:
            return None
        value = self._values[name]
        if value is None:
            return NULL
        if isinstance(named, GraphQLInputObjectType):
            return self._inputs(name, (), value, by_value=name in self._by_value)
        return Given(value) if name in self._by_value else Ref(name)

    def _inputs(self, name: str, path: tuple[str, ...], value: Mapping[str, Any], *, by_value: bool) -> Inputs:
        fields: dict[str, Argument] = {}
        for key, each in value.items():
            inner = (*path, key)
            if each is None:
                fields[key] = NULL
            elif isinstance(each, dict):
                fields[key] = self._inputs(name, inner, each, by_value=by_value)
            else:
                fields[key] = Given(each) if by_value else Ref(name, inner)
        return Inputs(fields)
