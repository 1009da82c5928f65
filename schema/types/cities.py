"""Members of the network: cities, regions, universities and houses, with their periods and coordinators."""

from typing import Any, Final

import strawberry
from sqlalchemy import ColumnElement, Text, cast, exists, func, select

from schema.access import NETWORK, PUBLIC, SECRETARIAT, AnyOf, Columns, RowIs
from schema.scalars import CountryCode, Date, PartialDate
from schema.source import Ordering, column, computed, holds, input_object, many, matches, one, page, part, plain, record
from schema.standing import surely_within
from schema.tables import CityRow, CoordinatorCityRow, CoordinatorRow, MembershipRow, PlaceRow
from schema.tables.base import rows_of
from schema.types.basics import (
    Connection,
    CountryFilter,
    Filter,
    Node,
    OrderDirection,
    Period,
    Provenance,
    TextFilter,
    period,
    provenance,
)
from schema.types.openings import PLACES_IN_ORDER, Place, PlaceWhere
from schema.types.organisations import Organisation
from schema.types.residents import RESIDENT_ORDERS, Resident, ResidentOrderField
from schema.vocabulary import CityKind, EarlierNetwork, MembershipStatus, PermitRoute, Region
from schema.vocabulary.base import Vocabulary, vocabulary

LISTED: Final = AnyOf(
    (
        RowIs(
            "member now or once",
            lambda c: c.status.in_([MembershipStatus.MEMBER, MembershipStatus.FORMER, MembershipStatus.PREDECESSOR]),
        ),
        SECRETARIAT,
    )
)
"""Members now or once are seen by all; prospects and names without proof by the secretariat only."""


def _joined(c: Columns) -> ColumnElement[Any]:
    periods = rows_of(MembershipRow).alias()
    first = select(func.min(periods.c.from_on)).where(periods.c.city_id == c.id)
    return func.coalesce(first.correlate_except(periods).scalar_subquery(), "9999")


def _was_member(c: Columns, day: ColumnElement[Any]) -> ColumnElement[bool]:
    periods = rows_of(MembershipRow).alias()
    member = surely_within(cast(day, Text), periods.c)
    return exists().where(periods.c.city_id == c.id, member).correlate_except(periods)


@plain(see=NETWORK)
class Coordinator:
    """A coordinator of a city. Named for work, not in public."""

    name: str = part("name", see=NETWORK, says="Name used at work.")
    email: str | None = part("email", see=NETWORK, says="Address at work; null when the city gives none.")
    since: PartialDate | None = part("since", see=NETWORK, says="Since when; null when not known.")


def _serves(here: Columns, there: Columns) -> ColumnElement[bool]:
    links = rows_of(CoordinatorCityRow).alias()
    return exists().where(links.c.city_id == here.id, links.c.coordinator_id == there.id).correlate_except(links)


def _confirmed(c: Columns) -> ColumnElement[Any]:
    places = rows_of(PlaceRow).alias()
    latest = select(func.max(places.c.confirmed_on)).where(places.c.city_id == c.id)
    return latest.correlate_except(places).scalar_subquery()


@record(CityRow, code="ct", keys=("slug",), see=PUBLIC, rows=LISTED, entity=True)
class City(Node):
    """A host of the network, now or once: a city, a region, a university, a house. Unverified members are not shown."""

    id: strawberry.ID = column(CityRow.id, see=PUBLIC, says="Opaque id.")
    slug: str = column(CityRow.slug, see=PUBLIC, says="Readable natural key, such as no-stavanger. Never changes.")
    name: str = column(CityRow.name, see=PUBLIC, says="Name.")
    kind: CityKind = column(CityRow.kind, see=PUBLIC, says="Sort of member.")
    country: CountryCode = column(CityRow.country, see=PUBLIC, says="Country.")
    region: Region = column(CityRow.region, see=PUBLIC, says="Region of the country.")
    latitude: float | None = column(
        CityRow.latitude, see=PUBLIC, says="Degrees north of the centre; null when not known."
    )
    longitude: float | None = column(
        CityRow.longitude, see=PUBLIC, says="Degrees east of the centre; null when not known."
    )
    status: MembershipStatus = column(CityRow.status, see=PUBLIC, says="Standing today.")
    memberships: list[Period] = many(
        lambda here, there: there.city_id == here.id,
        row=MembershipRow,
        parts=period("from_on", "until_on", "ended"),
        order=lambda c: [func.coalesce(c.from_on, "9999"), c.id],
        see=PUBLIC,
        says="Every period of membership, earliest first; empty for predecessors.",
        assumed=3,
    )
    joined_basis: str | None = column(
        CityRow.joined_basis, see=PUBLIC, says="On what the first year rests; null when none is known."
    )
    earlier_network: EarlierNetwork | None = column(
        CityRow.earlier_network, see=PUBLIC, says="Network before 2006; null when none."
    )
    earlier_network_note: str | None = column(
        CityRow.earlier_network_note, see=PUBLIC, says="The earlier network as recorded; null when none."
    )
    capital_of_culture_year: int | None = column(
        CityRow.capital_of_culture_year, see=PUBLIC, says="Year as European Capital of Culture; null when never."
    )
    arts_of_democracy: bool = column(
        CityRow.arts_of_democracy, see=PUBLIC, says="True when it takes part in Arts of Democracy."
    )
    coordinating_body: Organisation | None = one(
        lambda here, there: there.id == here.coordinating_body_id,
        see=PUBLIC,
        says="Body that runs the refuge there and is published; null when not published or not in the graph.",
    )
    coordinating_body_name: str | None = column(
        CityRow.coordinating_body_name,
        see=PUBLIC,
        says="Name of the body that runs the refuge there, as published; null when not published.",
    )
    residents: Connection[Resident] = page(
        on=lambda here, there: there.city_id == here.id,
        default=RESIDENT_ORDERS[ResidentOrderField.NAME],
        see=PUBLIC,
        says="Residents who chose to be shown here.",
    )
    coordinators: list[Coordinator] | None = many(
        _serves,
        row=CoordinatorRow,
        parts={"name": lambda c: c.name, "email": lambda c: c.email, "since": lambda c: c.since},
        order=lambda c: [c.name.collate("C"), c.id],
        see=NETWORK,
        says="Coordinators, some shared with a neighbour.",
        assumed=3,
    )
    places: Connection[Place] | None = page(
        on=lambda here, there: there.city_id == here.id,
        where=PlaceWhere,
        default=PLACES_IN_ORDER,
        see=NETWORK,
        says="Places of the city.",
    )
    capacity_confirmed_on: Date | None = computed(
        _confirmed, see=NETWORK, says="Last day the city confirmed its places; null when never."
    )
    residency_months: int | None = column(CityRow.residency_months, see=NETWORK, says="Usual length of a stay.")
    permit_route: PermitRoute | None = column(
        CityRow.permit_route,
        see=NETWORK,
        says="How a resident gets a permit in this country; null when not recorded.",
    )
    provenance: Provenance = provenance(CityRow)


@input_object
class CityWhere:
    """Which members. All conditions must hold."""

    slug: TextFilter | None = matches(CityRow.slug, folded=True, see=PUBLIC, says="By natural key.")
    name: TextFilter | None = matches(CityRow.name_key, folded=True, see=PUBLIC, says="By name.")
    kind: Filter[CityKind] | None = matches(CityRow.kind, see=PUBLIC, says="By kind.")
    country: CountryFilter | None = matches(CityRow.country, see=PUBLIC, says="By country.")
    region: Filter[Region] | None = matches(CityRow.region, see=PUBLIC, says="By region.")
    status: MembershipStatus | None = matches(
        CityRow.status,
        absent=MembershipStatus.MEMBER,
        see=PUBLIC,
        says="By standing today; members when not given.",
    )
    member_on: Date | None = holds(
        _was_member, see=PUBLIC, says="Was a member on this day; periods without a known beginning do not match."
    )


@vocabulary
class CityOrderField(Vocabulary):
    """Keys to order City by. Each has an index."""

    NAME = ("name", "By name.")
    COUNTRY = ("country", "By country, then name.")
    JOINED = ("joined", "By first membership; those without a known year last.")


@input_object
class CityOrder:
    """An order of City."""

    field: CityOrderField = strawberry.field(description="Key.")
    direction: OrderDirection = strawberry.field(description="Direction.", default=OrderDirection.ASC)


CITY_ORDERS: Final = {
    CityOrderField.NAME: Ordering(lambda c: [c.name_key], see=PUBLIC),
    CityOrderField.COUNTRY: Ordering(lambda c: [c.country, c.name_key], see=PUBLIC),
    CityOrderField.JOINED: Ordering(lambda c: [_joined(c), c.name_key], see=PUBLIC),
}
