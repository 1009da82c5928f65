"""What there is to ask for in a world, and who asks."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from arena import Stage
from dice import Dice
from oracle.rows import RECORDS, Thing, global_id
from worlds import EDGE_DAYS, NAMES

from schema.access import AccessProfile
from schema.text import fold
from schema.vocabulary import AccessScope, Purpose, Relation

TEXTS: Final = (
    ("City", "city", "name slug"),
    ("Organisation", "organisation", "name acronym slug"),
    ("Resident", "resident", "name"),
)


class Pool:
    """Values to ask for, read off a world."""

    def __init__(self, stage: Stage, index: int) -> None:
        tables = stage.oracle.rows.tables
        self.index = index
        self.today = stage.world.today
        self.ids = {
            kind: [global_id(Thing(kind, row)) for row in tables[record.table]] for kind, record in RECORDS.items()
        }
        self.uuids = {kind: [row["id"] for row in tables[record.table]] for kind, record in RECORDS.items()}
        self.slugs = {kind: [row["slug"] for row in tables[RECORDS[kind].table]] for kind in ("City", "Organisation")}
        self.texts = {
            f"{kind}Where.{column}": [*NAMES[:2], *sorted({row[column] for row in tables[table]} - {None})]
            for kind, table, columns in TEXTS
            for column in columns.split()
        }
        """Texts to compare with, by the filter."""
        self.parts = {
            name: sorted({part for text in known for part in _parts(fold(text))}) for name, known in self.texts.items()
        }
        countries = {row["country"] for row in (*tables["city"], *tables["organisation"]) if row["country"]}
        self.countries = [*sorted(countries), "NO", "ZW"]
        days = {
            row[column]
            for table in ("place", "partner_opening")
            for row in tables[table]
            for column in ("available_from", "confirmed_on")
            if row[column]
        }
        partial = {
            row["from_on"] for table in ("event", "term", "membership") for row in tables[table] if row["from_on"]
        }
        whole = {date.fromisoformat(text) for text in partial if len(text) == len("2026-11-21")}
        near = {day + timedelta(days=step) for day in days | whole for step in (0, 1, -1) if day not in EDGE_DAYS}
        self.days = [self.today.isoformat(), *(day.isoformat() for day in sorted(near | set(EDGE_DAYS)))]
        self.cursors: dict[str, list[str]] = {}
        for mark, text in stage.texts.items():
            self.cursors.setdefault(mark.ordering, []).append(text)
        self.cities_with_places = [row["city_id"] for row in tables["place"]]
        self.bodies_with_agreement = [row["organisation_id"] for row in tables["agreement"]]


def _parts(text: str) -> list[str]:
    return [
        text[start : start + size]
        for size in (3, 5)
        for start in (0, 1, len(text) - size)
        if len(text) > size + start >= size
    ]


# ---- Who asks ------------------------------------------------------------------------------------------------------

_READ: Final = frozenset({AccessScope.PUBLIC_READ, AccessScope.NETWORK_READ})
_STATS: Final = frozenset({AccessScope.NETWORK_READ, AccessScope.STATS_READ})
_SELF: Final = frozenset({AccessScope.SELF_READ})
_NONE: Final[frozenset[AccessScope]] = frozenset()
ACTORS: Final = (
    (Relation.ANONYMOUS, _NONE),
    (Relation.PARTNER_AGREEMENT, _READ),
    (Relation.PARTNER_AGREEMENT, _READ),
    (Relation.PARTNER_AGREEMENT, _NONE),
    (Relation.PARTNER_REFERRAL, _STATS),
    (Relation.CITY_HOST, _STATS),
    (Relation.CITY_HOST, _READ),
    (Relation.CITY_CANDIDATE, _READ),
    (Relation.NATIONAL_HELPER, _READ),
    (Relation.CASEWORKER, _STATS),
    (Relation.CASEWORKER, _NONE),
    (Relation.LEAD, frozenset(AccessScope)),
    (Relation.DPO, _STATS),
    (Relation.BOARD, _STATS),
    (Relation.RESIDENT, _SELF),
    (Relation.CONTACT_PERSON, _SELF),
    (Relation.AUDITOR, _STATS),
    (Relation.OPERATOR, _STATS),
    (Relation.ASSESSOR, _STATS),
    (Relation.LEAD, _STATS),
    (Relation.RESIDENT, _SELF | _STATS),
    (Relation.ANONYMOUS, _STATS),
)


def profile(dice: Dice, pool: Pool) -> AccessProfile:
    relation, scopes = dice.pick(ACTORS)
    if dice.chance(8):
        relation = dice.pick(list(Relation))
    purposes = tuple(dice.some(list(Purpose), 3))
    expires = (None, datetime(2026, 11, 21, 9, 30, 0, 123456, UTC), datetime(2030, 1, 1, tzinfo=UTC))

    def own(known: Sequence[UUID]) -> UUID | None:
        if known and dice.chance(60):
            return dice.pick(known)
        return dice.pick((None, None, UUID(int=0)))

    return AccessProfile(
        relation=relation,
        scopes=scopes,
        purposes=purposes,
        purpose=dice.pick(purposes) if purposes and dice.chance(50) else None,
        organisation_id=own(pool.bodies_with_agreement or pool.uuids["Organisation"]),
        city_id=own(pool.cities_with_places or pool.uuids["City"]),
        expires_at=dice.pick(expires),
    )
