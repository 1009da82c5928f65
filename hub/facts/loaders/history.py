"""Loaders of the network's own life: timeline, events, projects, resolutions, board terms, published totals."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, true

from hub.facts.loaders.base import Loader, fact, known, ordered
from hub.facts.records import Batch, World
from hub.facts.sheet import Line, Sheet
from hub.store.rows import columns
from schema.tables import (
    CityRow,
    EventRow,
    OfficialTotalRow,
    OrganisationRow,
    ProjectCityRow,
    ProjectRow,
    ResolutionRow,
    TermRow,
    TimelineEntryRow,
)
from schema.vocabulary import EventKind, TermRole

PROJECT: Final = "project"
ARTS_OF_DEMOCRACY: Final = "pr-arts-of-democracy"
"""The project whose members `cities.csv` marks."""


def _timeline(sheet: Sheet, _: dict[str, Sheet], world: World) -> Sequence[Batch]:
    rows = []
    for line in sheet:
        year, day = line.text("year"), line.partial_date("date")
        if day is not None and not day.startswith(year):
            line.refuse("date", f"{day} does not lie in {year}")
        line.year("year")
        from_on, until_on = ordered(line, "date" if day else "year", "year_end")
        rows.append(
            fact(line, world)
            | {
                "slug": line.slug("id"),
                "from_on": from_on,
                "until_on": until_on,
                "place": line.optional("place"),
                "country": line.country("country"),
                "text": line.text("what"),
            }
        )
    return [Batch(TimelineEntryRow, ("slug",), rows, true())]


def _happening(line: Line, world: World) -> dict[str, Any]:  # Any: values of a row
    from_on, until_on = ordered(line, "start", "end")
    return fact(line, world) | {
        "slug": line.slug("id"),
        "name": line.text("name"),
        "from_on": from_on,
        "until_on": until_on,
        "summary": line.optional("what"),
    }


def _project_of(event: Line, projects: Sequence[Line], world: World) -> UUID | None:
    """Find the project an event names; what follows a hyphen in a project's name is its motto."""
    for project in projects:
        name = project.cells["name"].split(" - ")[0]
        if name in event.cells["name"] or name in event.cells["what"]:
            return world.id_of(ProjectRow, project.cells["id"])
    return None


def _events_projects(sheet: Sheet, _: dict[str, Sheet], world: World) -> Sequence[Batch]:
    city = columns(CityRow)
    placed = {
        (name, country): id_
        for id_, name, country in world.connection.execute(select(city.id, city.name, city.country))
    }
    project_lines = [line for line in sheet if line.cells["kind"] == PROJECT]
    projects = [{"id": world.id_of(ProjectRow, line.cells["id"])} | _happening(line, world) for line in project_lines]
    events = []
    for line in sheet:
        if line.cells["kind"] == PROJECT:
            continue
        line.text("start")
        place, country = line.optional("place"), line.country("country")
        events.append(
            _happening(line, world)
            | {
                "kind": line.one_of("kind", EventKind),
                "place": place,
                "country": country,
                "city_id": placed.get((place, country)),
                "project_id": _project_of(line, project_lines, world),
            }
        )
    batches = [
        Batch(ProjectRow, ("slug",), projects, true()),
        Batch(EventRow, ("slug",), events, true()),
    ]
    if any(line.cells["id"] == ARTS_OF_DEMOCRACY for line in project_lines):
        project_id = world.id_of(ProjectRow, ARTS_OF_DEMOCRACY)
        members = world.connection.scalars(select(city.id).where(city.arts_of_democracy)).all()
        taking_part = [{"project_id": project_id, "city_id": id_} for id_ in members]
        of_file = columns(ProjectCityRow).project_id == project_id
        batches.append(Batch(ProjectCityRow, ("project_id", "city_id"), taking_part, of_file))
    return batches


def _resolutions(sheet: Sheet, _: dict[str, Sheet], world: World) -> Sequence[Batch]:
    rows = []
    for line in sheet:
        line.text("event")
        line.text("sort")
        rows.append(
            fact(line, world)
            | {
                "slug": line.slug("id"),
                "event_id": known(line, "event", EventRow, world),
                "sort": line.whole("sort"),
                "number": line.optional("number"),
                "title": line.text("title"),
                "text": line.optional("text"),
                "adopted": line.yes("adopted"),
            }
        )
    return [Batch(ResolutionRow, ("slug",), rows, true())]


def _board_terms(sheet: Sheet, _: dict[str, Sheet], world: World) -> Sequence[Batch]:
    rows = []
    for line in sheet:
        from_on, until_on = ordered(line, "from", "until")
        rows.append(
            fact(line, world)
            | {
                "slug": line.slug("id"),
                "name": line.optional("name"),
                "role": line.one_of("role", TermRole),
                "city_id": known(line, "city", CityRow, world),
                "organisation_id": known(line, "organisation", OrganisationRow, world),
                "from_on": from_on,
                "until_on": until_on,
                "ended": line.yes("ended"),
            }
        )
    return [Batch(TermRow, ("slug",), rows, true())]


def _official_totals(sheet: Sheet, _: dict[str, Sheet], world: World) -> Sequence[Batch]:
    rows = []
    for line in sheet:
        line.text("as_of")
        line.text("members")
        rows.append(
            fact(line, world)
            | {
                "slug": line.slug("id"),
                "as_of": line.partial_date("as_of"),
                "country": line.country("country"),
                "members": line.whole("members"),
                "countries": line.whole("countries"),
                "wording": line.text("wording"),
            }
        )
    return [Batch(OfficialTotalRow, ("slug",), rows, true())]


TIMELINE: Final = Loader(
    "timeline.csv",
    ("id", "year", "year_end", "date", "place", "country", "what", "source", "certainty"),
    ("id",),
    _timeline,
    needs=("sources.csv",),
)
EVENTS_PROJECTS: Final = Loader(
    "events_projects.csv",
    ("id", "kind", "name", "start", "end", "place", "country", "what", "in_seeds", "source", "certainty"),
    ("id",),
    _events_projects,
    needs=("cities.csv",),
)
RESOLUTIONS: Final = Loader(
    "resolutions.csv",
    ("id", "event", "sort", "number", "title", "text", "adopted", "source", "certainty", "note"),
    ("id",),
    _resolutions,
    needs=("events_projects.csv",),
)
OFFICIAL_TOTALS: Final = Loader(
    "official_totals.csv",
    ("id", "as_of", "country", "members", "countries", "wording", "source", "certainty", "note"),
    ("id",),
    _official_totals,
    needs=("sources.csv",),
)
BOARD_TERMS: Final = Loader(
    "board_terms.csv",
    ("id", "name", "role", "city", "organisation", "from", "until", "ended", "source", "certainty", "note"),
    ("id",),
    _board_terms,
    needs=("cities.csv", "organisations.csv"),
)
