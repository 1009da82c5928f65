"""The network's own life: board terms, events with resolutions, projects, timeline."""

from typing import Final

import strawberry
from sqlalchemy import ColumnElement, Text, cast, exists, func

from schema.access import PUBLIC, Anyone, Columns
from schema.scalars import CountryCode, Date
from schema.source import Ordering, column, embedded, holds, input_object, many, matches, one, record
from schema.standing import surely_within
from schema.tables import EventRow, ProjectCityRow, ProjectRow, ResolutionRow, TermRow, TimelineEntryRow
from schema.tables.base import rows_of
from schema.types.basics import (
    DateFilter,
    Filter,
    IDFilter,
    Node,
    OrderDirection,
    Period,
    Provenance,
    period,
    provenance,
    span,
)
from schema.types.cities import City
from schema.types.organisations import Organisation
from schema.vocabulary import EventKind, TermRole
from schema.vocabulary.base import Vocabulary, vocabulary

# Partial dates are compared as text; '9999' stands for an unknown beginning, behind all that are known.
BY_START: Final = Ordering(lambda c: [func.coalesce(c.from_on, "9999")], see=PUBLIC)
# Where a beginning is always known the bare column stands, as its index does.
BY_KNOWN_START: Final = Ordering(lambda c: [c.from_on], see=PUBLIC)


def _takes_part(here: Columns, there: Columns) -> ColumnElement[bool]:
    links = rows_of(ProjectCityRow).alias()
    return exists().where(links.c.project_id == here.id, links.c.city_id == there.id).correlate_except(links)


@record(TermRow, code="tm", see=PUBLIC, rows=Anyone())
class Term(Node):
    """A seat at the board for a period of two years as a rule."""

    id: strawberry.ID = column(TermRow.id, see=PUBLIC, says="Opaque id.")
    name: str | None = column(TermRow.name, see=PUBLIC, says="Name as published; null when only the city is.")
    role: TermRole = column(TermRow.role, see=PUBLIC, says="Seat.")
    city: City | None = one(
        lambda here, there: there.id == here.city_id,
        see=PUBLIC,
        says="City the member sits for; null for observers.",
    )
    organisation: Organisation | None = one(
        lambda here, there: there.id == here.organisation_id,
        see=PUBLIC,
        says="Body an observer sits for; null for members.",
    )
    period: Period = embedded(period("from_on", "until_on", "ended"), see=PUBLIC, says="When.")
    provenance: Provenance = provenance(TermRow)


@record(ResolutionRow, code="rs", see=PUBLIC, rows=Anyone())
class Resolution(Node):
    """A decision of a General Assembly."""

    id: strawberry.ID = column(ResolutionRow.id, see=PUBLIC, says="Opaque id.")
    number: str | None = column(
        ResolutionRow.number, see=PUBLIC, says="Number within the assembly; null when not published."
    )
    title: str = column(ResolutionRow.title, see=PUBLIC, says="Title.")
    text: str | None = column(ResolutionRow.text, see=PUBLIC, says="Wording; null when not published.")
    adopted: bool = column(ResolutionRow.adopted, see=PUBLIC, says="True when carried.")
    provenance: Provenance = provenance(ResolutionRow)


@record(ProjectRow, code="pr", see=PUBLIC, rows=Anyone())
class Project(Node):
    """A project of several members, such as Arts of Democracy."""

    id: strawberry.ID = column(ProjectRow.id, see=PUBLIC, says="Opaque id.")
    slug: str = column(ProjectRow.slug, see=PUBLIC, says="Readable key.")
    name: str = column(ProjectRow.name, see=PUBLIC, says="Name.")
    period: Period = embedded(period("from_on", "until_on"), see=PUBLIC, says="When.")
    summary: str | None = column(ProjectRow.summary, see=PUBLIC, says="What it is; null when not told.")
    cities: list[City] = many(
        _takes_part,
        order=lambda c: [c.name_key, c.id],
        see=PUBLIC,
        says="Members that take part, by name.",
        assumed=12,
    )
    provenance: Provenance = provenance(ProjectRow)


@record(EventRow, code="ev", see=PUBLIC, rows=Anyone())
class Event(Node):
    """A public event of the network. General Assemblies are events with resolutions."""

    id: strawberry.ID = column(EventRow.id, see=PUBLIC, says="Opaque id.")
    slug: str = column(EventRow.slug, see=PUBLIC, says="Readable key.")
    kind: EventKind = column(EventRow.kind, see=PUBLIC, says="Sort of event.")
    name: str = column(EventRow.name, see=PUBLIC, says="Name.")
    period: Period = embedded(span("from_on", "until_on"), see=PUBLIC, says="When.")
    city: City | None = one(
        lambda here, there: there.id == here.city_id, see=PUBLIC, says="Host, when it is in the graph."
    )
    place: str | None = column(EventRow.place, see=PUBLIC, says="Place as published; null when not known.")
    country: CountryCode | None = column(EventRow.country, see=PUBLIC, says="Country; null when not known.")
    summary: str | None = column(EventRow.summary, see=PUBLIC, says="What happened; null when not told.")
    project: Project | None = one(
        lambda here, there: there.id == here.project_id, see=PUBLIC, says="Project it belongs to; null when none."
    )
    resolutions: list[Resolution] = many(
        lambda here, there: there.event_id == here.id,
        order=lambda c: [c.sort, c.id],
        see=PUBLIC,
        says="Decisions taken; empty unless a General Assembly.",
        assumed=10,
    )
    provenance: Provenance = provenance(EventRow)


@record(TimelineEntryRow, code="tl", see=PUBLIC, rows=Anyone())
class TimelineEntry(Node):
    """One line of the history since 1993."""

    id: strawberry.ID = column(TimelineEntryRow.id, see=PUBLIC, says="Opaque id.")
    period: Period = embedded(span("from_on", "until_on"), see=PUBLIC, says="When.")
    place: str | None = column(TimelineEntryRow.place, see=PUBLIC, says="Where; null when nowhere in particular.")
    country: CountryCode | None = column(TimelineEntryRow.country, see=PUBLIC, says="Country; null when none.")
    text: str = column(TimelineEntryRow.text, see=PUBLIC, says="What happened.")
    provenance: Provenance = provenance(TimelineEntryRow)


@input_object
class EventWhere:
    """Which events. All conditions must hold."""

    kind: Filter[EventKind] | None = matches(EventRow.kind, see=PUBLIC, says="By kind.")
    from_: DateFilter | None = matches(EventRow.from_on, name="from", see=PUBLIC, says="By first day.")
    city: IDFilter | None = matches(EventRow.city_id, see=PUBLIC, says="By host.")


@vocabulary
class EventOrderField(Vocabulary):
    """Keys to order Event by. Each has an index."""

    STARTS = ("starts", "By first day.")


@input_object
class EventOrder:
    """An order of Event."""

    field: EventOrderField = strawberry.field(description="Key.")
    direction: OrderDirection = strawberry.field(description="Direction.", default=OrderDirection.ASC)


EVENT_ORDERS: Final = {EventOrderField.STARTS: BY_KNOWN_START}


def _sat_on(c: Columns, day: ColumnElement[Date]) -> ColumnElement[bool]:
    return surely_within(cast(day, Text), c)


@input_object
class TermWhere:
    """Which terms. All conditions must hold."""

    on: Date | None = holds(
        _sat_on, see=PUBLIC, says="Running on this day; terms without a known beginning do not match."
    )
    city: IDFilter | None = matches(TermRow.city_id, see=PUBLIC, says="For such a city.")
