"""What a `where` asks of a row. A condition that is missing or null asks nothing; all others must hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from oracle.access import NETWORK, PUBLIC, Audience
from oracle.rows import Ask, Row, Rows, Thing, read_id
from schema.text import fold

IN_MOST: Final = 100
CONTAINS_LEAST: Final = 3
Given = Any
Asks = Callable[[Rows, Row, Given], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """One field of a `where`: who may use it, what it asks, and what is asked when nothing is given."""

    asks: Asks
    see: Audience = PUBLIC
    absent: object = None
    names: tuple[str, str] | None = None
    """Type and column of a record that is named: it must exist for the viewer."""


Conditions = Mapping[str, Condition]
NONE: Final[Conditions] = {}


def holds(listing: str, conditions: Conditions, ask: Ask, thing: Thing, where: Mapping[str, Any] | None) -> bool:
    """Tell whether the row fits all that is asked."""
    fits = True
    for name, condition in conditions.items():
        given = (where or {}).get(name)
        used = condition.absent if given is None else given
        if used is not None:
            fit = condition.asks(ask.rows, thing.row, used)
            if condition.names and isinstance(used, Mapping) and any(each is not None for each in used.values()):
                kind, column = condition.names
                fit = fit and ask.thing(kind, id=thing.row[column]) is not None
            fits = fits and fit
            ways = ["by default"] if given is None else given if isinstance(given, Mapping) else ["bare"]
            for way in ways:
                ask.met[f"filter {listing}.{name} {way}: {'kept' if fit else 'dropped'}"] += 1
    return fits


def bad(where: object) -> bool:
    """Tell whether a filter asks too much or too little: over 100 values, or a part of a word under three letters."""
    if not isinstance(where, dict):
        return False
    listed, part = where.get("in"), where.get("contains")
    too_many = isinstance(listed, list) and len(listed) > IN_MOST
    too_short = isinstance(part, str) and len(fold(part)) < CONTAINS_LEAST
    return too_many or too_short or any(bad(inner) for inner in where.values())


def _operators(**operators: Callable[[Row, Any], bool]) -> Asks:
    def asks(_rows: Rows, row: Row, given: Mapping[str, Any]) -> bool:
        told = {name.strip("_"): operator for name, operator in operators.items()}
        return all(operator(row, given[name]) for name, operator in told.items() if given.get(name) is not None)

    return asks


def text(column: str) -> Asks:
    """Compare a folded column with a folded text."""
    return _operators(
        eq=lambda row, value: row[column] is not None and row[column] == fold(value),
        contains=lambda row, value: row[column] is not None and fold(value) in row[column],
    )


def value(column: str) -> Asks:
    """Compare a column with one value or several."""
    return _operators(
        eq=lambda row, one: row[column] is not None and row[column] == one,
        in_=lambda row, several: row[column] is not None and row[column] in several,
    )


def values(column: str, *, empty: bool = False) -> Asks:
    """Compare a column of several values with one or several; with `empty` an empty column fits whatever is asked."""
    return _operators(
        eq=lambda row, one: one in row[column] or (empty and not row[column]),
        in_=lambda row, several: bool(set(several) & set(row[column])) or (empty and not row[column]),
    )


def identity(kind: str, column: str) -> Asks:
    """Compare a column with ids of the graph; those of another kind, and what is no id, fit nothing."""

    def fits(row: Row, given: str) -> bool:
        return row[column] is not None and read_id(given) == (kind, row[column])

    return _operators(eq=fits, in_=lambda row, several: any(fits(row, one) for one in several))


def day(column: str) -> Asks:
    """Compare a column of days."""
    return _operators(
        gte=lambda row, first: row[column] is not None and row[column] >= first,
        lt=lambda row, end: row[column] is not None and row[column] < end,
    )


def partial_day(column: str) -> Asks:
    """Compare a column of partial dates, as text."""
    return _operators(
        gte=lambda row, first: row[column] is not None and row[column] >= first.isoformat(),
        lt=lambda row, end: row[column] is not None and row[column] < end.isoformat(),
    )


def equal(column: str) -> Asks:
    """Compare a column with a value that is given bare."""
    return lambda _rows, row, given: row[column] is not None and row[column] == given


def covers(row: Row, day_text: str) -> bool:
    """Tell whether a period with a known beginning, and an end that is known or has not come, covers a day."""
    if row["from_on"] is None or row["from_on"] > day_text:
        return False
    return not row["ended"] if row["until_on"] is None else row["until_on"] + "~" >= day_text


def agrees(rows: Rows, body: Row) -> bool:
    """Tell whether an agreement of the body is in force and runs today."""
    today = rows.today.isoformat()
    return any(
        row["state"] == "in_force" and (row["from_on"] or "") <= today <= (row["until_on"] or "9") + "~"
        for row in rows.of("agreement", organisation_id=body["id"])
    )


CITY: Final[Conditions] = {
    "slug": Condition(text("slug")),
    "name": Condition(text("name_key")),
    "kind": Condition(value("kind")),
    "country": Condition(value("country")),
    "region": Condition(value("region")),
    "status": Condition(equal("status"), absent="member"),
    "memberOn": Condition(
        lambda rows, row, given: any(
            covers(period, given.isoformat()) for period in rows.of("membership", city_id=row["id"])
        )
    ),
}
ORGANISATION: Final[Conditions] = {
    "slug": Condition(text("slug")),
    "name": Condition(text("name_key")),
    "acronym": Condition(text("acronym_key")),
    "kind": Condition(value("kind")),
    "country": Condition(value("country")),
    "support": Condition(values("support")),
    "discipline": Condition(values("disciplines", empty=True)),
    "inAgreement": Condition(lambda rows, row, given: agrees(rows, row) == given, NETWORK),
}
RESIDENT: Final[Conditions] = {
    "name": Condition(text("name_key")),
    "discipline": Condition(values("disciplines")),
    "city": Condition(identity("City", "city_id"), names=("City", "city_id")),
    "originCountry": Condition(value("origin_country")),
}
EVENT: Final[Conditions] = {
    "kind": Condition(value("kind")),
    "from": Condition(partial_day("from_on")),
    "city": Condition(identity("City", "city_id"), names=("City", "city_id")),
}
TERM: Final[Conditions] = {
    "on": Condition(lambda _rows, row, given: covers(row, given.isoformat())),
    "city": Condition(identity("City", "city_id"), names=("City", "city_id")),
}
PLACE: Final[Conditions] = {
    "open": Condition(equal("open"), NETWORK),
    "confirmedOn": Condition(day("confirmed_on"), NETWORK),
}


def country_of(rows: Rows, row: Row) -> str | None:
    """Give the country of an opening; a place has that of its city."""
    if "country" in row:
        return row["country"]
    return rows.of("city", id=row["city_id"])[0]["country"]


OPENING: Final[Conditions] = {
    "open": Condition(equal("open"), NETWORK, absent=True),
    "support": Condition(values("support"), NETWORK),
    "country": Condition(
        lambda rows, row, given: value("country")(rows, {"country": country_of(rows, row)}, given), NETWORK
    ),
    "discipline": Condition(values("disciplines", empty=True), NETWORK),
    "householdOf": Condition(
        lambda _rows, row, size: row["household_max"] is None or row["household_max"] >= size, NETWORK
    ),
    "availableBefore": Condition(
        lambda _rows, row, end: row["available_from"] is None or row["available_from"] < end, NETWORK
    ),
    "confirmedOn": Condition(day("confirmed_on"), NETWORK),
}
