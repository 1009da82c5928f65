"""What generated cases must have met for a run to count: every type, field, filter, order, page, rule and refusal."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from arena import GRAPH
from graphql import get_named_type, is_input_object_type, is_non_null_type, is_object_type
from oracle.access import PUBLIC, TERMS, WISHES
from oracle.graph import FIELDS
from oracle.pages import Listing
from oracle.rows import RECORDS

NEVER_NULL: Final = frozenset(
    [
        "Query.viewer",
        "Query.statistics",
        "Query.openings",
        "City.coordinators",
        "City.places",
        "Place.wishedRegions",
        "Agreement.onwardAllowed",
        "Agreement.categories",
        "Agreement.purposes",
        "Place.country",
    ]
)
"""Null only where withheld, which is counted apart; and a place has the country of its city."""
ELSEWHERE: Final = frozenset({"Query._service"})
REFUSALS: Final = (
    "BAD_PAGE",
    "BAD_CURSOR",
    "BAD_FILTER",
    "BAD_KEY",
    "BAD_USER_INPUT",
    "TOO_MANY_IDS",
    "FORBIDDEN_FILTER",
)
SHAPES: Final = (
    "an alias",
    "a field named again",
    "one name for two fields",
    "a named fragment",
    "a fragment spread again",
    "an inline fragment",
    "an inline fragment without a type",
    "a narrower fragment",
    "a wider fragment",
    "@include true",
    "@include false",
    "@include by a variable",
    "@skip true",
    "@skip false",
    "@skip by a variable",
    "an object by a variable",
    "a variable in an object",
    "a variable in a list",
    "a variable used twice",
    "a variable not sent",
    "a variable sent as null",
    "a plan made",
    "a plan met again",
    "a request known again",
    "entity not found",
)
WITHHELD: Final = (
    "NETWORK SCOPE",
    "NETWORK RELATION",
    "NETWORK RELATION counted",
    "CASE SCOPE",
    "CASE RELATION",
)


def missing(met: Counter[str]) -> list[str]:
    """List what was not met."""
    met = met + _summed(met)
    return [what for what in (*SHAPES, *_fields(), *_rules(), *_types(), *_lists(), *_operators()) if not met[what]]


def _summed(met: Counter[str]) -> Counter[str]:
    """Sum filters up: by their field whatever the operator, and by operator whatever the field."""
    kinds = {
        f"{listing.name}.{name}": get_named_type(one.type).name
        for listing, args in listings()
        if "where" in args
        for name, one in get_named_type(args["where"].type).fields.items()
    }
    summed: Counter[str] = Counter()
    for what, times in met.items():
        if what.startswith("filter ") and " by default" not in what:
            _, field, way, how = what.split(" ")
            summed[f"filter {field}: {how}"] += times
            summed[f"filter {kinds[field]}.{way.strip(':')}: {how}"] += times
    return summed


def object_types() -> list[str]:
    """Name the types of objects the graph has."""
    return [name for name, one in GRAPH.type_map.items() if is_object_type(one) and not name.startswith("_")]


def listings() -> Iterator[tuple[Listing, dict[str, object]]]:
    """Give each list in pages with the arguments its field takes."""
    for kind, fields in FIELDS.items():
        for name, declared in fields.items():
            if declared.listing:
                yield declared.listing, GRAPH.type_map[kind].fields[name].args


def _fields() -> Iterator[str]:
    for kind in object_types():
        for name, declared in GRAPH.type_map[kind].fields.items():
            at = f"{kind}.{name}"
            if at in ELSEWHERE:
                continue
            yield f"value {at}: some"

            # Counts above 10,000 have a test of their own.
            if not is_non_null_type(declared.type) and at not in NEVER_NULL and name != "totalCount":
                yield f"value {at}: null"


def _rules() -> Iterator[str]:
    yield from (f"withheld {entry}" for entry in WITHHELD)
    for kind in ("Query", "City", "Organisation", "Agreement", "Place"):
        for name, declared in FIELDS[kind].items():
            if declared.see in {TERMS, WISHES}:
                yield from (f"{how} {kind}.{name}" for how in ("own row", "withheld by row", "shut"))
            elif declared.see != PUBLIC and kind not in {"Agreement", "Place"}:
                yield f"shut {kind}.{name}"


def _types() -> Iterator[str]:
    yield from (f"Node is {kind}" for kind in RECORDS)
    yield from (f"_Entity is {kind}" for kind, record in RECORDS.items() if record.entity)
    yield from ("Opening is Place", "Opening is PartnerOpening")


def _lists() -> Iterator[str]:
    yield from (f"refusal {code}" for code in REFUSALS)
    for size in ("first", "last"):
        yield f"page {size}: none"
        yield f"page {size}: some, more"
        yield from (f"page {size}{cursors}: some" for cursors in ("", " after", " before", " after before"))
    for listing, args in listings():
        for order in listing.orders:
            yield f"order {listing.name} by {order} forwards"
            if "orderBy" in args:
                yield f"order {listing.name} by {order} backwards"
        if "where" in args:
            yield from _filters(listing, args["where"])


def _filters(listing: Listing, where: object) -> Iterator[str]:
    for name in get_named_type(where.type).fields:
        yield from (f"filter {listing.name}.{name}: {how}" for how in ("kept", "dropped"))


def _operators() -> Iterator[str]:
    for kind, one in GRAPH.type_map.items():
        if is_input_object_type(one) and kind.endswith("Filter"):
            yield from (f"filter {kind}.{name}: {how}" for name in one.fields for how in ("kept", "dropped"))
    for name in ("cities.status", "openings.open"):
        yield from (f"filter {name} by default: {how}" for how in ("kept", "dropped"))
