"""What an operation costs, known before the database is touched: objects asked for, page sizes multiplied.

The same sums as gateways make from `@cost` and `@listSize`: an object weighs 1, a scalar nothing, a total count 10.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from hub.planner.ir import (
    Argument,
    Bounded,
    Choice,
    Content,
    Envelope,
    Fault,
    Given,
    Keyed,
    Leaf,
    Listing,
    ListOf,
    Mine,
    Nested,
    Node,
    Nothing,
    Obj,
    Paged,
    PagePart,
    Several,
    Single,
    Text,
    reading,
)
from schema.types.basics import TOTAL_COUNT_COST

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cost:
    """A sum that may hang on page sizes of the request."""

    fixed: int
    moving: tuple[Callable[[Values], int], ...] = ()

    def of(self, values: Values) -> int:
        """Give the cost for the values of one request."""
        return self.fixed + sum(each(values) for each in self.moving)

    def __add__(self, other: "Cost") -> "Cost":
        """Add two costs."""
        return Cost(self.fixed + other.fixed, self.moving + other.moving)

    def times(self, factor: Argument | int) -> "Cost":
        """Multiply by a number that is known now or comes with the request."""
        if isinstance(factor, Given):
            factor = int(factor.value)
        if isinstance(factor, int):
            size = factor
            return Cost(self.fixed * size, tuple(_scaled(each, size) for each in self.moving))
        argument = factor
        return Cost(0, (_multiplied(self, argument),))


def _multiplied(cost: Cost, factor: Argument) -> Callable[[Values], int]:
    number = reading(factor)
    if cost.moving:
        return lambda values: _number(number(values)) * cost.of(values)
    each = cost.fixed
    return lambda values: _number(number(values)) * each


def _scaled(each: Callable[[Values], int], size: int) -> Callable[[Values], int]:
    return lambda values: each(values) * size


def _number(value: Any) -> int:
    return len(value) if isinstance(value, list) else int(value)


NOTHING = Cost(0)
ONE = Cost(1)


def weigh(obj: Obj) -> Cost:
    """Sum up what an object's fields cost."""
    return sum((_node(field.node) for field in obj.fields), NOTHING)


def _node(node: Node) -> Cost:
    match node:
        case Leaf() | Text() | Nothing() | Fault():
            return NOTHING
        case Nested(obj=obj) | Mine(obj=obj) | Single(obj=obj):
            return ONE + weigh(obj)
        case Envelope(obj=inner):
            return ONE if inner is None else ONE + weigh(inner)
        case Content(obj=inner, source=source):
            return NOTHING if inner is None else (ONE + weigh(inner)).times(source.assumed)
        case Listing() | Bounded():
            return (ONE + weigh(node.obj)).times(node.source.assumed)
        case Keyed():
            return _choice(node.choice)
        case Several():
            return _dearest([choice for _, _, choice in node.choices]).times(_asked(node.asked))
        case Paged():
            return ONE + sum((_part(part, node.size) for part in node.parts), NOTHING)
        case _:
            assert_never(node)


def _asked(asked: Argument) -> Argument | int:
    if isinstance(asked, Given):
        return len(asked.value)
    return len(asked.items) if isinstance(asked, ListOf) else asked


def _choice(choice: Choice) -> Cost:
    return ONE + weigh(choice.obj)


def _dearest(choices: list[Choice]) -> Cost:
    costs = [_choice(choice) for choice in choices] or [ONE]
    return max(costs, key=lambda cost: cost.fixed)


def _part(part: PagePart, size: Argument) -> Cost:
    match part.kind:
        case "nodes":
            return _dearest(list(part.choices)).times(size)
        case "edges":
            return (ONE + sum((_part(inner, Given(1)) for inner in part.parts), NOTHING)).times(size)
        case "node":
            return _dearest(list(part.choices))
        case "pageInfo":
            return ONE
        case "totalCount":
            return Cost(TOTAL_COUNT_COST)
        case _:
            return NOTHING
