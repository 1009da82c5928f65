"""Members of the network and what they have: periods of membership, coordinators, places."""

from datetime import date
from uuid import UUID

from sqlalchemy import Column, Index, Text
from sqlmodel import Field

from schema.tables.base import Fact, Shape, folded, many_of, one_of, partial_date, texts
from schema.vocabulary import CityKind, Discipline, EarlierNetwork, MembershipStatus, PermitRoute, Region, SupportKind


class CityRow(Fact, table=True):
    """A host of the network, now or once, or only named as one (status `unverified`)."""

    __tablename__ = "city"
    __table_args__ = (
        Index("city_by_name", "status", "name_key", "id"),
        Index("city_by_country", "status", "country", "name_key", "id"),
    )
    slug: str = Field(unique=True)
    name: str
    name_key: str | None = folded("name")
    kind: CityKind = one_of(CityKind)
    country: str
    region: Region = one_of(Region)
    latitude: float | None = None
    longitude: float | None = None
    status: MembershipStatus = one_of(MembershipStatus)
    joined_basis: str | None = None
    earlier_network: EarlierNetwork | None = one_of(EarlierNetwork, null=True)
    earlier_network_note: str | None = None
    capital_of_culture_year: int | None = None
    arts_of_democracy: bool = False
    coordinating_body_id: UUID | None = Field(default=None, foreign_key="organisation.id")
    coordinating_body_name: str | None = None
    residency_months: int | None = None
    permit_route: PermitRoute | None = one_of(PermitRoute, null=True)


class MembershipRow(Fact, table=True):
    """One period of membership. Without a known end, `ended` tells whether it still runs."""

    __tablename__ = "membership"
    __table_args__ = (
        partial_date("from_on"),
        partial_date("until_on"),
        Index("membership_by_city", "city_id", "from_on", "id"),
    )
    slug: str = Field(unique=True)
    city_id: UUID = Field(foreign_key="city.id")
    from_on: str | None = Field(default=None, sa_column=Column(Text(collation="C")))
    until_on: str | None = Field(default=None, sa_column=Column(Text(collation="C")))
    ended: bool = False


class CoordinatorRow(Fact, table=True):
    """A coordinator, named for work. One person may serve two neighbouring cities."""

    __tablename__ = "coordinator"
    __table_args__ = (partial_date("since"),)
    name: str
    email: str | None = None
    since: str | None = Field(default=None, sa_column=Column(Text(collation="C")))


class CoordinatorCityRow(Shape, table=True):
    """Which coordinator serves which city."""

    __tablename__ = "coordinator_city"
    city_id: UUID = Field(foreign_key="city.id", primary_key=True)
    coordinator_id: UUID = Field(foreign_key="coordinator.id", primary_key=True)


class PlaceRow(Fact, table=True):
    """One place in a city. Who fills it is not known here."""

    __tablename__ = "place"
    __table_args__ = (Index("place_by_city", "city_id", "title", "id"),)
    city_id: UUID = Field(foreign_key="city.id")
    title: str = Field(sa_column=Column(Text(collation="C"), nullable=False))
    open: bool
    support: list[SupportKind] = many_of(SupportKind)
    disciplines: list[Discipline] = many_of(Discipline)
    household_max: int | None = None
    months_max: int | None = None
    languages: list[str] = texts()
    available_from: date | None = None
    confirmed_on: date | None = None
    step_free: bool | None = None
    wished_regions: list[Region] = many_of(Region)
