"""Made-up yearly numbers, published as real ones would be: no cell under five, and none that can be worked out."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from hub.synthetic.chance import Chance, marked
from schema.vocabulary import Discipline, Region, StatisticMeasure, StatisticSlice, Urgency

LEAST: Final = 5
_ORIGINS: Final = (
    Region.NORTHERN_AFRICA,
    Region.EASTERN_AFRICA,
    Region.CARIBBEAN,
    Region.SOUTHERN_ASIA,
    Region.WESTERN_ASIA,
    Region.EASTERN_EUROPE,
)
_DISCIPLINES: Final = (Discipline.JOURNALISM, Discipline.POETRY, Discipline.NOVEL, Discipline.MUSIC, Discipline.CARTOON)
_PERSONS: Final = (StatisticSlice.YEAR_AND_ORIGIN_REGION, StatisticSlice.YEAR_AND_DISCIPLINE)
_HOSTS: Final = (StatisticSlice.YEAR_AND_HOST_COUNTRY,)
_URGENCY: Final = (StatisticSlice.YEAR_AND_URGENCY,)
_SLICES: Final = {
    StatisticMeasure.MEMBERS: (70, _HOSTS),
    StatisticMeasure.PLACES: (95, _HOSTS),
    StatisticMeasure.APPLICATIONS: (120, (*_PERSONS, *_URGENCY)),
    StatisticMeasure.APPROVALS: (60, (*_PERSONS, *_URGENCY)),
    StatisticMeasure.RESIDENCIES_STARTED: (20, (*_HOSTS, *_PERSONS)),
    StatisticMeasure.RESIDENCIES_RUNNING: (45, (*_HOSTS, *_PERSONS)),
    StatisticMeasure.REFERRALS_SENT: (40, _URGENCY),
    StatisticMeasure.REFERRALS_RECEIVED: (35, _URGENCY),
    StatisticMeasure.REFERRALS_HELPED: (15, _URGENCY),
}


def suppress(counts: Sequence[int]) -> list[int | None]:
    """Hide small cells of a group whose total is published, and enough others that none can be worked out.

    Hidden are all cells under five; then, smallest first, further ones until at least two are hidden that come to
    five or more together.
    """
    hidden = {index for index, count in enumerate(counts) if count < LEAST}
    rest = sorted((index for index in range(len(counts)) if index not in hidden), key=lambda index: counts[index])
    while hidden and rest and (len(hidden) == 1 or sum(counts[index] for index in hidden) < LEAST):
        hidden.add(rest.pop(0))
    return [None if index in hidden else count for index, count in enumerate(counts)]


def cells(chance: Chance, years: range, countries: Sequence[str]) -> Iterator[dict[str, Any]]:  # Any: values of a row
    """Make the cells of some years: a total for each measure and year, and its slices, which sum to it."""
    for measure, (size, slices) in _SLICES.items():
        for year in years:
            total = chance.randint(size * 2 // 3, size * 4 // 3)
            yield _cell(chance, measure, StatisticSlice.YEAR, year, total if total >= LEAST else None)
            for slice_ in slices:
                column, values = _axis(slice_, countries)
                for value, count in zip(values, suppress(_parts(chance, total, len(values))), strict=True):
                    yield _cell(chance, measure, slice_, year, count) | {column: value}


def _axis(slice_: StatisticSlice, countries: Sequence[str]) -> tuple[str, Sequence[str]]:
    match slice_:
        case StatisticSlice.YEAR_AND_HOST_COUNTRY:
            return "host_country", countries
        case StatisticSlice.YEAR_AND_ORIGIN_REGION:
            return "origin_region", _ORIGINS
        case StatisticSlice.YEAR_AND_DISCIPLINE:
            return "discipline", _DISCIPLINES
        case _:
            return "urgency", tuple(Urgency)


def _parts(chance: Chance, total: int, count: int) -> list[int]:
    """Share a total out unevenly."""
    weights = [1 / (index + 1) for index in range(count)]
    parts = [0] * count
    for index in chance.choices(range(count), weights, k=total):
        parts[index] += 1
    return parts


def _cell(
    chance: Chance, measure: StatisticMeasure, slice_: StatisticSlice, year: int, count: int | None
) -> dict[str, Any]:  # Any: values of a row
    return marked() | {
        "id": chance.uuid(),
        "measure": measure,
        "slice": slice_,
        "year": year,
        "host_country": None,
        "origin_region": None,
        "discipline": None,
        "urgency": None,
        "count": count,
        "suppressed": count is None,
    }
