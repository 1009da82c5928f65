"""The public face of residents, their works, and people named in the network's history."""

from typing import TYPE_CHECKING, Annotated, Final

import strawberry
from sqlalchemy import func, or_

from schema.access import PUBLIC, Anyone
from schema.scalars import URL, CountryCode, LanguageTag
from schema.source import Ordering, column, embedded, input_object, matches, one, page, record
from schema.tables import FigureRow, ResidentRow, WorkRow
from schema.types.basics import (
    Connection,
    CountryFilter,
    Filter,
    IDFilter,
    Node,
    OrderDirection,
    Period,
    Provenance,
    TextFilter,
    period,
    provenance,
)
from schema.vocabulary import Discipline, Region
from schema.vocabulary.base import Vocabulary, vocabulary

if TYPE_CHECKING:
    from schema.types.cities import City

WORKS_IN_ORDER: Final = Ordering(lambda c: [func.coalesce(c.year, 9999), c.title_key], see=PUBLIC)


@record(WorkRow, code="wk", see=PUBLIC, rows=Anyone(), entity=True)
class Work(Node):
    """A work published under the name of the public face. Unpublished work is a WorkSample of a case."""

    id: strawberry.ID = column(WorkRow.id, see=PUBLIC, says="Opaque id.")
    title: str = column(WorkRow.title, see=PUBLIC, says="Title as published.")
    title_translated: str | None = column(
        WorkRow.title_translated, see=PUBLIC, says="Title in English; null when there is none."
    )
    discipline: Discipline = column(WorkRow.discipline, see=PUBLIC, says="Art form.")
    language: LanguageTag | None = column(WorkRow.language, see=PUBLIC, says="Language; null when not known or none.")
    year: int | None = column(WorkRow.year, see=PUBLIC, says="Year of publication; null when not known.")
    url: URL | None = column(WorkRow.url, see=PUBLIC, says="Where to find it; null when nowhere.")
    by: Annotated["Resident", strawberry.lazy("schema.types.residents")] = one(
        lambda here, there: there.id == here.resident_id, see=PUBLIC, says="The public face."
    )
    provenance: Provenance = provenance(WorkRow)


@record(ResidentRow, code="re", see=PUBLIC, rows=Anyone(), entity=True)
class Resident(Node):
    """The public face of a resident: only what the person released, under the name the person chose.

    Leads nowhere back to a case.
    """

    id: strawberry.ID = column(ResidentRow.id, see=PUBLIC, says="Opaque id; no other record carries it.")
    name: str = column(ResidentRow.name, see=PUBLIC, says="Name the person is shown under.")
    disciplines: list[Discipline] = column(ResidentRow.disciplines, see=PUBLIC, says="Art forms released.")
    origin_country: CountryCode | None = column(
        ResidentRow.origin_country, see=PUBLIC, says="Country of origin; null unless released."
    )
    origin_region: Region | None = column(
        ResidentRow.origin_region, see=PUBLIC, says="Region of origin; null unless released."
    )
    city: Annotated["City", strawberry.lazy("schema.types.cities")] | None = one(
        lambda here, there: there.id == here.city_id, see=PUBLIC, says="City of refuge; null unless released."
    )
    host: str | None = column(
        ResidentRow.host, see=PUBLIC, says="Host as published, where no city of the graph is named."
    )
    stay: Period | None = embedded(
        period("stay_from", "stay_until"),
        present=lambda c: or_(c.stay_from.is_not(None), c.stay_until.is_not(None)),
        see=PUBLIC,
        says="Years of the stay; null unless released.",
    )
    biography: str | None = column(
        ResidentRow.biography, see=PUBLIC, says="In the person's own words, or as published; null unless released."
    )
    links: list[URL] = column(ResidentRow.links, see=PUBLIC, says="Public pages the person names.")
    works: Connection[Work] = page(
        on=lambda here, there: there.resident_id == here.id,
        default=WORKS_IN_ORDER,
        see=PUBLIC,
        says="Published works under this name, by year and title.",
    )
    provenance: Provenance = provenance(ResidentRow)


@input_object
class ResidentWhere:
    """Which residents. Only released facts match, so a filter tells nothing that the page does not."""

    name: TextFilter | None = matches(ResidentRow.name_key, folded=True, see=PUBLIC, says="By shown name.")
    discipline: Filter[Discipline] | None = matches(ResidentRow.disciplines, see=PUBLIC, says="By released discipline.")
    city: IDFilter | None = matches(ResidentRow.city_id, see=PUBLIC, says="By released city.")
    origin_country: CountryFilter | None = matches(
        ResidentRow.origin_country, see=PUBLIC, says="By released country of origin."
    )


@vocabulary
class ResidentOrderField(Vocabulary):
    """Keys to order Resident by. Each has an index."""

    NAME = ("name", "By shown name.")


@input_object
class ResidentOrder:
    """An order of Resident."""

    field: ResidentOrderField = strawberry.field(description="Key.")
    direction: OrderDirection = strawberry.field(description="Direction.", default=OrderDirection.ASC)


RESIDENT_ORDERS: Final = {ResidentOrderField.NAME: Ordering(lambda c: [c.name_key], see=PUBLIC)}


@record(FigureRow, code="fg", see=PUBLIC, rows=Anyone())
class Figure(Node):
    """Somebody named in the history of the network who is not a resident, such as a president of the first network."""

    id: strawberry.ID = column(FigureRow.id, see=PUBLIC, says="Opaque id.")
    name: str = column(FigureRow.name, see=PUBLIC, says="Name.")
    role: str = column(FigureRow.role, see=PUBLIC, says="Part played.")
    discipline: str | None = column(FigureRow.discipline, see=PUBLIC, says="Field, as recorded; null when not known.")
    country: CountryCode | None = column(FigureRow.country, see=PUBLIC, says="Country; null when not recorded.")
    fact: str | None = column(FigureRow.fact, see=PUBLIC, says="What is recorded; null when nothing more.")
    provenance: Provenance = provenance(FigureRow)


FIGURES_IN_ORDER: Final = Ordering(lambda c: [c.name_key], see=PUBLIC)
