"""Made-up persons: cases with sealed identity and risk, consents that run or not, referrals in every state, both ways.

Names carry `(made up)`, and each person is marked synthetic. Bodies that take part get a made-up agreement where they
have none; where no caseworker has an account, one is made that nobody can sign in with.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlmodel import SQLModel

from hub.errors import DataRejected
from hub.store.rows import columns
from hub.store.vault import Vault
from hub.synthetic import known
from hub.synthetic.chance import LANGUAGES, MARK, Chance, marked
from hub.synthetic.rows import FLIGHT, Made
from schema.standing import WAITS
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
    EventWordsRow,
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
    PersonFaceRow,
    PersonRow,
    ReferralEventRow,
    ReferralRow,
    ReferralServiceRow,
    ResidentRow,
)
from schema.tables.base import table_of
from schema.tables.people import AccountStatus
from schema.tables.referrals import Direction, WordsKind
from schema.vocabulary import (
    REGION_OF,
    AgreementState,
    CaseState,
    Category,
    Certainty,
    ConsentChannel,
    ConsentState,
    ContactRule,
    DeclineReason,
    Discipline,
    LegalBasis,
    Liaison,
    Purpose,
    ReferralState,
    Relation,
    ServiceAnswer,
    Side,
    SupportKind,
    Urgency,
)
from schema.vocabulary import ReferralEventKind as Kind

PARTNERS_LEAST: Final = 3
_ROOM: Final = "casework"
_SENSITIVE: Final = tuple(c for c in Category if c not in {Category.PUBLIC, Category.NETWORK})
_PURPOSES: Final = (Purpose.ASSESSMENT, Purpose.RESIDENCY_PLACEMENT, Purpose.EMERGENCY_HELP, Purpose.ADVOCACY)
_SHOWN: Final = tuple(d for d in Discipline if d is not Discipline.OTHER)
S, K = ReferralState, Kind

_TO_SENT: Final = (
    (K.CREATE, S.DRAFT),
    (K.ASK_CONSENT, S.CONSENT_PENDING),
    (K.CONSENT_GIVEN, S.READY),
    (K.SEND, S.SENT),
)
_TO_REVIEW: Final = (*_TO_SENT, (K.ACKNOWLEDGE, S.RECEIVED), (K.TAKE, S.IN_REVIEW))
_TO_WORK: Final = (*_TO_REVIEW, (K.ACCEPT, S.ACCEPTED), (K.START, S.IN_PROGRESS))
_PATHS: Final[dict[ReferralState, tuple[tuple[Kind, ReferralState], ...]]] = {
    S.DRAFT: _TO_SENT[:1],
    S.CONSENT_PENDING: _TO_SENT[:2],
    S.READY: _TO_SENT[:3],
    S.SENT: _TO_SENT,
    S.RECEIVED: _TO_REVIEW[:5],
    S.IN_REVIEW: _TO_REVIEW,
    S.INFO_REQUESTED: (*_TO_REVIEW, (K.ASK, S.INFO_REQUESTED)),
    S.WAITLISTED: (*_TO_REVIEW, (K.WAITLIST, S.WAITLISTED)),
    S.ACCEPTED: _TO_WORK[:7],
    S.IN_PROGRESS: _TO_WORK,
    S.CLOSED: (*_TO_WORK, (K.REPORT_OUTCOME, S.OUTCOME_REPORTED), (K.CONFIRM, S.CLOSED)),
    S.DECLINED: (*_TO_REVIEW, (K.DECLINE, S.DECLINED)),
    S.WITHDRAWN: (*_TO_SENT, (K.WITHDRAW, S.WITHDRAWN)),
    S.CONSENT_REVOKED: (*_TO_REVIEW, (K.REVOKE_CONSENT, S.CONSENT_REVOKED)),
    S.DUPLICATE: (*_TO_SENT, (K.DUPLICATE_DETECTED, S.DUPLICATE)),
}
_WEIGHTS: Final = (1, 1, 1, 3, 4, 5, 2, 1, 2, 4, 2, 1, 1, 1, 1)
_BY_RECIPIENT: Final = {K.ACKNOWLEDGE, K.TAKE, K.ASK, K.WAITLIST, K.ACCEPT, K.START, K.DECLINE, K.REPORT_OUTCOME}
_SAID: Final = {
    K.ACCEPT: (WordsKind.NOTE, "Made up: a room is free from the first of the month."),
    K.DECLINE: (WordsKind.DECLINE, "Made up: nobody here can judge the work."),
    K.WITHDRAW: (WordsKind.WITHDRAWAL, "Made up: help was found nearer by."),
}
_BY_NOBODY: Final = {K.CONSENT_GIVEN, K.REVOKE_CONSENT, K.DUPLICATE_DETECTED}


@dataclass(frozen=True, slots=True)
class _World:
    """What made-up cases hang on."""

    house: UUID
    partners: Sequence[UUID]
    workers: Sequence[UUID]
    now: datetime


_SEALED: Final[Mapping[Category, type[SQLModel]]] = {
    Category.IDENTITY: CaseIdentityRow,
    Category.CONTACT: CaseContactRow,
    Category.LOCATION: CaseLocationRow,
    Category.RISK: CaseRiskRow,
    Category.HEALTH: CaseHealthRow,
    Category.FAMILY: CaseFamilyRow,
    Category.ASSESSMENT: CaseAssessmentRow,
}
_FROZEN: Final[Mapping[Category, type[SQLModel]]] = {
    Category.IDENTITY: PacketIdentityRow,
    Category.CONTACT: PacketContactRow,
    Category.LOCATION: PacketLocationRow,
    Category.RISK: PacketRiskRow,
    Category.HEALTH: PacketHealthRow,
    Category.FAMILY: PacketFamilyRow,
    Category.ASSESSMENT: PacketAssessmentRow,
}
_PROFILE: Final = ("disciplines", "origin_region", "languages", "household_size", "support", "urgency")
"""Columns of the coarse profile."""


def add_cases(  # all but the first two by name
    engine: Engine,
    vault: Vault,
    *,
    seed: int,
    count: int,
    today: date,
    progress: Callable[[int], None] = lambda _: None,
) -> dict[str, int]:
    """Make up so many cases over the bodies that are there. Twice with the same seed adds what is missing only.

    Args:
        engine: of the database.
        vault: seals what tells who a person is.
        seed: the same makes the same rows.
        count: how many cases there are to be of this seed.
        today: around which their days lie.
        progress: told how many cases were gone through.

    Returns:
        How many rows were added, by table.

    Raises:
        DataRejected: ICORN itself or its partners are not among the bodies.
    """
    added: dict[str, int] = {}
    with engine.begin() as connection:
        world = _world(connection, seed, datetime.combine(today, time(12), UTC))
        there = set(connection.scalars(select(columns(PersonRow).id)))
        for number in range(count):
            chance = Chance(seed, _ROOM, number)
            person = chance.uuid()
            if person not in there:
                for row, rows in _case(connection, vault, chance, person, world):
                    added[table_of(row).name] = added.get(table_of(row).name, 0) + len(rows)
            progress(1)
    return added


def _world(connection: Connection, seed: int, now: datetime) -> _World:
    body = columns(OrganisationRow)
    house = connection.scalar(select(body.id).where(body.refers_to_icorn == Liaison.SELF).order_by(body.slug).limit(1))
    others = select(body.id).where(body.refers_to_icorn != Liaison.SELF).order_by(body.slug != "pen-international")
    partners = list(connection.scalars(others.order_by(body.slug).limit(PARTNERS_LEAST)))
    if house is None or len(partners) < 1:
        raise DataRejected("cases need ICORN itself and a partner among the bodies: import the facts first")
    _agree(connection, Chance(seed, _ROOM, "agreement"), partners)
    account = columns(AccountRow)
    staff = select(account.id).where(account.relation == Relation.CASEWORKER).order_by(account.login)
    workers = list(connection.scalars(staff))
    if not workers:
        made = {
            "id": Chance(seed, _ROOM, "account").uuid(),
            "login": "made-up-caseworker",
            "name": f"Caseworker {MARK}",
            "relation": Relation.CASEWORKER,
            "status": AccountStatus.ACTIVE,
            "scopes": [],
            "created_at": now,
        }
        connection.execute(insert(table_of(AccountRow)).values(made))
        workers = [made["id"]]
    return _World(house, partners, workers, now)


def _agree(connection: Connection, chance: Chance, partners: Sequence[UUID]) -> None:
    """Give each partner an agreement that runs; one that is no made-up one is left as it is."""
    table = table_of(AgreementRow)
    for partner in partners:
        terms = {
            "state": AgreementState.IN_FORCE,
            "from_on": "2024-01-01",
            "until_on": None,
            "onward_allowed": False,
            "categories": list(Category),
            "purposes": list(Purpose),
        }
        row = marked() | {"id": chance.uuid(), "organisation_id": partner} | terms
        made_up = table.c.certainty == Certainty.SYNTHETIC
        connection.execute(
            upsert(table)
            .values(row)
            .on_conflict_do_update(index_elements=["organisation_id"], set_=terms, where=made_up)
        )


Rows = tuple[type[SQLModel], list[Made]]


def _case(connection: Connection, vault: Vault, chance: Chance, person: UUID, world: _World) -> Iterator[Rows]:
    """Write one case with all that hangs on it."""
    case = chance.uuid()
    incoming = chance.random() < 0.25  # noqa: PLR2004  # a quarter comes from partners
    partner = chance.choice(world.partners)
    subject = _person(chance, person)
    yield _put(connection, PersonRow, [subject])
    vault.make_key(connection, person, world.now)
    file = _file(chance, case, person, world) | {"holder_id": partner if incoming else None}
    state = chance.choices(tuple(_PATHS), _WEIGHTS)[0]
    if incoming:
        # A draft of a partner's is not here yet.
        state = state if len(_PATHS[state]) >= len(_TO_SENT) else S.SENT
        taken = len(_PATHS[state]) > len(_TO_SENT) + 1
        file |= {"owner_id": file["owner_id"] if taken else None, "cover_id": None}
    yield _put(connection, CaseRow, [file])
    if not incoming and file["state"] is CaseState.HOSTED:
        yield _put(connection, PersonFaceRow, _face(connection, person))
    identity, risk = known.identity(chance, file), known.risk(chance, file)
    # By chances of its own, so that the rest is made up as it was before there were contacts.
    contact = known.contact(Chance(0, _ROOM, "contact", person), file, subject["contact_rule"])
    advice = chance.maybe(0.5, "Made up: no pictures, no names at the door.")
    sealed = {Category.IDENTITY: identity, Category.CONTACT: contact, Category.RISK: risk}
    sealed |= known.coarse(Chance(0, _ROOM, "coarse", person), file, world.now.date())
    for category, content in sealed.items():
        vault.write(connection, _SEALED[category], case, person, content)
        yield _SEALED[category], [{}]
    if advice is not None:
        vault.write(connection, CaseAdviceRow, case, person, {"security_advice": advice})
        yield CaseAdviceRow, [{}]
    if not incoming and chance.random() < 0.2:  # noqa: PLR2004  # some cases were never referred
        return
    ends = (partner, world.house) if incoming else (world.house, partner)
    referral: Made = {}
    for row, rows in _referral(connection, chance, file, ends, state, world):
        referral = rows[0] if row is ReferralRow else referral
        yield row, rows
    yield from _words(connection, vault, Chance(0, _ROOM, "words", person), referral)
    if not incoming and referral["sent_at"] is not None:
        yield from _packet(connection, vault, chance, file, referral, sealed, advice)


def _words(connection: Connection, vault: Vault, chance: Chance, referral: Made) -> Iterator[Rows]:
    """Say something with the step that answered a referral, or took it back; not always."""
    for kind, (words, said) in _SAID.items():
        event = columns(ReferralEventRow)
        asked = select(event.id).where(event.referral_id == referral["id"], event.kind == kind)
        step = connection.scalar(asked)
        if step is not None and chance.random() < 0.8:  # noqa: PLR2004  # most
            told = {"event_id": step, "referral_id": referral["id"], "subject": referral["person_id"]}
            vault.say(connection, words, said, **told)
            yield EventWordsRow, [{}]


def _packet(  # noqa: PLR0917  # as it reads
    connection: Connection,
    vault: Vault,
    chance: Chance,
    file: Made,
    referral: Made,
    sealed: Mapping[Category, Made],
    advice: str | None,
) -> Iterator[Rows]:
    """Freeze what was sent, as far as the consent went."""
    sent = referral["categories"]
    profile = {name: file[name] for name in _PROFILE} if Category.CASE in sent else {}
    packet = {
        "id": chance.uuid(),
        "referral_id": referral["id"],
        "case_id": file["id"],
        "person_id": file["person_id"],
        "holder_id": None,
        "version": 1,
        "categories": sent,
        "digest": sha256(referral["id"].bytes).digest(),
        "sealed_at": referral["sent_at"],
        "contact_rule": sealed[Category.CONTACT]["rule"] if Category.CONTACT in sent else None,
        "disciplines": [],
        "languages": [],
        "support": [],
    } | profile
    yield _put(connection, PacketCopyRow, [packet])
    for category, content in sealed.items():
        if category in sent:
            row = _FROZEN[category]
            vault.freeze(connection, row, packet["id"], file["person_id"], 1, content)
            yield row, [{}]
    if advice is not None and Category.RISK in sent:
        content = {"security_advice": advice}
        vault.freeze(connection, PacketAdviceRow, packet["id"], file["person_id"], 1, content)
        yield PacketAdviceRow, [{}]


def _put(connection: Connection, row: type[SQLModel], rows: list[Made]) -> Rows:
    if rows:
        connection.execute(insert(table_of(row)), rows)
    return row, rows


def _person(chance: Chance, person: UUID) -> Made:
    return {
        "id": person,
        "contact_rule": chance.choices(tuple(ContactRule), (6, 2, 1, 2))[0],
        "blocked_organisations": [],
        "blocked_cities": [],
        "frozen": False,
        "synthetic": True,
    }


def _file(chance: Chance, case: UUID, person: UUID, world: _World) -> Made:
    return {
        "id": case,
        "person_id": person,
        "state": chance.choices(tuple(CaseState), (6, 3, 2, 1))[0],
        "opened_on": chance.day(world.now.date(), before=500, after=0),
        "owner_id": chance.choice(world.workers),
        "cover_id": chance.maybe(0.2, chance.choice(world.workers)),
        "disciplines": chance.some(_SHOWN, 3, 1),
        "origin_region": REGION_OF[chance.choice(FLIGHT)],
        "languages": chance.some(LANGUAGES, 3, 1),
        "household_size": chance.maybe(0.8, chance.randint(1, 5)),
        "support": chance.some(tuple(SupportKind), 3, 1),
        "urgency": chance.choices((Urgency.EMERGENCY, Urgency.URGENT, Urgency.NORMAL, None), (1, 3, 6, 1))[0],
    }


def _face(connection: Connection, person: UUID) -> list[Made]:
    """Give the person one of the made-up faces that is nobody's yet; none where all are somebody's."""
    face, taken = columns(ResidentRow), columns(PersonFaceRow).resident_id
    free = select(face.id).where(face.certainty == Certainty.SYNTHETIC, face.id.not_in(select(taken)))
    found = connection.scalar(free.order_by(face.name_key, face.id).limit(1))
    return [{"person_id": person, "resident_id": found}] if found is not None else []


def _referral(  # noqa: PLR0917  # as it reads
    connection: Connection, chance: Chance, file: Made, ends: tuple[UUID, UUID], state: ReferralState, world: _World
) -> Iterator[Rows]:
    sender, recipient = ends
    path = _PATHS[state]
    purpose = chance.choice(_PURPOSES)
    consent = _consent(chance, file, recipient, purpose, state, world)
    yield _put(connection, ConsentRow, [consent] if consent else [])
    start = world.now - timedelta(days=chance.randint(2, 60), minutes=chance.randint(0, 1000))
    at = [start + timedelta(hours=7 * step) for step in range(len(path))]
    kinds = [kind for kind, _ in path]
    clock, side = WAITS.get(state, (None, None))
    referral = chance.uuid()
    row = {
        "id": referral,
        "case_id": file["id"],
        "person_id": file["person_id"],
        "sender_id": sender,
        "recipient_id": recipient,
        "direction": Direction.OUTGOING if sender == world.house else Direction.INCOMING,
        "state": state,
        "since": at[-1],
        "purpose": purpose,
        "urgency": file["urgency"] or Urgency.NORMAL,
        "categories": consent["categories"] if consent else [Category.CASE],
        "origin_region": file["origin_region"],
        "languages": file["languages"],
        "consent_id": consent["id"] if consent else None,
        "created_at": start,
        "sent_at": at[kinds.index(K.SEND)] if K.SEND in kinds else None,
        "clock": clock,
        "clock_side": side,
        "due_at": world.now + timedelta(hours=chance.randint(1, 400)) if clock else None,
        "decline_reason": chance.choice(tuple(DeclineReason)) if state is S.DECLINED else None,
    }
    yield _put(connection, ReferralRow, [row])
    yield _put(
        connection,
        ReferralServiceRow,
        [
            {"referral_id": referral, "kind": kind, "answer": ServiceAnswer.ASKED}
            for kind in chance.some(tuple(SupportKind), 2, 1)
        ],
    )
    yield _put(connection, ReferralEventRow, list(_events(chance, referral, path, at)))


def _consent(  # noqa: PLR0917  # as it reads
    chance: Chance, file: Made, recipient: UUID, purpose: Purpose, state: ReferralState, world: _World
) -> Made | None:
    if state is S.DRAFT:
        return None
    asked = state is S.CONSENT_PENDING
    standing = (
        ConsentState.REQUESTED if asked else chance.choices((ConsentState.GIVEN, ConsentState.LIMITED), (8, 2))[0]
    )
    withdrawn = state is S.CONSENT_REVOKED
    over = not asked and not withdrawn and chance.random() < 0.05  # noqa: PLR2004  # a few ran out
    today = world.now.date()
    made = {
        "id": chance.uuid(),
        "person_id": file["person_id"],
        "recipient_id": recipient,
        "categories": [Category.CASE, *chance.some(_SENSITIVE[1:], 5, 1)],
        "purposes": [purpose],
        "state": ConsentState.WITHDRAWN if withdrawn else standing,
        "from_on": today - timedelta(days=70),
        "until_on": today + timedelta(days=-3 if over else chance.randint(20, 300)),
        "asked_at": world.now - timedelta(days=70),
        "wording_version": "2026-1",
        "language": chance.choice(LANGUAGES),
        "channel": None if asked else chance.choice((ConsentChannel.IN_APP, ConsentChannel.ENCRYPTED_MESSAGE)),
        "basis": LegalBasis.ART9_2_A,
        "by_contact_person": False,
        "withdrawn_at": world.now - timedelta(days=1) if withdrawn else None,
        "withdrawn_by": ConsentChannel.IN_APP if withdrawn else None,
    }
    # Who gave it in the hub gave it alone; what is asked was not taken yet.
    alone = made["channel"] in {None, ConsentChannel.IN_APP}
    return made | {"taken_by_id": None if alone else file["owner_id"]}


def _events(
    chance: Chance, referral: UUID, path: Sequence[tuple[Kind, ReferralState]], at: Sequence[datetime]
) -> Iterator[dict[str, Any]]:  # Any: values of a row
    before: ReferralState | None = None
    received = 0
    for number, ((kind, state), moment) in enumerate(zip(path, at, strict=True), 1):
        received += 1 if received or kind is K.SEND else 0
        side = Side.RECIPIENT if kind in _BY_RECIPIENT else Side.SENDER
        yield {
            "id": chance.uuid(),
            "referral_id": referral,
            "number": number,
            "recipient_number": received or None,
            "kind": kind,
            "from_state": before,
            "to_state": state,
            "at": moment,
            "side": None if kind in _BY_NOBODY else side,
        }
        before = state
