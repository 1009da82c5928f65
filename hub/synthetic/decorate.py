"""The real members completed with made-up coordinators, places, residents, agreements and numbers."""

from collections.abc import Iterable, Sequence
from datetime import date
from math import cos, hypot, radians
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import SQLModel

from hub.errors import DataRejected
from hub.store.rows import columns, with_keys
from hub.synthetic.chance import SOURCE, Chance
from hub.synthetic.rows import Made, agreement, coordinator, opening, place, resident, work
from hub.synthetic.statistics import cells
from schema.tables import (
    AgreementRow,
    CityRow,
    CoordinatorCityRow,
    CoordinatorRow,
    OrganisationRow,
    PartnerOpeningRow,
    PlaceRow,
    ResidentRow,
    SourceRow,
    StatisticCellRow,
    WorkRow,
)
from schema.tables.base import table_of
from schema.vocabulary import Certainty, Liaison, MembershipStatus

NEIGHBOURS_KM: Final = 60
_KM_PER_DEGREE: Final = 111.2
_YEARS: Final = 10
_ROOM: Final = "decorate"


def decorate(engine: Engine, *, seed: int, today: date) -> dict[str, int]:
    """Hang made-up rows onto the real members and bodies; cities and bodies themselves are left as they are.

    Twice with the same seed adds nothing the second time.

    Returns:
        How many rows were added, by table.

    Raises:
        DataRejected: there are no members, or they are decorated with another seed already.
    """
    with engine.begin() as connection:
        return {table_of(row).name: _add(connection, row, made) for row, made in _all(connection, seed, today)}


def _all(connection: Connection, seed: int, today: date) -> Iterable[tuple[type[SQLModel], Sequence[Made]]]:
    city, organisation = columns(CityRow), columns(OrganisationRow)
    members = select(table_of(CityRow)).where(
        city.status == MembershipStatus.MEMBER, city.certainty != Certainty.SYNTHETIC
    )
    cities = [dict(row) for row in connection.execute(members.order_by(city.slug)).mappings()]
    bodies = select(table_of(OrganisationRow)).where(
        organisation.refers_to_icorn != Liaison.SELF, organisation.certainty != Certainty.SYNTHETIC
    )
    organisations = [dict(row) for row in connection.execute(bodies.order_by(organisation.slug)).mappings()]
    if not cities:
        raise DataRejected("there are no members to decorate: import the facts first")
    coordinators, serving = _coordinators(Chance(seed, _ROOM, "coordinator"), cities, today)
    _refuse_other_seed(connection, {row["id"] for row in coordinators})
    residents, works = _residents(Chance(seed, _ROOM, "resident"), cities, seed, today)
    countries = sorted({city["country"] for city in cities})
    years = range(today.year - _YEARS, today.year)
    yield SourceRow, [{"code": SOURCE, "address": "no page", "about": "made up, for demonstration and tests"}]
    yield CoordinatorRow, coordinators
    yield CoordinatorCityRow, serving
    yield PlaceRow, _places(Chance(seed, _ROOM, "place"), cities, today)
    yield ResidentRow, residents
    yield WorkRow, works
    yield AgreementRow, _agreements(Chance(seed, _ROOM, "agreement"), organisations, today)
    yield PartnerOpeningRow, _openings(Chance(seed, _ROOM, "opening"), organisations, today)
    yield StatisticCellRow, list(cells(Chance(seed, _ROOM, "statistic"), years, countries))


def _add(connection: Connection, row: type[SQLModel], made: Sequence[Made]) -> int:
    if not made:
        return 0
    count = select(func.count()).select_from(table_of(row))
    before = connection.scalar(count) or 0
    full = [with_keys(row, values) for values in made]
    connection.execute(insert(table_of(row)).on_conflict_do_nothing(), full)
    return (connection.scalar(count) or 0) - before


def _refuse_other_seed(connection: Connection, ids: set[UUID]) -> None:
    c = columns(CoordinatorRow)
    other = select(c.id).where(c.certainty == Certainty.SYNTHETIC, c.id.not_in(ids)).limit(1)
    if connection.scalar(other) is not None:
        raise DataRejected("there are made-up rows of another seed already")


def _coordinators(chance: Chance, cities: Sequence[Made], today: date) -> tuple[list[Made], list[Made]]:
    """Give each city a coordinator; the nearest neighbours within reach share one, each with at most one other."""
    coordinators: list[Made] = []
    serving: list[Made] = []
    served: set[UUID] = set()
    for city in cities:
        if city["id"] in served:
            continue
        coordinators.append(coordinator(chance, len(coordinators) + 1, today))
        free = [other for other in cities if other["id"] not in served and other["id"] != city["id"]]
        near = min(free, key=lambda other: distance_km(city, other), default=None)  # used at once
        together = near is not None and near["country"] == city["country"] and distance_km(city, near) < NEIGHBOURS_KM
        for one in (city, near) if together and near is not None else (city,):
            serving.append({"city_id": one["id"], "coordinator_id": coordinators[-1]["id"]})
            served.add(one["id"])
    return coordinators, serving


def distance_km(one: Made, other: Made) -> float:
    """Measure roughly how far two cities are apart; without a position they are far."""
    if None in (one["latitude"], one["longitude"], other["latitude"], other["longitude"]):
        return float("inf")
    north = one["latitude"] - other["latitude"]
    east = (one["longitude"] - other["longitude"]) * cos(radians(one["latitude"]))
    return hypot(north, east) * _KM_PER_DEGREE


def _places(chance: Chance, cities: Sequence[Made], today: date) -> list[Made]:
    return [
        place(chance, city["id"], n + 1, today) for city in cities for n in range(chance.choice((1, 1, 1, 2, 2, 3)))
    ]


def _residents(chance: Chance, cities: Sequence[Made], seed: int, today: date) -> tuple[list[Made], list[Made]]:
    residents = [
        resident(chance, city["id"], f"syn-{seed}-{city['slug']}-{n + 1}", today)
        for city in cities
        for n in range(chance.choice((0, 1, 1, 2, 3)))
    ]
    works = [work(chance, person["id"], today) for person in residents for _ in range(chance.randint(0, 4))]
    return residents, works


def _agreements(chance: Chance, organisations: Sequence[Made], today: date) -> list[Made]:
    return [agreement(chance, body["id"], today) for body in organisations if chance.random() < 0.6]  # noqa: PLR2004  # more than half


def _openings(chance: Chance, organisations: Sequence[Made], today: date) -> list[Made]:
    return [
        opening(chance, body["id"], body["country"], body["support"], today)
        for body in organisations
        if body["support"]
        for _ in range(chance.randint(0, 2))
    ]
