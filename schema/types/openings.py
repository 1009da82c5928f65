"""Shelter and help on offer: places of cities and programmes of partners, behind one interface."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import strawberry
from sqlalchemy import ColumnElement, String, exists, func, literal, or_, select, union_all
from sqlalchemy import cast as sql_cast

from schema.access import NETWORK, SECRETARIAT, Anyone, Columns, Own, Related, RowIs, network_only
from schema.scalars import CountryCode, Date, LanguageTag
from schema.source import TODAY, Ordering, Union, column, computed, holds, input_object, interface, matches, one, record
from schema.tables import CityRow, PartnerOpeningRow, PlaceRow
from schema.tables.base import rows_of
from schema.types.basics import CountryFilter, DateFilter, Filter, Node, OrderDirection
from schema.vocabulary import Discipline, MembershipStatus, Region, Relation, SupportKind
from schema.vocabulary.base import Vocabulary, vocabulary

if TYPE_CHECKING:
    from schema.types.cities import City
    from schema.types.organisations import Organisation

STALE_AFTER_DAYS: Final = 90
_WISHES: Final = network_only(
    Own("city_id", lambda c: c.city_id), SECRETARIAT, Related(frozenset({Relation.NATIONAL_HELPER}))
)
"""What a city wishes for: for the city itself, national helpers and the secretariat."""


def _of_a_member(c: Columns) -> ColumnElement[bool]:
    cities = rows_of(CityRow).alias()
    member = exists().where(cities.c.id == c.city_id, cities.c.status == MembershipStatus.MEMBER)
    return member.correlate_except(cities)


def _stale(c: Columns) -> ColumnElement[bool]:
    return or_(c.confirmed_on.is_(None), c.confirmed_on < TODAY - STALE_AFTER_DAYS)


def _country(c: Columns) -> ColumnElement[Any]:
    cities = rows_of(CityRow).alias()
    return select(cities.c.country).where(cities.c.id == c.city_id).correlate_except(cities).scalar_subquery()


@interface
class Opening(Node):
    """Shelter or help on offer: a city's place or a partner's programme. One query finds both."""

    title: str = strawberry.field(description="Name of the offer.")
    support: list[SupportKind] = strawberry.field(description="Kinds of help.")
    country: CountryCode | None = strawberry.field(description="Where; null when anywhere.")
    disciplines: list[Discipline] = strawberry.field(description="For whom; empty means no limit.")
    household_max: int | None = strawberry.field(description="Largest household; null when not said.")
    months_max: int | None = strawberry.field(description="Longest help in months; null when not said.")
    languages: list[LanguageTag] = strawberry.field(description="Languages of work there.")
    available_from: Date | None = strawberry.field(
        description="First day as announced, first of a month; null when at once."
    )
    confirmed_on: Date | None = strawberry.field(description="Last day someone vouched for this; null when never.")
    stale: bool = strawberry.field(description="True when nobody has vouched for it in 90 days.")


@record(PlaceRow, code="pl", see=NETWORK, rows=RowIs("its city is a member", _of_a_member))
class Place(Opening):
    """One place in a city. A city may hold two. Which resident fills it is never told here."""

    id: strawberry.ID = column(PlaceRow.id, see=NETWORK, says="Opaque id.")
    title: str = column(PlaceRow.title, see=NETWORK, says="City and kind of place.")
    city: Annotated["City", strawberry.lazy("schema.types.cities")] = one(
        lambda here, there: there.id == here.city_id, see=NETWORK, says="The city."
    )
    open: bool = column(
        PlaceRow.open,
        see=NETWORK,
        says="True when a candidate may be presented. Filled, reserved and closed look alike from outside.",
    )
    support: list[SupportKind] = column(PlaceRow.support, see=NETWORK, says="RESIDENCY, with what else the city gives.")
    country: CountryCode | None = computed(_country, see=NETWORK, says="Country of the city.")
    disciplines: list[Discipline] = column(
        PlaceRow.disciplines, see=NETWORK, says="Wished for, soft; empty means no wish."
    )
    household_max: int | None = column(
        PlaceRow.household_max, see=NETWORK, says="Largest household that fits; a hard limit."
    )
    months_max: int | None = column(PlaceRow.months_max, see=NETWORK, says="Length of stay in months.")
    languages: list[LanguageTag] = column(PlaceRow.languages, see=NETWORK, says="Languages of work there.")
    available_from: Date | None = column(
        PlaceRow.available_from, see=NETWORK, says="First day as announced, first of a month; null when at once."
    )
    confirmed_on: Date | None = column(
        PlaceRow.confirmed_on, see=NETWORK, says="Last day the city vouched for it; null when never."
    )
    stale: bool = computed(_stale, see=NETWORK, says="True when the city has not vouched for it in 90 days.")
    step_free: bool | None = column(PlaceRow.step_free, see=NETWORK, says="Home without steps; null when not said.")
    wished_regions: list[Region] | None = column(
        PlaceRow.wished_regions,
        see=_WISHES,
        says="Regions of origin the city would welcome, soft. The city itself, national helpers, secretariat.",
    )


@record(PartnerOpeningRow, code="po", see=NETWORK, rows=Anyone())
class PartnerOpening(Opening):
    """A programme of a partner that takes people in or helps them."""

    id: strawberry.ID = column(PartnerOpeningRow.id, see=NETWORK, says="Opaque id.")
    title: str = column(PartnerOpeningRow.title, see=NETWORK, says="Name of the programme.")
    organisation: Annotated["Organisation", strawberry.lazy("schema.types.organisations")] = one(
        lambda here, there: there.id == here.organisation_id, see=NETWORK, says="The body that offers it."
    )
    support: list[SupportKind] = column(PartnerOpeningRow.support, see=NETWORK, says="Kinds of help.")
    country: CountryCode | None = column(PartnerOpeningRow.country, see=NETWORK, says="Where; null when anywhere.")
    disciplines: list[Discipline] = column(
        PartnerOpeningRow.disciplines, see=NETWORK, says="For whom; empty means no limit."
    )
    household_max: int | None = column(
        PartnerOpeningRow.household_max, see=NETWORK, says="Largest household; null when not said."
    )
    months_max: int | None = column(
        PartnerOpeningRow.months_max, see=NETWORK, says="Longest help in months; null when not said."
    )
    languages: list[LanguageTag] = column(PartnerOpeningRow.languages, see=NETWORK, says="Languages of work there.")
    available_from: Date | None = column(
        PartnerOpeningRow.available_from, see=NETWORK, says="First day as announced; null when at once."
    )
    confirmed_on: Date | None = column(
        PartnerOpeningRow.confirmed_on, see=NETWORK, says="Last day the partner vouched for it; null when never."
    )
    stale: bool = computed(_stale, see=NETWORK, says="True when nobody has vouched for it in 90 days.")
    eligibility: str | None = column(
        PartnerOpeningRow.eligibility, see=NETWORK, says="Who may apply, in the partner's words; null when not said."
    )
    documents_required: str | None = column(
        PartnerOpeningRow.documents_required, see=NETWORK, says="What must be sent; null when not said."
    )
    applies_by: Date | None = column(
        PartnerOpeningRow.applies_by, see=NETWORK, says="Closing day; null when always open."
    )


@input_object
class PlaceWhere:
    """Which places. All conditions must hold."""

    open: bool | None = matches(PlaceRow.open, see=NETWORK, says="Open now.")
    confirmed_on: DateFilter | None = matches(PlaceRow.confirmed_on, see=NETWORK, says="Vouched for then.")


PLACES_IN_ORDER: Final = Ordering(lambda c: [c.title.collate("C")], see=NETWORK)


def _openings() -> Union:
    places, cities, partners = rows_of(PlaceRow), rows_of(CityRow).alias("opening_city"), rows_of(PartnerOpeningRow)
    same = ("open", "support", "disciplines", "household_max", "months_max", "available_from", "confirmed_on")
    return Union(
        union_all(
            select(literal("pl").label("kind"), places.c.id, cities.c.country, *(places.c[name] for name in same))
            .select_from(places)
            .join(cities, cities.c.id == places.c.city_id),
            select(
                literal("po").label("kind"),
                partners.c.id,
                sql_cast(partners.c.country, String).label("country"),
                *(partners.c[name] for name in same),
            ),
        ).subquery("opening")
    )


OPENINGS: Final = _openings()
"""Places and partner openings under the columns that both have."""


@input_object
class OpeningWhere:
    """Which openings. All conditions must hold."""

    open: bool | None = matches(PlaceRow.open, absent=True, see=NETWORK, says="Open now; true when not given.")
    support: Filter[SupportKind] | None = matches(PlaceRow.support, see=NETWORK, says="Gives such help.")
    country: CountryFilter | None = matches(CityRow.country, see=NETWORK, says="In such a country.")
    discipline: Filter[Discipline] | None = matches(
        PlaceRow.disciplines, empty=True, see=NETWORK, says="For such people, or without limit."
    )
    household_of: int | None = holds(
        lambda c, size: or_(c.household_max.is_(None), c.household_max >= size),
        see=NETWORK,
        says="Takes a household of this size.",
    )
    available_before: Date | None = holds(
        lambda c, day: or_(c.available_from.is_(None), c.available_from < day),
        see=NETWORK,
        says="Available before this day.",
    )
    confirmed_on: DateFilter | None = matches(PlaceRow.confirmed_on, see=NETWORK, says="Vouched for then.")


@vocabulary
class OpeningOrderField(Vocabulary):
    """Keys to order Opening by. Each has an index."""

    AVAILABLE_FROM = ("available_from", "By first day; what is free at once comes first.")
    CONFIRMED_ON = ("confirmed_on", "By the day someone last vouched for it; never comes first.")


@input_object
class OpeningOrder:
    """An order of Opening."""

    field: OpeningOrderField = strawberry.field(description="Key.")
    direction: OrderDirection = strawberry.field(description="Direction.", default=OrderDirection.ASC)


OPENING_ORDERS: Final = {
    OpeningOrderField.AVAILABLE_FROM: Ordering(
        lambda c: [func.coalesce(sql_cast(c.available_from, String), "")], see=NETWORK
    ),
    OpeningOrderField.CONFIRMED_ON: Ordering(
        lambda c: [func.coalesce(sql_cast(c.confirmed_on, String), "")], see=NETWORK
    ),
}
