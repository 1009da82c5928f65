"""Loader of people named in the seed documents: residents as shown, and figures of the network's history."""

import re
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import select

from hub.facts.loaders.base import Loader, disciplines, fact, known
from hub.facts.records import Batch, World
from hub.facts.sheet import Line, Sheet
from hub.store.rows import columns
from schema.tables import CityRow, FigureRow, ResidentRow, WorkRow
from schema.vocabulary import REGION_OF, Discipline

_TITLE: Final = re.compile(r"(?P<title>.+?)(?: \((?P<year>\d{4})\))?")
_WIDE: Final = frozenset({"literature", "performing_arts", "all"})


def _resident(line: Line, world: World) -> dict[str, Any]:  # Any: values of a row
    slug, origin = line.slug("id"), line.country("origin_country")
    # A wide word says little about one person: it stays a word, and no discipline is claimed.
    wide = sorted(_WIDE.intersection(line.list_of("discipline")))
    return fact(line, world) | {
        "id": world.id_of(ResidentRow, slug),
        "slug": slug,
        "name": line.text("name"),
        "disciplines": [] if wide else disciplines(line, "discipline"),
        "origin_country": origin,
        "origin_region": REGION_OF.get(origin or ""),
        "city_id": known(line, "host_city_id", CityRow, world),
        "host": line.optional("host_city"),
        "biography": line.optional("fact"),
        "note": f"Discipline given as {', '.join(wide)}" if wide else None,
    }


def _works(line: Line, resident: dict[str, Any], world: World) -> list[dict[str, Any]]:  # Any: values of a row
    """Read the titles; the first discipline named for the person is taken for theirs."""
    first = next(iter(resident["disciplines"]), Discipline.OTHER)
    works = []
    for text in line.list_of("works"):
        match = _TITLE.fullmatch(text)
        if match is None:
            line.refuse("works", f"{text!r} is not a title, or a title and a year in brackets")
            continue
        works.append(
            fact(line, world)
            | {
                "resident_id": resident["id"],
                "title": match["title"],
                "discipline": first,
                "year": int(match["year"]) if match["year"] else None,
            }
        )
    return works


def _residents_public(sheet: Sheet, _: dict[str, Sheet], world: World) -> Sequence[Batch]:
    residents, works, figures = [], [], []
    for line in sheet:
        if line.yes("is_resident", words=("true", "false")):
            resident = _resident(line, world)
            residents.append(resident)
            works += _works(line, resident, world)
        else:
            figures.append(
                fact(line, world)
                | {
                    "slug": line.slug("id"),
                    "name": line.text("name"),
                    "role": line.text("role"),
                    "discipline": line.optional("discipline"),
                    "country": line.country("origin_country"),
                    "fact": line.optional("fact"),
                }
            )
    resident, work, figure = columns(ResidentRow), columns(WorkRow), columns(FigureRow)
    ours = select(resident.id).where(resident.slug.like("p-%"))
    return [
        Batch(ResidentRow, ("slug",), residents, resident.slug.like("p-%")),
        Batch(WorkRow, ("resident_id", "title"), works, work.resident_id.in_(ours)),
        Batch(FigureRow, ("slug",), figures, figure.slug.is_not(None)),
    ]


RESIDENTS_PUBLIC: Final = Loader(
    "residents_public.csv",
    (
        *("id", "name", "role", "is_resident", "origin_country", "host_city_id", "host_city", "discipline", "works"),
        *("fact", "source", "certainty"),
    ),
    ("id",),
    _residents_public,
    needs=("cities.csv",),
)
