"""How a change is declared: a mutation with its rule, what its payload tells, and which records it shows.

A mutation runs a service of the hub, which answers with ids and a few plain values. The records beneath are read by the
planner like any query, so that a change shows no more than a read would.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeVar

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.federation.schema_directives import Authenticated, RequiresScopes
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from schema.access import PUBLIC, Access
from schema.source import ACCESS, machinery

PAYLOAD: Final = "payload"
KEY_SAYS: Final = "Made by you, new for each intent; the same key with the same input does nothing twice, for 30 days."


@dataclass(frozen=True, slots=True)
class Told:
    """A plain value of a payload, as the service gives it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A record of a payload: the service names it, the planner reads it."""


def change(given: type, *, see: Access, says: str) -> Any:
    """Declare a mutation. It takes one `input`; `see` tells who may try it at all."""
    outer: list[object] = [Authenticated()]
    if see.scopes:
        outer.append(RequiresScopes(scopes=[[scope] for scope in see.scopes]))
    declared: StrawberryField = strawberry.field(
        description=f"{says} Category: {see.category.value}.", directives=outer, metadata={ACCESS: see}
    )
    declared.arguments = [
        StrawberryArgument(
            python_name="input",
            graphql_name=None,
            type_annotation=StrawberryAnnotation(given),
            description="What to do, with an idempotency key.",
        )
    ]
    return declared


def told(*, says: str) -> Any:
    """Show a plain value that the service tells."""
    return strawberry.field(description=says, metadata={ACCESS: PUBLIC, PAYLOAD: Told()})


def shown(*, says: str) -> Any:
    """Show a record that the service names, as far as its own rules let the viewer see it."""
    return strawberry.field(description=says, metadata={ACCESS: PUBLIC, PAYLOAD: Shown()})


def wanted(*, says: str, absent: object = ...) -> Any:
    """Take a value of an input; it is required where nothing is said of its absence."""
    return strawberry.field(description=says) if absent is ... else strawberry.field(description=says, default=absent)


def key() -> Any:
    """Take the idempotency key of an input."""
    return wanted(says=KEY_SAYS)


T = TypeVar("T", bound=type)


def payload(cls: T) -> T:
    """Make a class an answer of mutations. Its docstring is its description."""
    return machinery(cls)
