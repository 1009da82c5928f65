"""What a subscription asks for: which events, and the query that reads each of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import GraphQLError, Undefined, get_named_type, value_from_ast

from hub.planner.beneath import Beneath, query_for
from hub.planner.catalogue import Catalogue
from hub.planner.document import Prepared
from hub.planner.ir import Open, Shut
from hub.planner.refused import OperationRefused
from hub.planner.selection import Collector, Selected
from hub.planner.weave import settle
from schema.access import AccessProfile

ALIAS: Final = "happened"
NUMBER_MOST: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Following:
    """A subscription understood. `withheld` is the code of the rule that shut it; empty where it is open."""

    response: str
    document: str
    variables: Mapping[str, Any]
    variable: str
    """Which variable of the document takes the event's id."""
    referral: str | None
    """Global id, as the viewer wrote it."""
    after: int | None
    withheld: str
    category: str


def follow(
    prepared: Prepared,
    values: Mapping[str, Any],
    given: Mapping[str, Any],
    profile: AccessProfile,
    catalogue: Catalogue,
) -> Following:
    """Understand a subscription of one viewer.

    Args:
        prepared: its document.
        values: its variables, coerced.
        given: the same, as they came.
        profile: who listens.
        catalogue: of the schema.

    Raises:
        OperationRefused: BAD_USER_INPUT.
    """
    fields = Collector(prepared.schema, prepared.fragments, values).collect(
        "Subscription", [prepared.operation.selection_set]
    )
    if len(fields) != 1 or fields[0].name.startswith("__"):
        raise OperationRefused("BAD_USER_INPUT", "A subscription follows one thing.")
    (selected,) = fields
    info = catalogue.types["Subscription"].fields[selected.name]
    gate = settle(info.access.rule, profile)
    assert isinstance(gate, Open | Shut), "a subscription has no row that could decide"
    referral, after = (_argument(catalogue, selected, values, name) for name in ("referral", "afterNumber"))
    if after is not None and (referral is None or not 0 <= after <= NUMBER_MOST):
        raise OperationRefused(
            "BAD_USER_INPUT", "afterNumber is from 0 on and needs a referral: each has its own numbers."
        )
    event = Beneath(ALIAS, get_named_type(info.type).name, selected.below)
    document, mine = query_for([event], prepared, given)
    return Following(
        response=selected.response,
        document=document,
        variables=mine,
        variable=event.variable,
        referral=referral,
        after=after,
        withheld=gate.code if isinstance(gate, Shut) else "",
        category=info.access.category.name,
    )


def _argument(catalogue: Catalogue, selected: Selected, values: Mapping[str, Any], name: str) -> Any:
    argument = catalogue.object("Subscription").fields[selected.name].args[name]
    node = next((each for each in selected.nodes[0].arguments or () if each.name.value == name), None)
    if node is None:
        return None
    try:
        value = value_from_ast(node.value, argument.type, dict(values))
    except GraphQLError as error:
        raise OperationRefused("BAD_USER_INPUT", error.message) from error
    return None if value is Undefined else value
