"""The subgraph as text, for gateways: what `_service` answers and what `schema.graphql` holds.

Two things differ from what strawberry prints. Descriptions are plain strings on one line: one gateway stops at block
strings that begin and end on one line. And a directive's argument that is null is left out: composers refuse it.
"""

from functools import cache
from typing import Any

from graphql import DirectiveNode, NullValueNode, StringValueNode, Visitor, parse, print_ast, visit
from strawberry.federation import Schema


@cache
def printed(schema: Schema) -> str:
    """Print a schema with all its federation directives, without a line break at the end. Done once: it takes long."""
    return print_ast(visit(parse(schema.as_str(), no_location=True), _ForGateways())).rstrip("\n")


class _ForGateways(Visitor):
    """Writes what every gateway can read."""

    def enter_string_value(self, node: StringValueNode, *_: Any) -> StringValueNode | None:  # as graphql-core calls it
        """Turn a block string into a plain one."""
        return StringValueNode(value=node.value, block=False) if node.block else None

    def enter_directive(self, node: DirectiveNode, *_: Any) -> DirectiveNode:  # as graphql-core calls it
        """Leave out what is null."""
        given = tuple(each for each in node.arguments or () if not isinstance(each.value, NullValueNode))
        return DirectiveNode(name=node.name, arguments=given)
