"""Opening a case: a person under a code, a coarse profile in plain columns, all that tells who it is sealed."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, delete, insert, select, update

from connectors.content import bounded
from connectors.errors import Invalid
from connectors.words import FIELDS
from hub.consent import Acting, Changed, InvalidInput, NotFound
from hub.referrals.office import Office
from schema.tables import CaseAdviceRow, CaseContactRow, CaseIdentityRow, CaseRiskRow, CaseRow, PersonRow
from schema.tables.base import table_of
from schema.vocabulary import (
    AccessScope,
    CaseState,
    Category,
    ContactRule,
    Discipline,
    Region,
    Relation,
    SupportKind,
    Urgency,
)

Fields = Mapping[str, Any]  # Any: what JSON holds
SAMPLES: Final = "samples"
"""Works shown as proof. Wire forms have no place for them, so they travel unmapped, within risk."""
IDENTITY: Final = frozenset(FIELDS["identity"])
CONTACT: Final = frozenset(FIELDS["contact"])
ADVICE: Final = "security_advice"
"""What a host must know: risk on the wire, in an envelope of its own here."""
RISK: Final = frozenset(FIELDS["risk"]) - {ADVICE}

_CASE: Final = table_of(CaseRow)
_PERSON: Final = table_of(PersonRow)
_CODE_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ23456789"
_CODE_CHARS: Final = 8
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
    risk: Fields = field(default_factory=dict, repr=False)
    works: Sequence[Fields] = field(default=(), repr=False)
    security_advice: str | None = field(default=None, repr=False)
    contact_rule: ContactRule = ContactRule.NEVER

    @property
    def categories(self) -> frozenset[Category]:
        """Tell of which categories something is known."""
        found = {
            Category.CASE: self.profile != Profile(),
            Category.IDENTITY: bool(self.identity),
            Category.CONTACT: bool(self.contact),
            Category.RISK: bool(self.risk or self.works or self.security_advice),
        }
        return frozenset(category for category, known in found.items() if known)


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
    elif holder_id != acting.partner_id:
        raise NotFound
    _checked(content)
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
        "code": new_code(),
        "state": CaseState.OPEN,
        "opened_on": acting.today,
        "owner_id": acting.account_id if holder_id is None else None,
    }
    connection.execute(insert(_CASE).values(**values, **profile_columns(content.profile)))
    write_content(connection, office, case_id, person_id, content)
    return Changed(person_id=person_id, case_id=case_id)


def write_content(connection: Connection, office: Office, case_id: UUID, person_id: UUID, content: Content) -> None:
    """Seal identity, contact, risk and advice; what is empty makes no row."""
    if content.identity:
        office.vault.write(connection, CaseIdentityRow, case_id, person_id, dict(content.identity))
    if content.contact:
        office.vault.write(connection, CaseContactRow, case_id, person_id, dict(content.contact))
    risk = risk_of(content)
    if risk:
        office.vault.write(connection, CaseRiskRow, case_id, person_id, risk)
    if content.security_advice:
        office.vault.write(connection, CaseAdviceRow, case_id, person_id, {ADVICE: content.security_advice})


def risk_of(content: Content) -> dict[str, Any]:
    """Give what is sealed of the risk: the works shown as proof lie within."""
    return dict(content.risk) | ({SAMPLES: [dict(work) for work in content.works]} if content.works else {})


def write_profile(connection: Connection, case_id: UUID, profile: Profile) -> None:
    """Write the coarse profile anew."""
    connection.execute(update(_CASE).where(_CASE.c.id == case_id).values(**profile_columns(profile)))


def profile_of(connection: Connection, case_id: UUID) -> Row[Any]:
    """Read a case's plain columns."""
    return connection.execute(select(_CASE).where(_CASE.c.id == case_id)).one()


def shred(connection: Connection, case_id: UUID) -> None:
    """Delete what is sealed of a case, and its profile."""
    for row in (CaseIdentityRow, CaseContactRow, CaseRiskRow, CaseAdviceRow):
        table = table_of(row)
        connection.execute(delete(table).where(table.c.case_id == case_id))
    write_profile(connection, case_id, Profile())


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


def new_code() -> str:
    """Make a code name. It tells nothing, and spells no word."""
    return "C-" + "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_CHARS))


def _checked(content: Content) -> None:
    sealed = (
        ("identity", content.identity, IDENTITY),
        ("contact", content.contact, CONTACT),
        ("risk", content.risk, RISK),
    )
    for path, fields, known in sealed:
        strange = sorted(set(fields) - known)
        if strange:
            raise InvalidInput(path, strange[0], reason="there is no such field")
        _kept(path, dict(fields))
    _kept("works", [dict(work) for work in content.works])
    size = content.profile.household_size
    if size is not None and not 0 < size <= 50:  # noqa: PLR2004  # of a household
        raise InvalidInput("profile", "household_size", reason="1 to 50")
    if content.security_advice is not None and not 0 < len(content.security_advice) <= _ADVICE_CHARS:
        raise InvalidInput("security_advice", reason="1 to 2,000 letters")


def _kept(path: str, value: Any) -> None:
    try:
        bounded(value)
    except Invalid as error:
        raise InvalidInput(path, reason=error.reason) from error
