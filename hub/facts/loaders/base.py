"""What a loader is, and the mappings several of them share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlmodel import SQLModel

from hub.facts.records import Batch, World
from hub.facts.sheet import Line, Sheet, coded
from schema.vocabulary import Discipline

LITERATURE: Final = (
    Discipline.NOVEL,
    Discipline.POETRY,
    Discipline.DRAMA,
    Discipline.NON_FICTION,
    Discipline.SHORT_STORY,
    Discipline.ESSAY,
    Discipline.CHILDREN_LITERATURE,
)
PERFORMING_ARTS: Final = (Discipline.ACTING, Discipline.DANCE, Discipline.PERFORMANCE_ART)


@dataclass(frozen=True, slots=True)
class Loader:
    """How one file is loaded.

    Attributes:
        needs: files whose rows must be there before.
        beside: files that are read along with this one, because they say more about the same rows.
        load: from the sheets to batches; what is wrong is written down in the first sheet.
    """

    file: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    load: "Callable[[Sheet, dict[str, Sheet], World], Sequence[Batch]]"
    needs: tuple[str, ...] = ()
    beside: tuple["Loader", ...] = field(default=())


def fact(line: Line, world: World) -> dict[str, Any]:  # Any: values of a row
    """Read how sure a fact is, where it comes from, and the note if the file has one."""
    return {
        "certainty": line.certainty(),
        "sources": line.sources(world.source_codes),
        "note": line.optional("note") if "note" in line.cells else None,
    }


def known(line: Line, column: str, table: type[SQLModel], world: World) -> UUID | None:
    """Read the natural key of a row that must exist; None where the cell is empty."""
    slug = line.optional(column)
    if slug is None:
        return None
    id_ = world.ids(table).get(slug)
    if id_ is None:
        line.refuse(column, f"there is no {slug!r}")
    return id_


def ordered(line: Line, first: str, last: str) -> tuple[str | None, str | None]:
    """Read the two ends of a period, which must not be the wrong way round."""
    from_on, until_on = line.partial_date(first), line.partial_date(last)
    if from_on is not None and until_on is not None:
        shared = min(len(from_on), len(until_on))
        if until_on[:shared] < from_on[:shared]:
            line.refuse(last, f"{until_on} lies before {from_on}")
    return from_on, until_on


def disciplines(line: Line, column: str) -> list[Discipline]:
    """Read disciplines; wide words become the disciplines they cover, and all of them are written as none."""
    found: list[Discipline] = []
    for word in line.list_of(column):
        match word:
            case "all":
                return []
            case "literature":
                found += LITERATURE
            case "performing_arts":
                found += PERFORMING_ARTS
            case _:
                discipline = coded(Discipline, word)
                if discipline is None:
                    line.refuse(column, f"{word!r} is not a discipline")
                else:
                    found.append(discipline)
    return list(dict.fromkeys(found))
