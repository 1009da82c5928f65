"""Numbers: the size of the network, counted from its rows, and the yearly publication about cases."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Integer, Text, and_, cast, func, not_, or_, select, tuple_

from schema.access import PUBLIC, TOTALS
from schema.scalars import CountryCode, PartialDate
from schema.source import TODAY_TEXT, embedded, holds, input_object, many, matches, part, plain
from schema.standing import surely_within
from schema.tables import CityRow, MembershipRow, OfficialTotalRow, StatisticCellRow
from schema.tables.base import rows_of
from schema.types.basics import Provenance
from schema.vocabulary import Discipline, MembershipStatus, Region, StatisticMeasure, StatisticSlice, Urgency

YEARS_MOST: Final = 20
MEASURES_MOST: Final = 5
FIRST_YEAR: Final = 2006


@plain(see=PUBLIC)
class OfficialTotal:
    """The size of the network as somebody published it."""

    as_of: PartialDate = part("as_of", see=PUBLIC, says="When it was published or held, as precisely as known.")
    members: int = part("members", see=PUBLIC, says="Members it names.")
    countries: int | None = part("countries", see=PUBLIC, says="Countries it names; null when it names none.")
    wording: str = part("wording", see=PUBLIC, says="How it is put: exact, about, over.")
    provenance: Provenance = embedded(
        {"certainty": lambda c: c.certainty, "codes": lambda c: c.codes, "note": lambda c: c.note},
        see=PUBLIC,
        says="How sure it is, and its sources.",
    )


@plain(see=PUBLIC)
class NetworkSize:
    """How many members the recorded periods give for a year, beside what was published then.

    The two differ: for half of the members no joining year is known, and those are told apart.
    """

    year: int = part("year", see=PUBLIC, says="Year; the number is that of its last day, or of today.")
    country: CountryCode | None = part("country", see=PUBLIC, says="Country; null for the whole network.")
    members: int = part("members", see=PUBLIC, says="Members whose recorded period covers the day.")
    undated: int = part(
        "undated", see=PUBLIC, says="Members of today whose first year is not known: they may have been members then."
    )
    official: list[OfficialTotal] = many(
        lambda here, there: and_(
            func.left(there.as_of, 4) == cast(here.year, Text),
            or_(there.country == here.country, and_(there.country.is_(None), here.country.is_(None))),
        ),
        row=OfficialTotalRow,
        parts={
            "as_of": lambda c: c.as_of,
            "members": lambda c: c.members,
            "countries": lambda c: c.countries,
            "wording": lambda c: c.wording,
            "certainty": lambda c: c.certainty,
            "codes": lambda c: c.sources,
            "note": lambda c: c.note,
        },
        order=lambda c: [c.as_of, c.id],
        see=PUBLIC,
        says="Totals published for the year.",
        assumed=1,
    )


def _sizes() -> Any:
    cities, periods = rows_of(CityRow).alias("member"), rows_of(MembershipRow).alias("span")
    this_year = cast(func.left(TODAY_TEXT, 4), Integer)
    years = func.generate_series(FIRST_YEAR, this_year).table_valued("year").render_derived(name="years")
    # The last day of the year, or today in the year that runs.
    day = func.least(cast(years.c.year, Text).op("||")("-12-31"), TODAY_TEXT)
    undated = and_(periods.c.from_on.is_(None), not_(periods.c.ended))
    listed = cities.c.status.in_([MembershipStatus.MEMBER, MembershipStatus.FORMER])
    return (
        select(
            years.c.year,
            cities.c.country,
            func.count(cities.c.id.distinct()).filter(surely_within(day, periods.c)).label("members"),
            func.count(cities.c.id.distinct()).filter(undated).label("undated"),
        )
        .select_from(years)
        .join(cities, listed)
        .join(periods, periods.c.city_id == cities.c.id)
        .group_by(func.grouping_sets(tuple_(years.c.year, cities.c.country), tuple_(years.c.year)))
        .subquery("size")
    )


SIZES: Final = _sizes()


@input_object
class NetworkSizeWhere:
    """Which sizes. Bounded: at most 20 years."""

    from_year: int = holds(
        lambda c, year: c.year >= year, required=True, see=PUBLIC, says="First year, 2006 at the earliest."
    )
    until_year: int = holds(
        lambda c, year: c.year <= year, required=True, see=PUBLIC, says="Last year, less than 20 on."
    )
    by_country: bool | None = holds(
        lambda c, split: c.country.is_not(None) == split,
        absent=False,
        see=PUBLIC,
        says="One row for each country; one for the whole network when not given.",
    )


@plain(see=TOTALS)
class StatisticCell:
    """One number of the yearly publication. Cells are frozen, so that two readings cannot be subtracted."""

    measure: StatisticMeasure = part("measure", see=TOTALS, says="What is counted.")
    year: int = part("year", see=TOTALS, says="Year.")
    host_country: CountryCode | None = part("host_country", see=TOTALS, says="Host country; null unless sliced by it.")
    origin_region: Region | None = part("origin_region", see=TOTALS, says="Region of origin; null unless sliced by it.")
    discipline: Discipline | None = part("discipline", see=TOTALS, says="Discipline; null unless sliced by it.")
    urgency: Urgency | None = part("urgency", see=TOTALS, says="Urgency; null unless sliced by it.")
    count: int | None = part("count", see=TOTALS, says="The number; null when suppressed.")
    suppressed: bool = part("suppressed", see=TOTALS, says="True when under five, or needed to hide a cell under five.")


@input_object
class StatisticWhere:
    """Which numbers. Bounded: at most 20 years."""

    measures: list[StatisticMeasure] = matches(
        StatisticCellRow.measure, required=True, see=TOTALS, says="Measures, at most 5."
    )
    slice: StatisticSlice = matches(StatisticCellRow.slice, required=True, see=TOTALS, says="How to cut them.")
    from_year: int = holds(lambda c, year: c.year >= year, required=True, see=TOTALS, says="First year.")
    until_year: int = holds(
        lambda c, year: c.year <= year, required=True, see=TOTALS, says="Last year, less than 20 on."
    )


def bounded(where: Mapping[str, Any]) -> None:
    """Refuse a `where` over more than 20 years or 5 measures; ValueError says so."""
    if where["untilYear"] - where["fromYear"] >= YEARS_MOST:
        raise ValueError(f"At most {YEARS_MOST} years at a time.")
    if len(where.get("measures", ())) > MEASURES_MOST:
        raise ValueError(f"At most {MEASURES_MOST} measures at a time.")
