"""The same graph as most people write it: plain Strawberry, async SQLAlchemy rows, a DataLoader for each edge.

Only the types and fields that the four operations ask for. Row rules stand in the queries, as usual in such a hub.
One file, as long as it is: it stands for a whole application of its kind.
"""

import base64
import binascii
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final, Self
from uuid import UUID

import strawberry
from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.schema.config import StrawberryConfig

from schema.scalars import SCALARS, URL, CountryCode, LanguageTag, PartialDate
from schema.tables import (
    CityRow,
    EventRow,
    MembershipRow,
    OrganisationRow,
    ProjectCityRow,
    ProjectRow,
    ResidentRow,
    ResolutionRow,
    WorkRow,
)
from schema.types.basics import OrderDirection
from schema.types.history import EventOrderField
from schema.types.organisations import OrganisationOrderField
from schema.vocabulary import (
    CityKind,
    Discipline,
    EarlierNetwork,
    EventKind,
    Liaison,
    MembershipStatus,
    OrganisationKind,
    Region,
    SupportKind,
)

LISTED: Final = (MembershipStatus.MEMBER, MembershipStatus.FORMER, MembershipStatus.PREDECESSOR)
COUNT_MOST: Final = 10_000
Sessions = async_sessionmaker[AsyncSession]


def today() -> str:
    return datetime.now(UTC).date().isoformat()


# ---- Loaders: one for each edge, made anew for each request --------------------------------------------------------


class Loaders:
    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self.organisation = self._by_id(OrganisationRow)
        self.project = self._by_id(ProjectRow)
        self.city = self._by_id(CityRow, CityRow.status.in_(LISTED))
        self.memberships = self._children(
            MembershipRow, MembershipRow.city_id, func.coalesce(MembershipRow.from_on, "9999"), MembershipRow.id
        )
        self.residents = self._children(ResidentRow, ResidentRow.city_id, ResidentRow.name_key, ResidentRow.id)
        self.works = self._children(
            WorkRow, WorkRow.resident_id, func.coalesce(WorkRow.year, 9999), WorkRow.title_key, WorkRow.id
        )
        self.resolutions = self._children(ResolutionRow, ResolutionRow.event_id, ResolutionRow.sort, ResolutionRow.id)
        self.project_cities = DataLoader(load_fn=self._cities_of_projects)

    def _by_id(self, row: Any, *conditions: Any) -> DataLoader[UUID, Any]:
        async def load(ids: list[UUID]) -> list[Any]:
            async with self.sessions() as session:
                found = await session.scalars(select(row).where(row.id.in_(ids), *conditions))
                by_id = {each.id: each for each in found}
            return [by_id.get(each) for each in ids]

        return DataLoader(load_fn=load)

    def _children(self, row: Any, key: Any, *order: Any) -> DataLoader[UUID, list[Any]]:
        async def load(ids: list[UUID]) -> list[list[Any]]:
            async with self.sessions() as session:
                found = await session.scalars(select(row).where(key.in_(ids)).order_by(*order))
                grouped = defaultdict(list)
                for each in found:
                    grouped[getattr(each, key.key)].append(each)
            return [grouped[each] for each in ids]

        return DataLoader(load_fn=load)

    async def _cities_of_projects(self, ids: list[UUID]) -> list[list[CityRow]]:
        async with self.sessions() as session:
            found = await session.execute(
                select(ProjectCityRow.project_id, CityRow)
                .join(CityRow, CityRow.id == ProjectCityRow.city_id)
                .where(ProjectCityRow.project_id.in_(ids), CityRow.status.in_(LISTED))
                .order_by(CityRow.name_key, CityRow.id)
            )
            grouped = defaultdict(list)
            for project_id, city in found:
                grouped[project_id].append(city)
        return [grouped[each] for each in ids]


Info = strawberry.Info[Loaders, None]


# ---- Types -----------------------------------------------------------------------------------------------------------


@strawberry.type
class Period:
    from_: PartialDate | None = strawberry.field(name="from")
    until: PartialDate | None
    running: bool


def running(from_on: str | None, until_on: str | None) -> bool:
    day = today()
    return (from_on is None or from_on <= day) and (until_on is None or until_on + "~" >= day)


@strawberry.type
class Organisation:
    id: strawberry.ID
    slug: str
    name: str
    acronym: str | None
    kind: OrganisationKind
    country: CountryCode | None
    website: URL | None
    support: list[SupportKind]
    disciplines: list[Discipline]
    refers_to_icorn: Liaison
    receives_from_icorn: Liaison

    @classmethod
    def of(cls, row: OrganisationRow) -> Self:
        return cls(
            id=f"or_{row.id}",
            slug=row.slug,
            name=row.name,
            acronym=row.acronym,
            kind=row.kind,
            country=row.country,
            website=row.website,
            support=row.support,
            disciplines=row.disciplines,
            refers_to_icorn=row.refers_to_icorn,
            receives_from_icorn=row.receives_from_icorn,
        )


@strawberry.type
class Work:
    id: strawberry.ID
    title: str
    discipline: Discipline
    language: LanguageTag | None
    year: int | None

    @classmethod
    def of(cls, row: WorkRow) -> Self:
        return cls(id=f"wk_{row.id}", title=row.title, discipline=row.discipline, language=row.language, year=row.year)


@strawberry.type
class Works:
    nodes: list[Work]


@strawberry.type
class Resident:
    row: strawberry.Private[ResidentRow]
    id: strawberry.ID
    name: str
    disciplines: list[Discipline]
    origin_country: CountryCode | None

    @strawberry.field
    async def works(self, info: Info, first: int = 20) -> Works:
        rows = await info.context.works.load(self.row.id)
        return Works(nodes=[Work.of(row) for row in rows[:first]])

    @classmethod
    def of(cls, row: ResidentRow) -> Self:
        return cls(
            row=row,
            id=f"re_{row.id}",
            name=row.name,
            disciplines=row.disciplines,
            origin_country=row.origin_country,
        )


@strawberry.type
class Residents:
    nodes: list[Resident]


@strawberry.type
class City:
    row: strawberry.Private[CityRow]
    id: strawberry.ID
    slug: str
    name: str
    kind: CityKind
    country: CountryCode
    region: Region
    latitude: float | None
    longitude: float | None
    status: MembershipStatus
    joined_basis: str | None
    earlier_network: EarlierNetwork | None
    capital_of_culture_year: int | None
    arts_of_democracy: bool
    coordinating_body_name: str | None

    @strawberry.field
    async def memberships(self, info: Info) -> list[Period]:
        rows = await info.context.memberships.load(self.row.id)
        return [
            Period(
                from_=row.from_on,
                until=row.until_on,
                running=not row.ended and running(row.from_on, row.until_on),
            )
            for row in rows
        ]

    @strawberry.field
    async def coordinating_body(self, info: Info) -> Organisation | None:
        if self.row.coordinating_body_id is None:
            return None
        row = await info.context.organisation.load(self.row.coordinating_body_id)
        return None if row is None else Organisation.of(row)

    @strawberry.field
    async def residents(self, info: Info, first: int = 20) -> Residents:
        rows = await info.context.residents.load(self.row.id)
        return Residents(nodes=[Resident.of(row) for row in rows[:first]])

    @classmethod
    def of(cls, row: CityRow) -> Self:
        return cls(
            row=row,
            id=f"ct_{row.id}",
            slug=row.slug,
            name=row.name,
            kind=row.kind,
            country=row.country,
            region=row.region,
            latitude=row.latitude,
            longitude=row.longitude,
            status=row.status,
            joined_basis=row.joined_basis,
            earlier_network=row.earlier_network,
            capital_of_culture_year=row.capital_of_culture_year,
            arts_of_democracy=row.arts_of_democracy,
            coordinating_body_name=row.coordinating_body_name,
        )


@strawberry.type
class Cities:
    nodes: list[City]


@strawberry.type
class Resolution:
    number: str | None
    title: str
    adopted: bool


@strawberry.type
class Project:
    row: strawberry.Private[ProjectRow]
    slug: str
    name: str

    @strawberry.field
    async def cities(self, info: Info) -> list[City]:
        return [City.of(row) for row in await info.context.project_cities.load(self.row.id)]


@strawberry.type
class Event:
    row: strawberry.Private[EventRow]
    id: strawberry.ID
    slug: str
    kind: EventKind
    name: str
    place: str | None
    country: CountryCode | None

    @strawberry.field
    def period(self) -> Period:
        from_on, until_on = self.row.from_on, self.row.until_on
        return Period(from_=from_on, until=until_on, running=running(from_on, until_on or from_on))

    @strawberry.field
    async def city(self, info: Info) -> City | None:
        if self.row.city_id is None:
            return None
        row = await info.context.city.load(self.row.city_id)
        return None if row is None else City.of(row)

    @strawberry.field
    async def resolutions(self, info: Info) -> list[Resolution]:
        rows = await info.context.resolutions.load(self.row.id)
        return [Resolution(number=row.number, title=row.title, adopted=row.adopted) for row in rows]

    @strawberry.field
    async def project(self, info: Info) -> Project | None:
        if self.row.project_id is None:
            return None
        row = await info.context.project.load(self.row.project_id)
        return None if row is None else Project(row=row, slug=row.slug, name=row.name)

    @classmethod
    def of(cls, row: EventRow) -> Self:
        return cls(
            row=row,
            id=f"ev_{row.id}",
            slug=row.slug,
            kind=row.kind,
            name=row.name,
            place=row.place,
            country=row.country,
        )


@strawberry.type
class Events:
    nodes: list[Event]


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class OrganisationEdge:
    cursor: str
    node: Organisation


@strawberry.type
class Organisations:
    edges: list[OrganisationEdge]
    page_info: PageInfo
    conditions: strawberry.Private[Sequence[Any]]

    @strawberry.field
    async def total_count(self, info: Info) -> int | None:
        matching = select(OrganisationRow.id).where(*self.conditions).limit(COUNT_MOST + 1).subquery()
        async with info.context.sessions() as session:
            count = await session.scalar(select(func.count()).select_from(matching))
        return count if count <= COUNT_MOST else None


# ---- Arguments -------------------------------------------------------------------------------------------------------


@strawberry.input
class SupportKindFilter:
    in_: list[SupportKind] = strawberry.field(name="in")


@strawberry.input
class CountryFilter:
    in_: list[CountryCode] = strawberry.field(name="in")


@strawberry.input
class OrganisationWhere:
    support: SupportKindFilter | None = None
    country: CountryFilter | None = None


@strawberry.input
class OrganisationOrder:
    field: OrganisationOrderField
    direction: OrderDirection = OrderDirection.ASC


@strawberry.input
class EventOrder:
    field: EventOrderField
    direction: OrderDirection = OrderDirection.ASC


def cursor_of(row: OrganisationRow) -> str:
    return base64.urlsafe_b64encode(f"{row.country or ''}|{row.id}|{row.name_key}".encode()).decode()


def place_of(cursor: str) -> tuple[str, str, UUID]:
    try:
        country, body, name_key = base64.urlsafe_b64decode(cursor).decode().split("|", 2)
    except (binascii.Error, ValueError) as error:
        raise ValueError("The cursor is not one of ours.") from error
    return country, name_key, UUID(body)


@strawberry.type
class Query:
    @strawberry.field
    async def city(self, info: Info, slug: str) -> City | None:
        async with info.context.sessions() as session:
            row = await session.scalar(select(CityRow).where(CityRow.slug == slug, CityRow.status.in_(LISTED)))
        return None if row is None else City.of(row)

    @strawberry.field
    async def cities(self, info: Info, first: int = 20) -> Cities:
        async with info.context.sessions() as session:
            rows = await session.scalars(
                select(CityRow)
                .where(CityRow.status == MembershipStatus.MEMBER)
                .order_by(CityRow.name_key, CityRow.id)
                .limit(first)
            )
            return Cities(nodes=[City.of(row) for row in rows])

    @strawberry.field
    async def organisations(
        self,
        info: Info,
        order_by: OrganisationOrder,
        first: int = 20,
        after: str | None = None,
        where: OrganisationWhere | None = None,
    ) -> Organisations:
        conditions: list[Any] = []
        if where and where.support:
            conditions.append(OrganisationRow.support.overlap(where.support.in_))
        if where and where.country:
            conditions.append(OrganisationRow.country.in_(where.country.in_))
        keys = [OrganisationRow.name_key, OrganisationRow.id]
        if order_by.field is OrganisationOrderField.COUNTRY:
            keys = [func.coalesce(OrganisationRow.country, ""), *keys]
        query = select(OrganisationRow).where(*conditions).order_by(*keys).limit(first + 1)
        if after is not None:
            query = query.where(tuple_(*keys) > tuple_(*place_of(after)[-len(keys) :]))
        async with info.context.sessions() as session:
            rows = (await session.scalars(query)).all()
        edges = [OrganisationEdge(cursor=cursor_of(row), node=Organisation.of(row)) for row in rows[:first]]
        page_info = PageInfo(
            has_next_page=len(rows) > first,
            has_previous_page=after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        )
        return Organisations(edges=edges, page_info=page_info, conditions=conditions)

    @strawberry.field
    async def events(self, info: Info, order_by: EventOrder, first: int = 20) -> Events:
        keys = [EventRow.from_on, EventRow.id]
        if order_by.direction is OrderDirection.DESC:
            keys = [key.desc() for key in keys]
        async with info.context.sessions() as session:
            rows = await session.scalars(select(EventRow).order_by(*keys).limit(first))
            return Events(nodes=[Event.of(row) for row in rows])


SCHEMA: Final = strawberry.Schema(query=Query, config=StrawberryConfig(scalar_map=SCALARS))


class View(GraphQL[Loaders, None]):
    def __init__(self, sessions: Sessions) -> None:
        super().__init__(SCHEMA)
        self._sessions = sessions

    async def get_context(self, request: Any, response: Any) -> Loaders:
        del request, response
        return Loaders(self._sessions)


def create_app(url: str, connections: int) -> Starlette:
    """Give the application; `url` is one of `postgresql+asyncpg`."""
    engine = create_async_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        connect_args={"server_settings": {"application_name": "bench-plain", "jit": "off", "TimeZone": "UTC"}},
    )
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    return Starlette(routes=[Route("/graphql", View(sessions))], lifespan=lifespan)
