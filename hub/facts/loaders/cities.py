"""Loaders of members, their periods of membership, and the permit routes of their countries.

`cities.csv` knows one year of joining; `memberships.csv` knows more about some cities and then stands in its place.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from hub.facts.loaders.base import Loader, fact, known, ordered
from hub.facts.records import Batch, World
from hub.facts.sheet import Line, Sheet, coded
from hub.store.rows import columns
from schema.tables import CityRow, MembershipRow, OrganisationRow
from schema.text import fold
from schema.vocabulary import REGION_OF, CityKind, EarlierNetwork, MembershipStatus, PermitRoute

_WITH_MEMBERSHIP: Final = (MembershipStatus.MEMBER, MembershipStatus.FORMER)


def earlier_network(text: str | None) -> EarlierNetwork | None:
    """Read which network before 2006 a city belonged to; its own words are kept beside it."""
    match (text or "").split():
        case []:
            return None
        case ["INCA", "era", "host", *_] | ["host", *_]:
            return EarlierNetwork.HOST_2000S
        case [first, *_] if first.rstrip(",") == "INCA":
            return EarlierNetwork.INCA
        case _:
            return EarlierNetwork.CITY_OF_ASYLUM


def _body(text: str | None, world: World) -> UUID | None:
    """Find the organisation a text names, by its name or its natural key; most texts name none."""
    if text is None:
        return None
    name = fold(text.split(" (")[0])
    by_slug = world.ids(OrganisationRow).get(re.sub(r"[^a-z0-9]+", "-", name))
    if by_slug is not None:
        return by_slug
    organisation = columns(OrganisationRow)
    found = world.connection.scalars(select(organisation.id).where(organisation.name_key == name)).all()
    return found[0] if len(found) == 1 else None


def _permit_route(routes: Sheet, slug: str, country: str) -> str | None:
    """Find the route of the city, or else of its country."""
    for city, of in ((slug, country), ("", country)):
        for line in routes:
            if line.cells["city"] == city and line.cells["country"] == of:
                return line.cells["route"]
    return None


def _city(line: Line, routes: Sheet, world: World) -> dict[str, Any]:  # Any: values of a row
    slug, country, body = line.slug("id"), line.country("country"), line.optional("public_coordinating_body")
    if country is None:
        line.text("country")
    route = _permit_route(routes, slug, country or "")
    return fact(line, world) | {
        "id": world.id_of(CityRow, slug),
        "slug": slug,
        "name": line.text("name"),
        "kind": line.one_of("kind", CityKind),
        "country": country,
        "region": REGION_OF.get(country or ""),
        "latitude": line.within("lat", -90, 90),
        "longitude": line.within("lon", -180, 180),
        "status": line.one_of("status", MembershipStatus),
        "joined_basis": line.optional("year_basis"),
        "earlier_network": earlier_network(line.optional("earlier_network")),
        "earlier_network_note": line.optional("earlier_network"),
        "capital_of_culture_year": line.year("ecoc_year"),
        "arts_of_democracy": line.optional("arts_of_democracy") is not None,
        "coordinating_body_id": _body(body, world),
        "coordinating_body_name": body,
        "permit_route": None if route is None else coded(PermitRoute, route),
    }


def _implied(line: Line, city: Mapping[str, Any], world: World) -> dict[str, Any]:  # Any: values of a row
    """Make the one period that a year of joining and a standing imply."""
    joined, left = line.year("year_joined"), line.year("year_left")
    if joined is not None and left is not None and left < joined:
        line.refuse("year_left", f"{left} lies before {joined}")
    return fact(line, world) | {
        "slug": f"{city['slug']}-1",
        "city_id": city["id"],
        "from_on": None if joined is None else str(joined),
        "until_on": None if left is None else str(left),
        "ended": city["status"] is MembershipStatus.FORMER,
        "note": city["joined_basis"],
    }


def _cities(sheet: Sheet, beside: dict[str, Sheet], world: World) -> Sequence[Batch]:
    told = {line.cells["city"] for line in beside["memberships.csv"]}
    cities, periods = [], []
    for line in sheet:
        city = _city(line, beside["permit_routes.csv"], world)
        cities.append(city)
        if city["status"] in _WITH_MEMBERSHIP:
            period = _implied(line, city, world)
            if city["slug"] not in told:
                periods.append(period)
        elif line.cells["year_joined"]:
            line.refuse("year_joined", f"{line.cells['status']} has not joined")
    city, membership = columns(CityRow), columns(MembershipRow)
    told_ids = select(city.id).where(city.slug.in_(told))
    return [
        Batch(CityRow, ("slug",), cities, city.slug.is_not(None)),
        Batch(MembershipRow, ("slug",), periods, membership.city_id.not_in(told_ids)),
    ]


def _memberships(sheet: Sheet, _: dict[str, Sheet], world: World) -> Sequence[Batch]:
    rows = []
    for line in sheet:
        from_on, until_on = ordered(line, "from", "until")
        ended = line.yes("ended")
        if until_on is not None and not ended:
            line.refuse("ended", "a period with a last day has ended")
        line.text("city")
        rows.append(
            fact(line, world)
            | {
                "slug": f"{line.cells['city']}-{line.whole('period')}",
                "city_id": known(line, "city", CityRow, world),
                "from_on": from_on,
                "until_on": until_on,
                "ended": ended,
            }
        )
    membership = columns(MembershipRow)
    of_file = membership.city_id.in_({row["city_id"] for row in rows} - {None})
    return [Batch(MembershipRow, ("slug",), rows, of_file)]


def _permit_routes(sheet: Sheet, _: dict[str, Sheet], world: World) -> Sequence[Batch]:
    for line in sheet:
        line.text("country")
        line.country("country")
        line.one_of("route", PermitRoute)
        fact(line, world)
    return []


PERMIT_ROUTES: Final = Loader(
    "permit_routes.csv",
    ("country", "city", "route", "source", "certainty", "note"),
    ("country", "city"),
    _permit_routes,
    needs=("sources.csv",),
)
MEMBERSHIPS: Final = Loader(
    "memberships.csv",
    ("city", "period", "from", "until", "ended", "source", "certainty", "note"),
    ("city", "period"),
    _memberships,
    needs=("cities.csv",),
)
CITIES: Final = Loader(
    "cities.csv",
    (
        *("id", "name", "kind", "country", "lat", "lon", "year_joined", "year_basis", "year_left", "status"),
        *("earlier_network", "ecoc_year", "arts_of_democracy", "public_coordinating_body"),
        *("source", "certainty", "note"),
    ),
    ("id",),
    _cities,
    needs=("sources.csv", "organisations.csv", "permit_routes.csv"),
    beside=(MEMBERSHIPS, PERMIT_ROUTES),
)
