"""Where recorded facts come from: rows that are added beside what was written, and never changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, insert
from strawberry.utils.str_converters import to_camel_case

from schema.tables import RecordedFactRow
from schema.tables.base import table_of
from schema.vocabulary import Category, FactConfidence, FactSource

_FACT: Final = table_of(RecordedFactRow)
_OF_CASE: Final = frozenset({"current_region", "arrival_month", "care_needs", "household", "opinion"})
"""Values that are fields of the case itself, not of the object of their category."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where facts come from: `as_of` is a partial date, today where it is None."""

    source: FactSource
    as_of: str | None = None
    confidence: FactConfidence = FactConfidence.CLAIMED


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One writing of facts: of which case, by whom, when, and where they come from."""

    case_id: UUID
    person_id: UUID
    account_id: UUID | None
    now: datetime
    provenance: Provenance


def note(
    connection: Connection, told: Recording, category: Category, names: Iterable[str], version: int | None = None
) -> None:
    """Add where each field comes from that was written, in the version of its category."""
    rows = [
        {
            "case_id": told.case_id,
            "person_id": told.person_id,
            "category": category,
            "field": coordinate(category, name),
            "source": told.provenance.source,
            "as_of": told.provenance.as_of or told.now.date().isoformat(),
            "confidence": told.provenance.confidence,
            "version": version,
            "recorded_at": told.now,
            "recorded_by_id": told.account_id,
        }
        for name in names
    ]
    if rows:
        connection.execute(insert(_FACT), rows)


def coordinate(category: Category, name: str) -> str:
    """Give the coordinate of a field in the graph."""
    if name in _OF_CASE:
        return f"Case.{to_camel_case(name)}"
    owner = "Profile" if category is Category.CASE else category.value.capitalize()
    return f"{owner}.{to_camel_case(name)}"
