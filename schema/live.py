"""How a subscription is declared: a field with its rule, whose record is read by the planner at each event."""

from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.federation.schema_directives import Authenticated, RequiresScopes
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from schema.access import Access
from schema.source import ACCESS


def live(*arguments: tuple[str, str, object], see: Access, says: str) -> Any:
    """Declare a subscription; `see` tells who may listen at all.

    Args:
        arguments: name, description and type of each; none must be given.
        see: the rule.
        says: the description.
    """
    outer: list[object] = [Authenticated()]
    if see.scopes:
        outer.append(RequiresScopes(scopes=[[scope] for scope in see.scopes]))
    declared: StrawberryField = strawberry.field(
        description=f"{says} Category: {see.category.value}.", directives=outer, metadata={ACCESS: see}
    )
    declared.arguments = [
        StrawberryArgument(
            python_name=name,
            graphql_name=None,
            type_annotation=StrawberryAnnotation(kind),
            description=text,
        )
        for name, text, kind in arguments
    ]
    return declared
