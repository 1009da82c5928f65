"""Facts of a case written anew, each with where it comes from. What is not given stays as it is; null erases.

The newest value stands in the case; where it came from, and where those before it did, stands in rows that are added
and never changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, select, update

from hub.consent import Acting, Changed, InvalidInput, NotFound
from hub.consent.ties import is_self
from hub.referrals import cases
from hub.referrals.cases import KNOWN, SAMPLES, SEALED, Content, Profile
from hub.referrals.office import Office
from hub.referrals.parties import need_case
from hub.referrals.sources import Provenance, Recording, note
from hub.referrals.words import known
from schema.tables import CaseRow
from schema.tables.base import table_of
from schema.vocabulary import AccessScope, Category, ContactRule, FactConfidence, FactSource, Relation

_CASE: Final = table_of(CaseRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is to be written: by category and field what was given, None where it is to be erased."""

    provenance: Provenance | None
    profile: Mapping[str, Any] = field(default_factory=dict)  # Any: what a column holds
    sealed: Mapping[Category, Mapping[str, Any]] = field(default_factory=dict, repr=False)  # Any: what JSON holds

    @property
    def given(self) -> Content:
        """Give what is not erased, as content of a case."""
        sealed = {category: _kept(self.sealed.get(category, {})) for category in SEALED}
        return Content(
            profile=Profile(**_kept(self.profile)),
            works=sealed[Category.RISK].pop(SAMPLES, ()),
            identity=sealed[Category.IDENTITY],
            contact=sealed[Category.CONTACT],
            location=sealed[Category.LOCATION],
            risk=sealed[Category.RISK],
            health=sealed[Category.HEALTH],
            family=sealed[Category.FAMILY],
            assessment=sealed[Category.ASSESSMENT],
        )


def record(connection: Connection, acting: Acting, office: Office, case_id: UUID, facts: Facts) -> Changed:
    """Write facts of a case that ICORN keeps.

    Args:
        connection: of the caller's transaction.
        acting: who works on the case, or the person, who says where nothing but themselves is the source.
        office: where the vault is.
        case_id: the case.
        facts: what is written, and where it comes from.

    Raises:
        NotFound: there is no such case for who acts.
        InvalidInput: nothing is given, a value cannot be kept, or who acts may not write its category.
    """
    acting.need(AccessScope.CASE_WRITE, AccessScope.SELF_WRITE)
    case = _mine(connection, acting, case_id)
    written = {category: fields for category, fields in facts.sealed.items() if fields}
    touched = frozenset(written) | ({Category.CASE} if facts.profile else frozenset())
    if not touched:
        raise InvalidInput("content", reason="nothing is given")
    cases.need_writer(acting, touched)
    cases.checked(facts.given)
    told = Recording(
        case_id=case_id,
        person_id=case.person_id,
        account_id=acting.account_id,
        now=acting.now,
        provenance=_source(acting, facts.provenance),
    )
    if facts.profile:
        columns = cases.profile_columns(Profile(**_kept(facts.profile)))
        values = {name: columns[name] for name in facts.profile}
        connection.execute(update(_CASE).where(_CASE.c.id == case_id).values(**values))
        note(connection, told, Category.CASE, facts.profile)
    for category in (category for category in SEALED if category in written):
        fields = written[category]
        kept = _kept({**(office.vault.read(connection, SEALED[category], case_id) or {}), **fields})
        version = office.vault.write(connection, SEALED[category], case_id, case.person_id, kept)
        note(connection, told, category, fields, version)
        if category is Category.CONTACT:
            rules = known(ContactRule, [kept.get("rule")])
            cases.write_rule(connection, case_id, rules[0] if rules else ContactRule.NEVER)
    return Changed(person_id=case.person_id, case_id=case_id, categories=touched)


def whole(category: Category) -> dict[str, Any]:
    """Give a category with every field erased."""
    works = {SAMPLES: None} if category is Category.RISK else {}
    return dict.fromkeys(sorted(KNOWN[category])) | works


def _mine(connection: Connection, acting: Acting, case_id: UUID) -> Row[Any]:
    """Lock the case: who writes to it at the same moment waits."""
    lock = select(_CASE).where(_CASE.c.id == case_id).with_for_update(key_share=True)
    case = connection.execute(lock).one_or_none()
    if case is None or acting.partner_id is not None:
        raise NotFound
    if acting.profile.relation is Relation.RESIDENT:
        if case.holder_id is not None or not is_self(connection, acting, case.person_id):
            raise NotFound
        return case
    return need_case(connection, acting, case_id)


def _source(acting: Acting, given: Provenance | None) -> Provenance:
    if given is None:
        raise InvalidInput("content", "provenance", reason="say where it comes from")
    if given.as_of is not None and given.as_of > acting.today.isoformat():
        raise InvalidInput("content", "provenance", "as_of", reason="that is not yet")
    told = (given.source, given.confidence) == (FactSource.PERSON, FactConfidence.CLAIMED)
    if acting.profile.relation is Relation.RESIDENT and not told:
        raise InvalidInput("content", "provenance", reason="what persons write themselves is claimed by themselves")
    return given


def _kept(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
