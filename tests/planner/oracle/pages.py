"""Orders, cursors and pages: which rows of a list a page shows, and what it says of the others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from oracle.access import NETWORK, PUBLIC, Audience
from oracle.filters import Conditions, bad, holds
from oracle.rows import Ask, Cursor, Row, Rows, Thing

SIZE: Final = 20
SIZE_MOST: Final = 100
COUNT_MOST: Final = 10_000

Keys = Callable[[Rows, Row], tuple[Any, ...]]
Position = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """One way to order a list."""

    keys: Keys
    see: Audience = PUBLIC

    def position(self, rows: Rows, thing: Thing) -> Position:
        """Say where a row stands: its keys, then its id. Texts compare by code points, ids by bytes."""
        return (*self.keys(rows, thing.row), thing.row["id"])


Orders = Mapping[str, Order]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list in pages: its rows, its conditions, its orders; the first order is the one when none is asked for."""

    name: str
    """The field; a cursor belongs to one field, one order of it, one direction."""
    things: Callable[[Ask, Row], list[Thing]]
    orders: Orders
    conditions: Conditions

    def ordering(self, args: Mapping[str, Any]) -> tuple[Order, bool]:
        """Give the order asked for, and whether it runs backwards."""
        asked = args.get("orderBy")
        if asked is None:
            return next(iter(self.orders.values())), False
        return self.orders[asked["field"]], asked["direction"] == "desc"

    def ordering_name(self, args: Mapping[str, Any]) -> str:
        """Name the ordering asked for: cursors of one are of no use in another."""
        order, backwards = self.ordering(args)
        (name,) = (name for name, one in self.orders.items() if one is order)
        return f"{self.name} by {name} {'backwards' if backwards else 'forwards'}"


def refusals(listing: Listing, ask: Ask, args: Mapping[str, Any]) -> set[str]:
    """Give the codes for which these arguments are refused, whatever the rows."""
    found = set()
    first, last, where = args.get("first"), args.get("last"), args.get("where") or {}
    sizes = [size for size in (first, last) if size is not None]
    if len(sizes) > 1 or any(not 1 <= size <= SIZE_MOST for size in sizes):
        found.add("BAD_PAGE")
    if bad(where):
        found.add("BAD_FILTER")
    order, _ = listing.ordering(args)
    for text in (args.get("after"), args.get("before")):
        known = ask.cursors.get(text)
        if text is not None and (known is None or known[0].ordering != listing.ordering_name(args)):
            found.add("BAD_CURSOR")
    used = [listing.conditions[name].see for name, given in where.items() if given is not None] + [order.see]
    if any(see.verdict(ask.who) in {"SCOPE", "RELATION"} for see in used):
        found.add("FORBIDDEN_FILTER")
    return found


def page(listing: Listing, ask: Ask, row: Row, args: Mapping[str, Any]) -> Row:
    """Show one page: `edges`, `nodes`, `pageInfo` and `totalCount`."""
    order, backwards = listing.ordering(args)
    rows, ordering = ask.rows, listing.ordering_name(args)
    fitting = [
        thing
        for thing in listing.things(ask, row)
        if holds(listing.name, listing.conditions, ask, thing, args.get("where"))
    ]
    fitting.sort(key=lambda thing: order.position(rows, thing), reverse=backwards)

    def stands(thing: Thing, text: str) -> int:
        """Compare a row with a cursor: below zero before it, above zero behind it."""
        here, there = order.position(rows, thing), order.position(rows, ask.cursors[text][1])
        return ((here > there) - (here < there)) * (-1 if backwards else 1)

    after, before = args.get("after"), args.get("before")
    passed = [] if after is None else [thing for thing in fitting if stands(thing, after) <= 0]
    ahead = [] if before is None else [thing for thing in fitting if stands(thing, before) >= 0]
    between = [
        thing
        for thing in fitting
        if (after is None or stands(thing, after) > 0) and (before is None or stands(thing, before) < 0)
    ]
    last = args.get("last")
    size = last or args.get("first") or SIZE
    shown = between[-size:] if last is not None else between[:size]
    more = len(between) > size
    way = f"{'last' if last is not None else 'first'}{' after' * (after is not None)}{' before' * (before is not None)}"
    ask.met[f"page {way}: {'some' if shown else 'none'}{', more' * more}"] += 1
    ask.met[f"order {ordering}"] += len(shown) > 1
    edges = [
        {
            "node": thing,
            "cursor": Cursor(ordering, thing.kind, str(thing.row["id"])),
        }
        for thing in shown
    ]
    return {
        "nodes": shown,
        "edges": edges,
        "pageInfo": {
            "hasNextPage": bool(ahead) or (more and last is None),
            "hasPreviousPage": bool(passed) or (more and last is not None),
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
        },
        "totalCount": len(fitting) if len(fitting) <= COUNT_MOST else None,
    }


def _joined(rows: Rows, city: Row) -> str:
    known = [period["from_on"] for period in rows.of("membership", city_id=city["id"]) if period["from_on"] is not None]
    return min(known, default="9999")


def _day(column: str) -> Keys:
    return lambda _rows, row: ("" if row[column] is None else row[column].isoformat(),)


_BY_NAME: Final = Order(lambda _rows, row: (row["name_key"],))
_BY_START: Final = Order(lambda _rows, row: (row["from_on"] or "9999",))

CITY: Final = {
    "name": _BY_NAME,
    "country": Order(lambda _rows, row: (row["country"], row["name_key"])),
    "joined": Order(lambda rows, row: (_joined(rows, row), row["name_key"])),
}
ORGANISATION: Final = {
    "name": _BY_NAME,
    "country": Order(lambda _rows, row: (row["country"] or "", row["name_key"])),
}
NAME: Final = {"name": _BY_NAME}
STARTS: Final = {"starts": _BY_START}
WORK: Final = {"year": Order(lambda _rows, row: (9999 if row["year"] is None else row["year"], row["title_key"]))}
PLACE: Final = {"title": Order(lambda _rows, row: (row["title"],), NETWORK)}
OPENING: Final = {
    "available_from": Order(_day("available_from"), NETWORK),
    "confirmed_on": Order(_day("confirmed_on"), NETWORK),
}
