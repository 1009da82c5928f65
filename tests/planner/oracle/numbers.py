"""Numbers: the size of the network counted from its periods, and the cells of the yearly publication."""

from collections.abc import Mapping
from typing import Any, Final

from oracle.rows import Row, Rows, Thing

FIRST_YEAR: Final = 2006
YEARS_MOST: Final = 20
MEASURES_MOST: Final = 5
CELLS_MOST: Final = 2_000


def unbounded(where: Mapping[str, Any]) -> bool:
    """Tell whether more is asked for than is answered at once."""
    years = where["untilYear"] - where["fromYear"]
    return years >= YEARS_MOST or len(where.get("measures", ())) > MEASURES_MOST


def sizes(rows: Rows, where: Mapping[str, Any]) -> list[Thing]:
    """Count members, year by year: the whole network, or country by country."""
    by_country = bool(where.get("byCountry"))
    listed = {city["id"]: city for city in rows.tables["city"] if city["status"] in {"member", "former"}}
    periods = [period for period in rows.tables["membership"] if period["city_id"] in listed]
    found = []
    for year in range(max(FIRST_YEAR, where["fromYear"]), min(rows.today.year, where["untilYear"]) + 1):
        countries = sorted({listed[period["city_id"]]["country"] for period in periods}) if by_country else [None]
        for country in countries:
            here = [period for period in periods if country in {None, listed[period["city_id"]]["country"]}]
            if here:
                found.append(_size(rows, year, country, here))
    return found[:CELLS_MOST]


def _size(rows: Rows, year: int, country: str | None, periods: list[Row]) -> Thing:
    last_day = min(f"{year}-12-31", rows.today.isoformat())
    members, undated = set(), set()
    for period in periods:
        if period["from_on"] is None:
            if not period["ended"]:
                undated.add(period["city_id"])
        elif period["from_on"] <= last_day:
            runs = not period["ended"] if period["until_on"] is None else period["until_on"] + "~" > last_day
            if runs:
                members.add(period["city_id"])
    return Thing("NetworkSize", {"year": year, "country": country, "members": len(members), "undated": len(undated)})


def officials(rows: Rows, size: Row) -> list[Thing]:
    """Give the totals published for the year and the country, or for the whole network."""
    totals = [
        total
        for total in rows.tables["official_total"]
        if total["as_of"][:4] == str(size["year"]) and total["country"] == size["country"]
    ]
    totals.sort(key=lambda total: (total["as_of"], total["id"]))
    return [Thing("OfficialTotal", total) for total in totals]


def cells(rows: Rows, where: Mapping[str, Any]) -> list[Thing]:
    """Read cells by measure, year and what they are sliced by; a cell without a slice comes last."""
    found = [
        cell
        for cell in rows.of("statistic_cell", slice=where["slice"])
        if cell["measure"] in where["measures"] and where["fromYear"] <= cell["year"] <= where["untilYear"]
    ]
    slices = ("host_country", "origin_region", "discipline", "urgency")
    found.sort(
        key=lambda cell: (
            cell["measure"],
            cell["year"],
            *((cell[name] is None, cell[name] or "") for name in slices),
        )
    )
    return [Thing("StatisticCell", cell) for cell in found[:CELLS_MOST]]
