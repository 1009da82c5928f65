"""Opening a case: a person under a code, a coarse profile in plain columns, all that tells who it is sealed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, delete, insert, select, update

from connectors.content import bounded
from connectors.errors import Invalid
from connectors.words import FIELDS
from connectors.words import Category as Word
from hub.consent import Acting, Changed, InvalidInput, NotFound
from hub.referrals.office import Office
from hub.referrals.sources import Provenance, Recording, note
from hub.referrals.words import word
from schema.access import relations_with
from schema.coarse import PERSONS_MOST, arrival_month, household
from schema.tables import (
    CaseAdviceRow,
    CaseAssessmentRow,
    CaseContactRow,
    CaseFamilyRow,
    CaseHealthRow,
    CaseIdentityRow,
    CaseLocationRow,
    CaseRiskRow,
    CaseRow,
    PersonRow,
    RecordedFactRow,
)
from schema.tables.base import table_of
from schema.tables.casefile import SealedRow
from schema.vocabulary import (
    AccessScope,
    CaseState,
    Category,
    ContactRule,
    Discipline,
    FactSource,
    Grain,
    Region,
    Relation,
    SupportKind,
    Urgency,
)

Fields = Mapping[str, Any]  # Any: what JSON holds
SAMPLES: Final = "samples"
"""Works shown as proof. Wire forms have no place for them, so they travel unmapped, within risk."""
ADVICE: Final = "security_advice"
"""What a host must know: risk on the wire, in an envelope of its own here."""
SEALED: Final[Mapping[Category, type[SealedRow]]] = {
    Category.IDENTITY: CaseIdentityRow,
    Category.CONTACT: CaseContactRow,
    Category.LOCATION: CaseLocationRow,
    Category.RISK: CaseRiskRow,
    Category.HEALTH: CaseHealthRow,
    Category.FAMILY: CaseFamilyRow,
    Category.ASSESSMENT: CaseAssessmentRow,
}
"""Where each category of a case lies that is sealed."""
WORDS: Final[Mapping[Category, Word]] = {word(Category, name): name for name in FIELDS if name != "case"}
"""Their names on the wire."""
KNOWN: Final = {category: frozenset(FIELDS[name]) - {ADVICE} for category, name in WORDS.items()}
"""What may be sealed of each."""

_CASE: Final = table_of(CaseRow)
_PERSON: Final = table_of(PersonRow)
_FACT: Final = table_of(RecordedFactRow)
_ADVICE_CHARS: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The coarse profile: what may be told under a code."""

    disciplines: Sequence[Discipline] = ()
    origin_region: Region | None = None
    languages: Sequence[str] = ()
    household_size: int | None = None
    support: Sequence[SupportKind] = ()
    urgency: Urgency | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is known of a person, in the hub's words. Keys are those of `connectors.words.FIELDS`."""

    profile: Profile = Profile()
    identity: Fields = field(default_factory=dict, repr=False)
    contact: Fields = field(default_factory=dict, repr=False)
    location: Fields = field(default_factory=dict, repr=False)
    risk: Fields = field(default_factory=dict, repr=False)
    works: Sequence[Fields] = field(default=(), repr=False)
    security_advice: str | None = field(default=None, repr=False)
    health: Fields = field(default_factory=dict, repr=False)
    family: Fields = field(default_factory=dict, repr=False)
    assessment: Fields = field(default_factory=dict, repr=False)
    contact_rule: ContactRule = ContactRule.NEVER
    provenance: Provenance | None = None

    @property
    def categories(self) -> frozenset[Category]:
        """Tell of which categories something is known."""
        found = {category for category, fields in self.sealed.items() if fields}
        if self.profile != Profile():
            found.add(Category.CASE)
        if self.security_advice:
            found.add(Category.RISK)
        return frozenset(found)

    @property
    def sealed(self) -> Mapping[Category, Fields]:
        """Give what is to be sealed, by category; the works shown as proof lie within the risk."""
        works = {SAMPLES: [dict(work) for work in self.works]} if self.works else {}
        return {
            Category.IDENTITY: self.identity,
            Category.CONTACT: self.contact,
            Category.LOCATION: self.location,
            Category.RISK: dict(self.risk) | works,
            Category.HEALTH: self.health,
            Category.FAMILY: self.family,
            Category.ASSESSMENT: self.assessment,
        }


def open_case(
    connection: Connection, acting: Acting, office: Office, content: Content, *, holder_id: UUID | None = None
) -> Changed:
    """Open a case on a new person.

    Args:
        connection: of the caller's transaction.
        acting: a caseworker or lead, who owns it; or a partner, which holds it.
        office: where the vault is.
        content: what is known.
        holder_id: the body whose file it is; None for ICORN's own.

    Raises:
        NotFound: who acts may open none.
        InvalidInput: a field is unknown, or holds what cannot be kept.
    """
    if acting.partner_id is None:
        acting.need(AccessScope.CASE_WRITE)
        if acting.profile.relation not in {Relation.CASEWORKER, Relation.LEAD} or holder_id is not None:
            raise NotFound
        need_writer(acting, content.categories)
    elif holder_id != acting.partner_id:
        raise NotFound
    checked(content)
    return make_case(connection, acting, office, content, holder_id=holder_id)


def make_case(
    connection: Connection, acting: Acting, office: Office, content: Content, *, holder_id: UUID | None
) -> Changed:
    """Write person, key, case and content; all checks were made."""
    person_id, case_id = uuid4(), uuid4()
    connection.execute(insert(_PERSON).values(id=person_id, contact_rule=content.contact_rule))
    office.vault.make_key(connection, person_id, acting.now)
    values = {
        "id": case_id,
        "person_id": person_id,
        "holder_id": holder_id,
        "state": CaseState.OPEN,
        "opened_on": acting.today,
        "owner_id": acting.account_id if holder_id is None else None,
    }
    connection.execute(insert(_CASE).values(**values, **profile_columns(content.profile)))
    write_content(connection, office, case_id, person_id, content)
    # What a partner brings comes from the partner, where it does not say more.
    provenance = content.provenance or (Provenance(source=FactSource.PARTNER) if holder_id else None)
    if provenance is not None:
        told = Recording(
            case_id=case_id,
            person_id=person_id,
            account_id=acting.account_id,
            now=acting.now,
            provenance=provenance,
        )
        note_content(connection, told, content)
    return Changed(person_id=person_id, case_id=case_id)


def write_content(connection: Connection, office: Office, case_id: UUID, person_id: UUID, content: Content) -> None:
    """Seal each category, and advice apart from the risk; what is empty makes no row."""
    for category, fields in content.sealed.items():
        if fields:
            office.vault.write(connection, SEALED[category], case_id, person_id, dict(fields))
    if content.security_advice:
        office.vault.write(connection, CaseAdviceRow, case_id, person_id, {ADVICE: content.security_advice})


def note_content(connection: Connection, told: Recording, content: Content) -> None:
    """Note where all of a case's first content comes from."""
    empty = profile_columns(Profile())
    given = [name for name, value in profile_columns(content.profile).items() if value != empty[name]]
    note(connection, told, Category.CASE, given)
    for category, fields in content.sealed.items():
        note(connection, told, category, fields, 1)


def write_profile(connection: Connection, case_id: UUID, profile: Profile) -> None:
    """Write the coarse profile anew."""
    connection.execute(update(_CASE).where(_CASE.c.id == case_id).values(**profile_columns(profile)))


def profile_of(connection: Connection, case_id: UUID) -> Row[Any]:
    """Read a case's plain columns."""
    return connection.execute(select(_CASE).where(_CASE.c.id == case_id)).one()


def shred(connection: Connection, case_id: UUID) -> None:
    """Delete what is sealed of a case, where it came from, and its profile; nobody may write to the person any more."""
    sealed: list[type[SealedRow]] = [*SEALED.values(), CaseAdviceRow]
    for row in sealed:
        table = table_of(row)
        connection.execute(delete(table).where(table.c.case_id == case_id))
    connection.execute(delete(_FACT).where(_FACT.c.case_id == case_id))
    write_profile(connection, case_id, Profile())
    write_rule(connection, case_id, ContactRule.NEVER)


def write_rule(connection: Connection, case_id: UUID, rule: ContactRule) -> None:
    """Write how the person of a case may be reached; it binds at once."""
    whose = select(_CASE.c.person_id).where(_CASE.c.id == case_id).scalar_subquery()
    connection.execute(update(_PERSON).where(_PERSON.c.id == whose).values(contact_rule=rule))


def profile_columns(profile: Profile) -> dict[str, Any]:
    """Give the plain columns of a profile."""
    return {
        "disciplines": list(profile.disciplines),
        "origin_region": profile.origin_region,
        "languages": list(profile.languages),
        "household_size": profile.household_size,
        "support": list(profile.support),
        "urgency": profile.urgency,
    }


def need_writer(acting: Acting, categories: Iterable[Category]) -> None:
    """Look that who acts may write categories: those of which the matrix opens them a form; no person judges itself.

    Raises:
        InvalidInput: naming one they may not write.
    """
    relation = acting.profile.relation
    for category in categories:
        judged = category is Category.ASSESSMENT and relation is Relation.RESIDENT
        if judged or relation not in relations_with(category, Grain.COARSE):
            raise InvalidInput(WORDS.get(category, "profile"), reason="it is not for you to write")


def checked(content: Content) -> None:
    """Look that content can be kept.

    Raises:
        InvalidInput: a field is unknown, or holds what cannot be kept.
    """
    for category, name in WORDS.items():
        fields = dict(content.sealed[category])
        _kept("works", fields.pop(SAMPLES, []))
        strange = sorted(set(fields) - KNOWN[category])
        if strange:
            raise InvalidInput(name, strange[0], reason="there is no such field")
        _kept(name, fields)
    size = content.profile.household_size
    if size is not None and not 0 < size <= 50:  # noqa: PLR2004  # of a household
        raise InvalidInput("profile", "household_size", reason="1 to 50")
    month = content.location.get("arrival_month")
    if month is not None and month != arrival_month(content.location):
        raise InvalidInput("location", "arrival_month", reason="the first day of a month")
    if content.family.get("household") is not None:
        counts = household(content.family)
        if counts is None or not 0 < counts["adults"] + counts["children"] <= PERSONS_MOST:
            raise InvalidInput("family", "household", reason="1 to 50 persons")
    if content.security_advice is not None and not 0 < len(content.security_advice) <= _ADVICE_CHARS:
        raise InvalidInput("security_advice", reason="1 to 2,000 letters")


def _kept(path: str, value: Any) -> None:
    try:
        bounded(value)
    except Invalid as error:
        raise InvalidInput(path, reason=error.reason) from error
