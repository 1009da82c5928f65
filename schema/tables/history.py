"""The network's own life: board terms, events with resolutions, projects, timeline, yearly numbers."""

from uuid import UUID

from sqlalchemy import Column, Index, Text
from sqlmodel import Field

from schema.tables.base import Fact, Shape, folded, one_of, partial_date
from schema.vocabulary import Discipline, EventKind, Region, StatisticMeasure, StatisticSlice, TermRole, Urgency


class TermRow(Fact, table=True):
    """A seat at the board for a period. Without a known end, `ended` tells whether it still runs."""

    __tablename__ = "term"
    __table_args__ = (partial_date("from_on"), partial_date("until_on"))
    slug: str = Field(unique=True)
    name: str | None = None
    role: TermRole = one_of(TermRole)
    city_id: UUID | None = Field(default=None, foreign_key="city.id")
    organisation_id: UUID | None = Field(default=None, foreign_key="organisation.id")
    from_on: str | None = Field(default=None, sa_column=Column(Text(collation="C")))
    until_on: str | None = Field(default=None, sa_column=Column(Text(collation="C")))
    ended: bool = False


class ProjectRow(Fact, table=True):
    """A project of several members."""

    __tablename__ = "project"
    __table_args__ = (partial_date("from_on"), partial_date("until_on"))
    slug: str = Field(unique=True)
    name: str
    name_key: str | None = folded("name")
    from_on: str | None = Field(default=None, sa_column=Column(Text(collation="C")))
    until_on: str | None = Field(default=None, sa_column=Column(Text(collation="C")))
    summary: str | None = Field(default=None, sa_type=Text)


class ProjectCityRow(Shape, table=True):
    """Which member takes part in which project."""

    __tablename__ = "project_city"
    project_id: UUID = Field(foreign_key="project.id", primary_key=True)
    city_id: UUID = Field(foreign_key="city.id", primary_key=True)


class EventRow(Fact, table=True):
    """A public event. General Assemblies are events with resolutions."""

    __tablename__ = "event"
    __table_args__ = (
        partial_date("from_on"),
        partial_date("until_on"),
        Index("event_by_start", "from_on", "id"),
    )
    slug: str = Field(unique=True)
    kind: EventKind = one_of(EventKind)
    name: str
    name_key: str | None = folded("name")
    from_on: str = Field(sa_column=Column(Text(collation="C"), nullable=False))
    until_on: str | None = Field(default=None, sa_column=Column(Text(collation="C")))
    city_id: UUID | None = Field(default=None, foreign_key="city.id")
    place: str | None = None
    country: str | None = None
    summary: str | None = Field(default=None, sa_type=Text)
    project_id: UUID | None = Field(default=None, foreign_key="project.id")


class ResolutionRow(Fact, table=True):
    """A decision of a General Assembly."""

    __tablename__ = "resolution"
    __table_args__ = (Index("resolution_by_event", "event_id", "sort", "id"),)
    slug: str = Field(unique=True)
    event_id: UUID = Field(foreign_key="event.id")
    sort: int
    number: str | None = None
    title: str
    text: str | None = Field(default=None, sa_type=Text)
    adopted: bool


class TimelineEntryRow(Fact, table=True):
    """One line of the history since 1993."""

    __tablename__ = "timeline_entry"
    __table_args__ = (
        partial_date("from_on"),
        partial_date("until_on"),
        Index("timeline_by_start", "from_on", "id"),
    )
    slug: str = Field(unique=True)
    from_on: str = Field(sa_column=Column(Text(collation="C"), nullable=False))
    until_on: str | None = Field(default=None, sa_column=Column(Text(collation="C")))
    place: str | None = None
    country: str | None = None
    text: str = Field(sa_type=Text)


class StatisticCellRow(Fact, table=True):
    """One number of a yearly publication, frozen. `count` is null exactly where it is suppressed."""

    __tablename__ = "statistic_cell"
    __table_args__ = (Index("statistic_by_measure", "measure", "slice", "year"),)
    measure: StatisticMeasure = one_of(StatisticMeasure)
    slice: StatisticSlice = one_of(StatisticSlice)
    year: int
    host_country: str | None = None
    origin_region: Region | None = one_of(Region, null=True)
    discipline: Discipline | None = one_of(Discipline, null=True)
    urgency: Urgency | None = one_of(Urgency, null=True)
    count: int | None = None
    suppressed: bool
