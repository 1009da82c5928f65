"""A made-up network of any size, from a hundred rows to millions, written through COPY."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

import psycopg
from sqlmodel import SQLModel

from hub.errors import DataRejected
from hub.store.copy import copy_rows
from hub.store.rows import keys, with_keys
from hub.synthetic.chance import MARK, SOURCE, Chance, marked
from hub.synthetic.rows import COUNTRIES, Made, agreement, coordinator, opening, place, resident, work
from hub.synthetic.statistics import cells
from schema.tables import (
    AgreementRow,
    CityRow,
    CoordinatorCityRow,
    CoordinatorRow,
    EventRow,
    MembershipRow,
    OrganisationRow,
    PartnerOpeningRow,
    PlaceRow,
    ProjectCityRow,
    ProjectRow,
    ResidentRow,
    ResolutionRow,
    StatisticCellRow,
    TermRow,
    TimelineEntryRow,
    WorkRow,
)
from schema.tables.base import table_of
from schema.vocabulary import (
    REGION_OF,
    CityKind,
    Discipline,
    EventKind,
    Liaison,
    MembershipStatus,
    OrganisationKind,
    PermitRoute,
    SupportKind,
    TermRole,
)

TODAY: Final = date(2026, 11, 1)
ROWS_PER_CITY: Final = 26
ROWS_PER_YEAR: Final = 5000
"""A year of numbers has about 200 cells; small networks have none."""
_STANDINGS: Final = (MembershipStatus.MEMBER, MembershipStatus.FORMER, MembershipStatus.UNVERIFIED)
Part: TypeAlias = tuple[type[SQLModel], Iterator[Made]]


@dataclass(frozen=True, slots=True)
class _City:
    """What other rows need of a city."""

    id: Any  # UUID; typed Any as rows are
    number: int
    country: str
    member: bool


def generate(*, seed: int, scale: int, today: date = TODAY) -> Iterator[Part]:
    """Make a network of about `scale` rows: each table with its rows, in an order in which references hold."""
    cities: list[_City] = []
    people: list[Any] = []  # ids of residents
    bodies: list[Made] = []
    projects: list[Any] = []
    assemblies: list[Any] = []
    count = max(4, scale // ROWS_PER_CITY)
    yield OrganisationRow, _kept(_organisations(Chance(seed, "organisation"), seed, max(2, count // 4)), bodies)
    yield CityRow, _cities(Chance(seed, "city"), seed, count, cities)
    yield MembershipRow, _memberships(Chance(seed, "membership"), seed, cities, today)
    served: list[Made] = []
    yield CoordinatorRow, _coordinators(Chance(seed, "coordinator"), cities, served, today)
    yield CoordinatorCityRow, iter(served)
    yield PlaceRow, _places(Chance(seed, "place"), cities, today)
    yield AgreementRow, _agreements(Chance(seed, "agreement"), bodies, today)
    yield PartnerOpeningRow, _openings(Chance(seed, "opening"), bodies, today)
    yield ResidentRow, _residents(Chance(seed, "resident"), seed, cities, people, today)
    yield WorkRow, _works(Chance(seed, "work"), people, today)
    yield ProjectRow, _projects(Chance(seed, "project"), seed, count // 20 + 1, projects)
    yield ProjectCityRow, _taking_part(Chance(seed, "project_city"), projects, cities)
    yield EventRow, _events(Chance(seed, "event"), seed, cities, (projects, assemblies))
    yield ResolutionRow, _resolutions(Chance(seed, "resolution"), seed, assemblies)
    yield TermRow, _terms(Chance(seed, "term"), seed, cities)
    yield TimelineEntryRow, _timeline(Chance(seed, "timeline"), seed, count // 20 + 1)
    years = range(today.year - min(20, scale // ROWS_PER_YEAR), today.year)
    countries = sorted({city.country for city in cities})[:20]
    yield StatisticCellRow, cells(Chance(seed, "statistic"), years, countries)


def populate(
    conninfo: str,
    *,
    seed: int,
    scale: int,
    today: date = TODAY,
    progress: Callable[[str, int], None] | None = None,
) -> dict[str, int]:
    """Write a made-up network, in one transaction.

    Args:
        conninfo: address of the database, as `Database.conninfo`.
        seed: the same seed and scale make the same rows.
        scale: about how many rows.
        today: the day the network is seen on.
        progress: called with a table and how many rows of it have gone since the last call.

    Returns:
        How many rows were written, by table.

    Raises:
        DataRejected: rows of this seed are there already.
    """
    written = {}
    with psycopg.connect(conninfo) as connection:
        connection.execute(
            "insert into source values (%s, 'no page', 'made up, for demonstration and tests') on conflict do nothing",
            [SOURCE],
        )
        for row, made in generate(seed=seed, scale=scale, today=today):
            table = table_of(row)
            tell = None if progress is None else _telling(progress, table.name)
            names = [column.name for column in table.c]
            rows = (with_keys(row, values) for values in made) if keys(row) else made
            try:
                written[table.name] = copy_rows(connection, table.name, names, rows, progress=tell)
            except psycopg.errors.UniqueViolation as error:
                raise DataRejected("made-up rows of this seed are there already", seed=seed) from error
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("vacuum analyze")
    return written


def _telling(progress: Callable[[str, int], None], table: str) -> Callable[[int], None]:
    return lambda count: progress(table, count)


def _kept(rows: Iterator[Made], into: list[Made]) -> Iterator[Made]:
    for row in rows:
        into.append(row)
        yield row


def _organisations(chance: Chance, seed: int, count: int) -> Iterator[Made]:
    for number in range(count):
        word = chance.word()
        yield marked() | {
            "id": chance.uuid(),
            "slug": f"syn-{seed}-o{number}",
            "name": f"{word} {MARK}",
            "acronym": chance.maybe(0.5, word[:3].upper()),
            "kind": chance.choice(tuple(OrganisationKind)),
            "country": chance.maybe(0.9, chance.choice(COUNTRIES)),
            "website": chance.maybe(0.5, f"https://example.org/o{number}"),
            "mandate": f"Made up: helps people of {chance.word()}.",
            "beneficiaries": "writers, artists",
            "support": chance.some(tuple(SupportKind), 4, 1),
            "support_other": chance.some(("coordination", "documentation"), 1),
            "disciplines": chance.some(tuple(Discipline), 5),
            "standing": None,
            "refers_to_icorn": chance.choice((Liaison.YES, Liaison.LIKELY, Liaison.UNKNOWN)),
            "receives_from_icorn": chance.choice((Liaison.YES, Liaison.LIKELY, Liaison.UNKNOWN)),
        }


def _cities(chance: Chance, seed: int, count: int, into: list[_City]) -> Iterator[Made]:
    for number in range(count):
        country = chance.choice(COUNTRIES)
        status = chance.choices(_STANDINGS, (17, 2, 1))[0]
        row = marked() | {
            "id": chance.uuid(),
            "slug": f"syn-{seed}-c{number}",
            "name": chance.name(),
            "kind": chance.choices(tuple(CityKind), (20, 2, 1, 1, 1))[0],
            "country": country,
            "region": REGION_OF[country],
            "latitude": round(chance.uniform(-60, 70), 4),
            "longitude": round(chance.uniform(-180, 180), 4),
            "status": status,
            "arts_of_democracy": chance.random() < 0.1,  # noqa: PLR2004  # few
            "residency_months": chance.choice((12, 24, 24, None)),
            "permit_route": chance.choice((*PermitRoute, None)),
        }
        into.append(_City(row["id"], number, country, status is MembershipStatus.MEMBER))
        yield row


def _memberships(chance: Chance, seed: int, cities: Sequence[_City], today: date) -> Iterator[Made]:
    for city in cities:
        first = chance.randint(2006, today.year - 3)
        broken = chance.random() < 0.1  # noqa: PLR2004  # a few left and came back
        yield _membership(chance, f"syn-{seed}-c{city.number}-1", city, (first, broken or not city.member))
        if broken and city.member:
            yield _membership(chance, f"syn-{seed}-c{city.number}-2", city, (first + 2, False))


def _membership(chance: Chance, slug: str, city: _City, period: tuple[int, bool]) -> Made:
    first, ended = period
    return marked() | {
        "id": chance.uuid(),
        "slug": slug,
        "city_id": city.id,
        "from_on": chance.maybe(0.8, str(first)),
        "until_on": f"{first + 1}-12" if ended else None,
        "ended": ended,
    }


def _coordinators(chance: Chance, cities: Sequence[_City], served: list[Made], today: date) -> Iterator[Made]:
    """Make a coordinator for each city, or let the next city share the one before."""
    last: Made | None = None
    for city in cities:
        if last is None or chance.random() > 0.2:  # noqa: PLR2004  # one in five shares
            last = coordinator(chance, city.number + 1, today)
            yield last
        served.append({"city_id": city.id, "coordinator_id": last["id"]})


def _places(chance: Chance, cities: Sequence[_City], today: date) -> Iterator[Made]:
    for city in cities:
        for number in range(chance.randint(1, 3)):
            yield place(chance, city.id, number + 1, today)


def _agreements(chance: Chance, bodies: Sequence[Made], today: date) -> Iterator[Made]:
    return (agreement(chance, body["id"], today) for body in bodies if chance.random() < 0.9)  # noqa: PLR2004  # most


def _openings(chance: Chance, bodies: Sequence[Made], today: date) -> Iterator[Made]:
    for body in bodies:
        for _ in range(chance.randint(0, 4)):
            yield opening(chance, body["id"], body["country"], body["support"], today)


def _residents(chance: Chance, seed: int, cities: Sequence[_City], into: list[Any], today: date) -> Iterator[Made]:
    number = 0
    for city in cities:
        for _ in range(chance.randint(2, 10)):
            row = resident(chance, city.id, f"syn-{seed}-r{number}", today)
            number += 1
            into.append(row["id"])
            yield row


def _works(chance: Chance, people: Sequence[Any], today: date) -> Iterator[Made]:
    for person in people:
        for _ in range(chance.randint(0, 4)):
            yield work(chance, person, today)


def _projects(chance: Chance, seed: int, count: int, into: list[Any]) -> Iterator[Made]:
    for number in range(count):
        first = chance.randint(2007, 2024)
        row = marked() | {
            "id": chance.uuid(),
            "slug": f"syn-{seed}-p{number}",
            "name": chance.name(),
            "from_on": str(first),
            "until_on": str(first + chance.randint(0, 5)),
            "summary": "Made up: several members work together.",
        }
        into.append(row["id"])
        yield row


def _taking_part(chance: Chance, projects: Sequence[Any], cities: Sequence[_City]) -> Iterator[Made]:
    for project in projects:
        for city in chance.sample(cities, min(len(cities), chance.randint(2, 8))):
            yield {"project_id": project, "city_id": city.id}


def _events(
    chance: Chance, seed: int, cities: Sequence[_City], hang: tuple[Sequence[Any], list[Any]]
) -> Iterator[Made]:
    projects, assemblies = hang
    for number in range(max(2, len(cities) // 4)):
        city = chance.choice(cities)
        kind = EventKind.GENERAL_ASSEMBLY if number == 0 else chance.choice(tuple(EventKind))
        start = chance.day(TODAY, before=7000, after=300)
        row = marked() | {
            "id": chance.uuid(),
            "slug": f"syn-{seed}-e{number}",
            "kind": kind,
            "name": chance.name(),
            "from_on": chance.choice((f"{start:%Y}", f"{start:%Y-%m}", f"{start:%Y-%m-%d}")),
            "city_id": chance.maybe(0.8, city.id),
            "country": city.country,
            "summary": chance.maybe(0.5, "Made up: people meet."),
            "project_id": chance.maybe(0.2, chance.choice(projects)),
        }
        if kind is EventKind.GENERAL_ASSEMBLY:
            assemblies.append(row["id"])
        yield row


def _resolutions(chance: Chance, seed: int, assemblies: Sequence[Any]) -> Iterator[Made]:
    for number, assembly in enumerate(assemblies):
        for sort in range(1, chance.randint(2, 5)):
            yield marked() | {
                "id": chance.uuid(),
                "slug": f"syn-{seed}-s{number}-{sort}",
                "event_id": assembly,
                "sort": sort,
                "number": str(sort),
                "title": f"On {chance.word()} {MARK}",
                "text": chance.maybe(0.5, "Made up: the assembly decides."),
                "adopted": chance.random() < 0.8,  # noqa: PLR2004  # most are
            }


def _terms(chance: Chance, seed: int, cities: Sequence[_City]) -> Iterator[Made]:
    for number in range(max(6, len(cities) // 20)):
        first = chance.randrange(2010, 2026, 2)
        yield marked() | {
            "id": chance.uuid(),
            "slug": f"syn-{seed}-t{number}",
            "name": chance.person(),
            "role": chance.choice(tuple(TermRole)),
            "city_id": chance.choice(cities).id,
            "from_on": str(first),
            "until_on": str(first + 2),
            "ended": first + 2 < TODAY.year,
        }


def _timeline(chance: Chance, seed: int, count: int) -> Iterator[Made]:
    for number in range(count):
        day = chance.day(TODAY, before=9000, after=0)
        yield marked() | {
            "id": chance.uuid(),
            "slug": f"syn-{seed}-l{number}",
            "from_on": chance.choice((f"{day:%Y}", f"{day:%Y-%m}")),
            "country": chance.choice(COUNTRIES),
            "text": f"Made up: {chance.word()} joins hands with {chance.word()}.",
        }
