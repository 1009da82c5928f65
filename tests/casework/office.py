"""Cases of the tests: written as services write them, with planted names that must turn up nowhere else."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, insert, update

from hub.store.sealed import Sealing
from hub.store.vault import Vault
from hub.store.veil import Veil
from schema.access import AccessProfile
from schema.tables import (
    AccountRow,
    AgreementRow,
    CaseAdviceRow,
    CaseAssessmentRow,
    CaseContactRow,
    CaseFamilyRow,
    CaseHealthRow,
    CaseIdentityRow,
    CaseLocationRow,
    CaseRiskRow,
    CaseRow,
    ConsentRow,
    OrganisationRow,
    PacketAdviceRow,
    PacketAssessmentRow,
    PacketContactRow,
    PacketCopyRow,
    PacketFamilyRow,
    PacketHealthRow,
    PacketIdentityRow,
    PacketLocationRow,
    PacketRiskRow,
    PersonRow,
    ReferralEventRow,
    ReferralRow,
    ReferralServiceRow,
)
from schema.tables.base import table_of
from schema.tables.people import AccountStatus
from schema.tables.referrals import Direction, WordsKind
from schema.vocabulary import (
    AccessScope,
    AgreementState,
    CaseState,
    Category,
    Certainty,
    ClockKind,
    ConsentState,
    ContactRule,
    Discipline,
    Liaison,
    OrganisationKind,
    Purpose,
    ReferralEventKind,
    ReferralState,
    Region,
    Relation,
    ServiceAnswer,
    Side,
    SupportKind,
    Urgency,
)

NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
TODAY: Final = NOW.date()
NAME: Final = "Planted Person-Name"
PEN_NAME: Final = "Planted Pen-Name"
CLAIM: Final = "Planted Claim of Danger"
ADDRESS: Final = "Planted Address"
ADVICE: Final = "No pictures of Planted."
CONTACT: Final = {"rule": "direct", "channels": [{"kind": "signal", "address": ADDRESS, "safe": True}]}
PLANTED: Final = ("Planted", "1971-05-03")
LOCATION: Final = {"current_region": "southern_asia", "arrival_month": "2027-03-01", "place": "Planted Place"}
HEALTH: Final = {"care_needs": ["quiet_home", "interpreter"], "account": "Planted Illness"}
FAMILY: Final = {"household": {"adults": 1, "children": 2}, "left_behind": "Planted Relatives"}
ASSESSMENT: Final = {"opinion": "supported_in_part", "text": "Planted Grounds"}
COARSE: Final = {
    "contactRule": "DIRECT",
    "currentRegion": "SOUTHERN_ASIA",
    "arrivalMonth": "2027-03-01",
    "careNeeds": ["QUIET_HOME", "INTERPRETER"],
    "household": {"adults": 1, "children": 2},
    "opinion": "SUPPORTED_IN_PART",
}
"""What the coarse fields show of them."""
EVERY_CATEGORY: Final = [each for each in Category if each not in {Category.PUBLIC, Category.NETWORK}]
"""Those of which something is kept."""
EVERY_SCOPE: Final = frozenset(AccessScope)
FACT: Final[dict[str, Any]] = {"certainty": Certainty.SYNTHETIC, "sources": []}


def derive(label: str) -> bytes:
    """Derive keys from a root of the tests' own."""
    return sha256(b"root of the tests" + label.encode()).digest()


VEIL: Final = Veil(derive)


@dataclass(frozen=True, slots=True)
class File:
    """One case and its person."""

    case: UUID
    person: UUID


class Office:
    """Writes bodies, accounts, cases, consents and referrals."""

    def __init__(self, connection: Connection, house: UUID | None = None) -> None:
        self.connection = connection
        self.vault = Vault(Sealing(derive))
        self.house = house or self.body("icorn", own=True)

    def put(self, row: Any, **values: Any) -> UUID:
        """Write a row."""
        values.setdefault("id", uuid4())
        self.connection.execute(insert(table_of(row)).values(values))
        made: UUID = values["id"]
        return made

    def change(self, row: Any, which: UUID, **values: Any) -> None:
        """Change a row."""
        table = table_of(row)
        self.connection.execute(update(table).where(table.c.id == which).values(values))

    def body(self, slug: str, *, own: bool = False) -> UUID:
        """Make a body."""
        return self.put(
            OrganisationRow,
            **FACT,
            slug=slug,
            name=slug,
            acronym=None,
            kind=OrganisationKind.NETWORK,
            support=[],
            support_other=[],
            disciplines=[],
            refers_to_icorn=Liaison.SELF if own else Liaison.UNKNOWN,
            receives_from_icorn=Liaison.SELF if own else Liaison.UNKNOWN,
        )

    def agree(self, body: UUID, **terms: Any) -> UUID:
        """Make an agreement that allows everything, unless told otherwise."""
        given = {
            "state": AgreementState.IN_FORCE,
            "from_on": "2024",
            "until_on": None,
            "onward_allowed": False,
            "categories": list(Category),
            "purposes": list(Purpose),
        }
        return self.put(AgreementRow, **FACT, organisation_id=body, **(given | terms))

    def account(self, relation: Relation) -> UUID:
        """Make an account nobody signs in with."""
        which = uuid4()
        return self.put(
            AccountRow,
            id=which,
            login=f"a{which.hex[:20]}",
            name="Staff",
            relation=relation,
            status=AccountStatus.ACTIVE,
            scopes=[],
            created_at=NOW,
        )

    def file(self, *, sealed: bool = True, person: dict[str, Any] | None = None, **case: Any) -> File:
        """Open a case on a new person; with something of each category unless told otherwise."""
        who = self.put(
            PersonRow,
            **{
                "contact_rule": ContactRule.DIRECT,
                "blocked_organisations": [],
                "blocked_cities": [],
                "frozen": False,
                "synthetic": True,
            }
            | (person or {}),
        )
        self.vault.make_key(self.connection, who, NOW)
        made = uuid4()
        given = {
            "state": CaseState.OPEN,
            "opened_on": date(2026, 3, 1),
            "disciplines": [Discipline.POETRY],
            "origin_region": Region.WESTERN_ASIA,
            "languages": ["fa"],
            "household_size": 2,
            "support": [SupportKind.RESIDENCY],
            "urgency": Urgency.URGENT,
        }
        self.put(CaseRow, id=made, person_id=who, **(given | case))
        if sealed:
            identity = {"legal_name": NAME, "names": [PEN_NAME], "birth_date": "1971-05-03", "nationalities": ["IR"]}
            self.vault.write(self.connection, CaseIdentityRow, made, who, identity)
            self.vault.write(self.connection, CaseContactRow, made, who, CONTACT)
            risk = {
                "level": "high",
                "claim": CLAIM,
                "incidents": [{"act": "death_threat", "on": "2025-02", "by": None}],
                "convicted": False,
                "samples": [{"title": "Planted Title", "discipline": "poetry", "published": False}],
            }
            self.vault.write(self.connection, CaseRiskRow, made, who, risk)
            self.vault.write(self.connection, CaseAdviceRow, made, who, {"security_advice": ADVICE})
            self.vault.write(self.connection, CaseLocationRow, made, who, LOCATION)
            self.vault.write(self.connection, CaseHealthRow, made, who, HEALTH)
            self.vault.write(self.connection, CaseFamilyRow, made, who, FAMILY)
            self.vault.write(self.connection, CaseAssessmentRow, made, who, ASSESSMENT)
        return File(made, who)

    def consent(self, file: File, body: UUID, **terms: Any) -> UUID:
        """Let the person allow one body all that is kept, for assessment, unless told otherwise."""
        given = {
            "categories": EVERY_CATEGORY,
            "purposes": [Purpose.ASSESSMENT],
            "state": ConsentState.GIVEN,
            "from_on": TODAY - timedelta(days=10),
            "until_on": TODAY + timedelta(days=10),
            "wording_version": "1",
            "language": "fa",
            "by_contact_person": False,
        }
        return self.put(ConsentRow, person_id=file.person, recipient_id=body, **(given | terms))

    def refer(self, file: File, body: UUID, **terms: Any) -> UUID:
        """Hand the person from ICORN to a body that has taken the case up, unless told otherwise."""
        given = {
            "sender_id": self.house,
            "recipient_id": body,
            "direction": Direction.OUTGOING,
            "state": ReferralState.IN_REVIEW,
            "since": NOW - timedelta(days=1),
            "purpose": Purpose.ASSESSMENT,
            "urgency": Urgency.URGENT,
            "categories": [Category.CASE, Category.IDENTITY, Category.RISK],
            "origin_region": Region.WESTERN_ASIA,
            "languages": ["fa"],
            "created_at": NOW - timedelta(days=3),
            "sent_at": NOW - timedelta(days=2),
            "clock": ClockKind.DECISION,
            "clock_side": Side.RECIPIENT,
            "due_at": NOW + timedelta(days=2),
        }
        made = self.put(ReferralRow, case_id=file.case, person_id=file.person, **(given | terms))
        self.connection.execute(
            insert(table_of(ReferralServiceRow)).values(
                referral_id=made, kind=SupportKind.ASSESSMENT, answer=ServiceAnswer.ASKED
            )
        )
        return made

    def packet(self, file: File, referral: UUID, **terms: Any) -> UUID:
        """Freeze what is known of the person into the packet of a referral, unless told otherwise."""
        given = {
            "version": 1,
            "categories": EVERY_CATEGORY,
            "digest": b"digest",
            "sealed_at": NOW - timedelta(days=2),
            "disciplines": [Discipline.POETRY],
            "languages": ["fa"],
            "support": [SupportKind.RESIDENCY],
            "contact_rule": ContactRule.DIRECT,
        }
        made = self.put(
            PacketCopyRow, referral_id=referral, case_id=file.case, person_id=file.person, **(given | terms)
        )
        identity, risk = {"legal_name": NAME, "names": [PEN_NAME]}, {"level": "high", "claim": CLAIM}
        sealed = {PacketIdentityRow: identity, PacketContactRow: CONTACT, PacketRiskRow: risk}
        sealed |= {PacketLocationRow: LOCATION, PacketHealthRow: HEALTH}
        sealed |= {PacketFamilyRow: FAMILY, PacketAssessmentRow: ASSESSMENT}
        sealed |= {PacketAdviceRow: {"security_advice": ADVICE}}
        for row, content in sealed.items():
            self.vault.freeze(self.connection, row, made, file.person, 1, content)
        return made

    def event(self, referral: UUID, number: int, kind: ReferralEventKind, to: ReferralState, **terms: Any) -> UUID:
        """Write an event of a referral."""
        return self.put(ReferralEventRow, referral_id=referral, number=number, kind=kind, to_state=to, at=NOW, **terms)

    def say(self, file: File, referral: UUID, event: UUID, kind: WordsKind, text: str) -> None:
        """Write words said with an event."""
        said = {"event_id": event, "referral_id": referral, "subject": file.person}
        self.vault.say(self.connection, kind, text, **said)


def partner(body: UUID | None, purpose: Purpose | None = Purpose.ASSESSMENT, **more: Any) -> AccessProfile:
    """Give the profile of a partner's program."""
    given: dict[str, Any] = {"relation": Relation.PARTNER_AGREEMENT, "scopes": EVERY_SCOPE, "client": "program"}
    return AccessProfile(organisation_id=body, purpose=purpose, **(given | more))


def staff(relation: Relation, account: UUID | None = None, **more: Any) -> AccessProfile:
    """Give the profile of somebody who signed in."""
    given: dict[str, Any] = {"relation": relation, "scopes": EVERY_SCOPE, "account_id": account or uuid4()}
    return AccessProfile(**(given | more))


LEAD: Final = staff(Relation.LEAD)


def case_id(file: File, who: AccessProfile) -> str:
    """Give the id under which a viewer knows a case."""
    return f"ca_{VEIL.hide(who.audience, 'ca', file.case)}"


def person_id(file: File, who: AccessProfile) -> str:
    """Give the id under which a viewer knows a person."""
    return f"pe_{VEIL.hide(who.audience, 'pe', file.person)}"


CASE: Final = "query($id: ID!) { case(id: $id) { state identity { legalName names } risk { claim } securityAdvice } }"
"""Asks for something of each category of a case."""


def codes(answer: dict[str, Any]) -> dict[str, str]:
    """Give the reason for which each field was withheld, by its last name."""
    return {each["path"][-1]: each["code"] for each in answer.get("extensions", {}).get("withheld", [])}
