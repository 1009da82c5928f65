"""Worlds of rows for the oracle and the planner: small, made from a seed, and full of what breaks compilers.

Texts with quotes, backslashes, line ends, control characters and emoji; names that differ by accent and case alone;
missing values wherever a column allows them; empty lists; members without proof; days at the edge of the calendar.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

import psycopg
from oracle.rows import TABLES
from psycopg import sql

from schema.text import fold
from schema.vocabulary import (
    AgreementState,
    Category,
    Certainty,
    CityKind,
    Discipline,
    EarlierNetwork,
    EventKind,
    Liaison,
    MembershipStatus,
    OrganisationKind,
    PermitRoute,
    Purpose,
    Region,
    StatisticMeasure,
    StatisticSlice,
    SupportKind,
    TermRole,
    Urgency,
)

Row = dict[str, Any]
Tables = dict[str, list[Row]]

NAMES: Final = (
    "Oslo",
    "OSLO",
    "Ösló",
    "oslo ",
    "Łódź",
    "lodz",
    "São Paulo",
    "Sao  Paulo",
    "Malmö",
    "Malmo\u0308",
    "Tromsø",
    "İstanbul",
    "Straße",
    "STRASSE",
    "ﬁnland",
    "شهر پناه",
    "避难城市",
    "a_b",
    "a%b",
    "axb",
    "100%",
    'said "no"',
    "back\\slash",
    "it's; drop table city --",
    "line\nend\r\ttab",
    "\x01\x08\x1f\x7f\u0085\u2028",
    "🙂 🏳️‍🌈",
    "\uffff last of the plane",
    "\U0001d4b5 beyond the plane",
    '{"name":null}',
    "$1 %s :name {0} ${x}",
    " lead",
    "",
    "zz" * 60,
)
WORDS: Final = ("city", "of", "refuge", "House", "PEN", "Ålesund", "writers'", "Kraków", "nord", "sør", "_", "%", "\\")
COUNTRIES: Final = ("NO", "SE", "DE", "FR", "MX", "US", "PL", "GB")
MANY_COUNTRIES: Final = (
    *("AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR"),
    *("HU", "IE", "IS", "IT", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI"),
)
LINKS: Final = ("https://example.org/a?b=c&d=%20", "http://пример.example/", 'https://example.org/"quoted"')
LANGUAGES: Final = ("en", "no", "fa-AF", "ckb", "zh-Hant")
EDGE_DAYS: Final = (date(1, 1, 1), date(9999, 12, 31), date(1582, 10, 10), date(2024, 2, 29))
EDGE_IDS: Final = ("00000000", "7fffffff", "80000000", "ffffffff")


@dataclass(slots=True)
class World:
    """All rows, and the day on which they are read."""

    seed: int
    today: date
    tables: Tables


@dataclass(slots=True)
class _Maker:
    random: Random
    size: int
    countries: Sequence[str]
    today: date
    tables: Tables = field(default_factory=dict)
    slugs: set[str] = field(default_factory=set)

    def id(self) -> UUID:
        made = UUID(int=self.random.getrandbits(128), version=4)
        if self.random.random() < 0.2:  # ids that are told apart late, and those whose first bit is set
            made = UUID(self.random.choice(EDGE_IDS) + str(made)[8:])
        return made

    def pick(self, values: Sequence[Any]) -> Any:
        return self.random.choice(values)

    def maybe(self, value: Any, chance: float = 0.6) -> Any:
        return value if self.random.random() < chance else None

    def yes(self, chance: float = 0.5) -> bool:
        return self.random.random() < chance

    def code(self, values: Any) -> str:
        return str(self.pick(list(values)).value)

    def codes(self, values: Any, most: int = 4) -> list[str]:
        few = list(values)[:6] if self.yes(0.7) else list(values)
        return [str(value.value) for value in self.random.sample(few, self.random.randint(0, min(most, len(few))))]

    def name(self) -> str:
        if self.yes(0.6):
            return self.pick(NAMES)
        return " ".join(self.random.choices(WORDS, k=self.random.randint(1, 3)))

    def slug(self, of: str) -> str:
        while True:
            made = self.pick((of, f"{of}-{fold(self.name())[:12]}", f"{of.upper()}_{self.random.randint(0, 99)}%"))
            made = f"{made}-{self.random.randint(0, 999)}"
            if made not in self.slugs:
                self.slugs.add(made)
                return made

    def day(self) -> date:
        if self.yes(0.1):
            return self.pick(EDGE_DAYS)
        near = (0, -1, 1, -89, -90, -91, 30, 365)
        return self.today + timedelta(days=self.pick(near) if self.yes(0.6) else self.random.randint(-900, 400))

    def partial(self) -> str:
        if self.yes(0.05):
            return self.pick(("0000", "9999", "9999-12-31", "0001-01"))
        some = self.today + timedelta(
            days=self.random.randint(-7000, 300) if self.yes(0.8) else self.random.randint(-5, 5)
        )
        return self.pick((some.isoformat(), some.isoformat()[:7], some.isoformat()[:4]))

    def fact(self, sources: Sequence[str]) -> Row:
        return {
            "id": self.id(),
            "certainty": self.code(Certainty),
            "sources": self.random.choices(sources, k=self.random.randint(0, 7)) if sources else [],
            "note": self.maybe(self.name(), 0.3),
        }

    def ids(self, table: str) -> list[UUID]:
        return [row["id"] for row in self.tables[table]]

    def some_id(self, table: str, chance: float = 0.7) -> UUID | None:
        ids = self.ids(table)
        return self.maybe(self.pick(ids), chance) if ids else None

    def make(self) -> Tables:
        codes = [f"S{number:02}" for number in range(min(self.size, 9))]
        self.tables["source"] = [
            {"code": code, "address": self.pick((*LINKS, self.name())), "about": self.name()} for code in codes
        ]
        known = [*codes, "MISSING"]
        for table, make in (
            ("organisation", self.organisation),
            ("city", self.city),
            ("coordinator", self.coordinator),
            ("figure", self.figure),
            ("project", self.project),
            ("timeline_entry", self.entry),
            ("official_total", self.total),
        ):
            self.tables[table] = [self.fact(known) | make() for _ in range(self.count())]
        cities, bodies = self.tables["city"], self.tables["organisation"]
        self.tables["membership"] = [
            self.fact(known) | self.membership(city) for city in cities for _ in range(self.pick((0, 1, 1, 1, 2, 5)))
        ]
        self.tables["place"] = [
            self.fact(known) | self.place(city) for city in cities for _ in range(self.pick((0, 0, 1, 2, 4)))
        ]
        self.tables["agreement"] = [self.fact(known) | self.agreement(body) for body in bodies if self.yes(0.7)]
        self.tables["partner_opening"] = [
            self.fact(known) | self.opening(body) for body in bodies for _ in range(self.pick((0, 1, 2)))
        ]
        self.tables["resident"] = [self.fact(known) | self.resident() for _ in range(self.count())]
        self.tables["work"] = [
            self.fact(known) | self.work(person)
            for person in self.tables["resident"]
            for _ in range(self.pick((0, 0, 1, 2, 4)))
        ]
        self.tables["term"] = [self.fact(known) | self.term() for _ in range(self.count())]
        self.tables["event"] = [self.fact(known) | self.event() for _ in range(self.count())]
        self.tables["resolution"] = [
            self.fact(known) | self.resolution(event)
            for event in self.tables["event"]
            for _ in range(self.pick((0, 0, 1, 3, 12)))
        ]
        self.tables["coordinator_city"] = self.links("city_id", cities, "coordinator_id", self.tables["coordinator"], 5)
        self.tables["project_city"] = self.links("project_id", self.tables["project"], "city_id", cities, 15)
        self.tables["statistic_cell"] = self.cells(known)
        return self.tables

    def count(self) -> int:
        return self.random.randint(max(0, self.size - 6), self.size)

    def links(self, left: str, lefts: list[Row], right: str, rights: list[Row], most: int) -> list[Row]:
        return [
            {left: one["id"], right: other["id"]}
            for one in lefts
            for other in self.random.sample(rights, self.random.randint(0, min(most, len(rights))))
        ]

    def named(self, column: str = "name") -> Row:
        name = self.name()
        return {column: name, f"{column}_key": fold(name)}

    def organisation(self) -> Row:
        acronym = self.maybe(self.name())
        return {
            "slug": self.slug("body"),
            **self.named(),
            "acronym": acronym,
            "acronym_key": None if acronym is None else fold(acronym),
            "kind": self.code(OrganisationKind),
            "country": self.maybe(self.pick(self.countries)),
            "website": self.maybe(self.pick(LINKS)),
            "mandate": self.maybe(self.name()),
            "beneficiaries": self.maybe(self.name()),
            "support": self.codes(SupportKind),
            "support_other": self.random.choices(NAMES, k=self.random.randint(0, 3)),
            "disciplines": self.codes(Discipline),
            "standing": self.maybe(self.name()),
            "refers_to_icorn": self.code(Liaison),
            "receives_from_icorn": self.code(Liaison),
        }

    def city(self) -> Row:
        member = MembershipStatus.MEMBER.value
        return {
            "slug": self.slug("no"),
            **self.named(),
            "kind": self.code(CityKind),
            "country": self.pick(self.countries),
            "region": self.code(list(Region)[15:18]),
            "latitude": self.maybe(self.pick((59.9, 60.0, -0.0, 1e-7, -33.86785, 0.1 + 0.2, 90.0))),
            "longitude": self.maybe(self.random.uniform(-180, 180)),
            "status": member if self.yes(0.6) else self.code(MembershipStatus),
            "joined_basis": self.maybe(self.name()),
            "earlier_network": self.maybe(self.code(EarlierNetwork)),
            "earlier_network_note": self.maybe(self.name()),
            "capital_of_culture_year": self.maybe(self.random.randint(1985, 2033), 0.3),
            "arts_of_democracy": self.yes(),
            "coordinating_body_id": self.some_id("organisation"),
            "coordinating_body_name": self.maybe(self.name()),
            "residency_months": self.maybe(self.pick((0, 12, 24, 2_147_483_647, -1))),
            "permit_route": self.maybe(self.code(PermitRoute)),
        }

    def run(self, *, known: float = 0.75) -> Row:
        return {"from_on": self.maybe(self.partial(), known), "until_on": self.maybe(self.partial(), 0.4)}

    def membership(self, city: Row) -> Row:
        return {"slug": self.slug("period"), "city_id": city["id"], **self.run(), "ended": self.yes(0.3)}

    def coordinator(self) -> Row:
        return {"name": self.name(), "email": self.maybe("who@example.org"), "since": self.maybe(self.partial())}

    def offer(self) -> Row:
        return {
            "title": self.name(),
            "open": self.yes(0.7),
            "support": self.codes(SupportKind),
            "disciplines": self.codes(Discipline),
            "household_max": self.maybe(self.random.randint(1, 6)),
            "months_max": self.maybe(self.pick((6, 12, 24))),
            "languages": self.random.choices(LANGUAGES, k=self.random.randint(0, 3)),
            "available_from": self.maybe(self.day()),
            "confirmed_on": self.maybe(self.day()),
        }

    def place(self, city: Row) -> Row:
        wished = {"step_free": self.maybe(self.yes()), "wished_regions": self.codes(Region)}
        return {"city_id": city["id"], **self.offer(), **wished}

    def opening(self, body: Row) -> Row:
        return {
            "organisation_id": body["id"],
            **self.offer(),
            "country": self.maybe(self.pick(self.countries)),
            "eligibility": self.maybe(self.name()),
            "documents_required": self.maybe(self.name()),
            "applies_by": self.maybe(self.day()),
        }

    def agreement(self, body: Row) -> Row:
        return {
            "organisation_id": body["id"],
            **self.run(),
            "state": self.code(AgreementState),
            "onward_allowed": self.yes(),
            "categories": self.codes(Category),
            "purposes": self.codes(Purpose),
        }

    def resident(self) -> Row:
        return {
            "slug": self.maybe(self.slug("person")),
            **self.named(),
            "disciplines": self.codes(Discipline),
            "origin_country": self.maybe(self.pick(self.countries)),
            "origin_region": self.maybe(self.code(Region)),
            "city_id": self.some_id("city"),
            "host": self.maybe(self.name(), 0.3),
            "stay_from": self.maybe(self.partial()),
            "stay_until": self.maybe(self.partial()),
            "biography": self.maybe("\n\n".join(self.random.choices(NAMES, k=8))),
            "links": self.random.choices(LINKS, k=self.random.randint(0, 3)),
        }

    def work(self, person: Row) -> Row:
        return {
            "resident_id": person["id"],
            **self.named("title"),
            "title_translated": self.maybe(self.name()),
            "discipline": self.code(Discipline),
            "language": self.maybe(self.pick(LANGUAGES)),
            "year": self.maybe(self.pick((1999, 2005, 2005, 9999, 0))),
            "url": self.maybe(self.pick(LINKS)),
        }

    def figure(self) -> Row:
        return {
            "slug": self.slug("figure"),
            **self.named(),
            "role": self.name(),
            "discipline": self.maybe(self.name()),
            "country": self.maybe(self.pick(self.countries)),
            "fact": self.maybe(self.name()),
        }

    def project(self) -> Row:
        return {"slug": self.slug("project"), **self.named(), **self.run(), "summary": self.maybe(self.name())}

    def entry(self) -> Row:
        return {
            "slug": self.slug("entry"),
            **self.run(known=1),
            "place": self.maybe(self.name()),
            "country": self.maybe(self.pick(self.countries)),
            "text": self.name(),
        }

    def term(self) -> Row:
        return {
            "slug": self.slug("term"),
            "name": self.maybe(self.name()),
            "role": self.code(TermRole),
            "city_id": self.some_id("city"),
            "organisation_id": self.some_id("organisation"),
            **self.run(),
            "ended": self.yes(0.3),
        }

    def event(self) -> Row:
        return {
            "slug": self.slug("event"),
            "kind": self.code(EventKind),
            **self.named(),
            **self.run(known=1),
            "city_id": self.some_id("city"),
            "place": self.maybe(self.name()),
            "country": self.maybe(self.pick(self.countries)),
            "summary": self.maybe(self.name()),
            "project_id": self.some_id("project"),
        }

    def resolution(self, event: Row) -> Row:
        return {
            "slug": self.slug("resolution"),
            "event_id": event["id"],
            "sort": self.random.randint(1, 4),
            "number": self.maybe("1"),
            "title": self.name(),
            "text": self.maybe(self.name()),
            "adopted": self.yes(),
        }

    def total(self) -> Row:
        year = self.random.randint(self.today.year - 2, self.today.year)
        return {
            "slug": self.slug("total"),
            "as_of": self.pick((f"{year}", f"{year}-05", f"{year}-05-09")),
            "country": self.maybe(self.pick(self.countries), 0.4),
            "members": self.random.randint(0, 90),
            "countries": self.maybe(self.random.randint(0, 20)),
            "wording": self.name(),
        }

    def cells(self, known: Sequence[str]) -> list[Row]:
        """No two cells under one slice, measure, year and value: the publication has one number for each."""
        years = range(self.today.year - 1, self.today.year + 1)
        values: dict[str, tuple[str, Sequence[Any]]] = {
            StatisticSlice.YEAR_AND_HOST_COUNTRY.value: ("host_country", self.countries[:4]),
            StatisticSlice.YEAR_AND_ORIGIN_REGION.value: ("origin_region", [one.value for one in list(Region)[:4]]),
            StatisticSlice.YEAR_AND_DISCIPLINE.value: ("discipline", [one.value for one in list(Discipline)[:4]]),
            StatisticSlice.YEAR_AND_URGENCY.value: ("urgency", [one.value for one in Urgency]),
        }
        none = dict.fromkeys(("host_country", "origin_region", "discipline", "urgency"))
        made = []
        for cut in StatisticSlice:
            column, several = values.get(cut.value, ("host_country", (None,)))
            for measure in list(StatisticMeasure)[: self.size]:
                for year in years:
                    for value in several:
                        if self.yes(0.5):
                            number = self.maybe(self.random.randint(5, 90), 0.7)
                            cell = {"measure": measure.value, "slice": cut.value, "year": year, "count": number}
                            sliced = none | {column: value}
                            made.append(self.fact(known) | cell | sliced | {"suppressed": number is None})
        return made


def make_world(seed: int) -> World:
    """Make the world of a seed: the first is empty, the second tiny, the third spread over many countries."""
    random = Random(f"world {seed}")  # noqa: S311  # not for secrets
    size = {0: 0, 1: 3, 2: 30}.get(seed, random.choice((8, 14, 26)))
    today = {0: date(2026, 11, 21), 1: date(2024, 2, 29), 2: date(2025, 12, 31)}.get(seed)
    today = today or date(2026, 1, 1) + timedelta(days=random.randint(0, 364))
    countries = MANY_COUNTRIES if seed == 2 else COUNTRIES
    return World(seed, today, _Maker(random, size, countries, today).make())


def store(connection: psycopg.Connection, tables: Tables) -> None:
    """Write the rows, parents first."""
    for table in TABLES:
        rows = tables[table]
        if not rows:
            continue
        columns = list(rows[0])
        statement = sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(map(sql.Placeholder, columns)),
        )
        with connection.cursor() as cursor:
            cursor.executemany(statement, rows)
