"""What comes in lies in quarantine: sealed word for word, read by nobody, until a person at ICORN takes it up.

By the wire a packet comes that the partner signed; through the graph, content that stays the partner's own file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import Connection, insert, select, update

from connectors.handoff import Read
from connectors.messages import Packet, Unmapped
from connectors.protocol import Decoded
from connectors.signing import unchecked
from connectors.words import CATEGORIES, FIELDS
from hub.referrals import cases, packets
from hub.referrals.book import Book, Referral
from hub.referrals.cases import SAMPLES, Content, Profile
from hub.referrals.office import Office, message_of
from hub.referrals.sources import Provenance, Recording
from hub.referrals.states import Actor
from hub.referrals.words import known, listed, word
from schema.tables import CaseRow, ConsentRow, InboxMessageRow, PersonRow
from schema.tables.base import table_of
from schema.tables.referrals import Direction, InboxState
from schema.vocabulary import (
    CaseState,
    Category,
    ConsentState,
    ContactRule,
    Discipline,
    FactSource,
    LegalBasis,
    Purpose,
    ReferralEventKind,
    Region,
    SupportKind,
    Urgency,
)

INBOX: Final = table_of(InboxMessageRow)
_CASE: Final = table_of(CaseRow)
_PERSON: Final = table_of(PersonRow)
_CONSENT: Final = table_of(ConsentRow)
_HOUSEHOLD_MOST: Final = 50
_TAG_CHARS: Final = 35
_TAGS_MOST: Final = 20


def new_arrival(
    connection: Connection, office: Office, book: Book, packet: Packet, *, sender_id: UUID, home: UUID, now: datetime
) -> Referral:
    """Write down a referral that a partner sent by the wire: person, case, consent as told, the referral itself.

    Nothing of its content is opened: what routing needs stands in its envelope.

    Args:
        connection: of the transaction that takes the packet in.
        office: makes the person's key.
        book: begins the referral.
        packet: verified; agreement and consent were looked at.
        sender_id: the body that signed it.
        home: this hub's own body.
        now: the present.
    """
    person_id, case_id, consent_id = uuid4(), uuid4(), uuid4()
    envelope, terms = packet.envelope, packet.terms
    connection.execute(insert(_PERSON).values(id=person_id, contact_rule=ContactRule.NEVER))
    office.vault.make_key(connection, person_id, now)
    connection.execute(
        insert(_CASE).values(
            id=case_id,
            person_id=person_id,
            holder_id=sender_id,
            state=CaseState.OPEN,
            opened_on=now.date(),
            **cases.profile_columns(Profile()),
        )
    )
    basis = known(LegalBasis, [terms.basis])
    connection.execute(
        insert(_CONSENT).values(
            id=consent_id,
            person_id=person_id,
            recipient_id=home,
            categories=_categories(terms.categories),
            purposes=[word(Purpose, envelope.purpose)],
            state=ConsentState.GIVEN,
            from_on=now.date(),
            until_on=max(terms.until, now.date()),
            wording_version="-",
            language="und",
            basis=basis[0] if basis else None,
        )
    )
    values = {
        "id": packet.handoff,
        "case_id": case_id,
        "person_id": person_id,
        "sender_id": sender_id,
        "recipient_id": home,
        "direction": Direction.INCOMING,
        "purpose": word(Purpose, envelope.purpose),
        "urgency": word(Urgency, envelope.urgency),
        "categories": _categories(terms.categories),
        "origin_region": word(Region, envelope.origin_region) if envelope.origin_region else None,
        "languages": list(envelope.languages),
        "consent_id": consent_id,
        "reply_to": packet.iss,
        "created_at": now,
        "sent_at": now,
        "left_at": now,
    }
    referral = book.begin(connection, values, ReferralEventKind.SEND, Actor.SENDER_CASEWORKER)
    book.ask(connection, referral, [word(SupportKind, kind) for kind in envelope.services])
    words = book.sealed_words(connection, referral, sender_reference=packet.reference)
    return book.change(connection, referral, words) if words else referral


def quarantine(
    connection: Connection,
    office: Office,
    read: Read[Any],
    *,
    body_hash: bytes,
    issuer_id: UUID,
    referral: Referral,
    now: datetime,
    number: int | None = None,
) -> UUID:
    """Keep a message word for word, sealed under the person's key; give its id.

    Args:
        connection: of the caller's transaction.
        office: seals it.
        read: the message, with its token.
        body_hash: mark of what it says, by which it is known again.
        issuer_id: the body that signed it.
        referral: which it is about.
        now: the present.
        number: of an answer, in the order of its sender; None for a packet.

    Raises:
        KeyDestroyed: the person was erased.
    """
    message_id = uuid4()
    place = message_of(message_id, referral.person_id)
    sealed = office.vault.sealing.seal(read.jws.encode(), office.vault.key(connection, place.subject), place)
    connection.execute(
        insert(INBOX).values(
            id=message_id,
            issuer_id=issuer_id,
            jti=str(read.message.jti),
            body_hash=body_hash,
            subject_id=referral.person_id,
            sealed=sealed,
            state=InboxState.QUARANTINED,
            referral_id=referral.id,
            number=number,
            received_at=now,
        )
    )
    return message_id


def opened(connection: Connection, office: Office, row: Any) -> str:
    """Open a message that was kept."""
    place = message_of(row.id, row.subject_id)
    return office.vault.sealing.open(row.sealed, office.vault.key(connection, row.subject_id), place).decode()


def unpack(connection: Connection, office: Office, referral: Referral, now: datetime) -> None:
    """Take the newest packet of a locked referral out of quarantine: its content becomes the case's, within its terms.

    Through the graph nothing lies in quarantine, as the content is the partner's own file here.
    """
    waiting = (
        select(INBOX)
        .where(INBOX.c.referral_id == referral.id, INBOX.c.number.is_(None), INBOX.c.state == InboxState.QUARANTINED)
        .order_by(INBOX.c.received_at.desc(), INBOX.c.id)
    )
    rows = connection.execute(waiting).all()
    if not rows:
        return
    tokens = [opened(connection, office, row) for row in rows]
    read = [(msgspec.convert(unchecked(token), Packet), token) for token in tokens]
    packet, token = max(read, key=lambda each: each[0].version)
    allowed = frozenset(referral.categories)
    decoded = office.partner_of(referral.sender_id, connection).decode(packet.form)
    content = {category: fields for category, fields in said(decoded).items() if category in allowed}
    profile = _profile(content.get(Category.CASE, {}))
    cases.write_profile(connection, referral.case_id, profile)
    found = Content(
        identity=content.get(Category.IDENTITY, {}),
        contact=content.get(Category.CONTACT, {}),
        location=content.get(Category.LOCATION, {}),
        # Advice stays within the envelope: what a stranger wrote is not taken for coarse.
        risk=content.get(Category.RISK, {}),
        works=_works(decoded.unmapped) if Category.RISK in allowed else (),
        health=content.get(Category.HEALTH, {}),
        family=content.get(Category.FAMILY, {}),
        assessment=content.get(Category.ASSESSMENT, {}),
    )
    cases.write_content(connection, office, referral.case_id, referral.person_id, found)
    cases.write_rule(connection, referral.case_id, packets.contact_rule(found.sealed) or ContactRule.NEVER)
    told = Recording(
        case_id=referral.case_id,
        person_id=referral.person_id,
        account_id=None,
        now=now,
        provenance=Provenance(
            source=FactSource.PARTNER, as_of=datetime.fromtimestamp(packet.iat, UTC).date().isoformat()
        ),
    )
    cases.note_content(connection, told, replace(found, profile=profile))
    packet_id = packets.keep(
        connection, office, referral, token, version=packet.version, categories=allowed, pins={}, now=now
    )
    packets.copy(connection, office, packet_id, packets.Held(cases.profile_columns(profile), found.sealed))
    done = update(INBOX).where(INBOX.c.id.in_([row.id for row in rows]))
    connection.execute(done.values(state=InboxState.TAKEN, sealed=b""))


def said(decoded: Decoded) -> dict[Category, dict[str, Any]]:
    """Give what a form says, by category: also what it has no place for and says beside, in the hub's own words."""
    content = {word(Category, name): dict(fields) for name, fields in decoded.content.items()}
    for each in decoded.unmapped:
        owner, _, name = each.field.partition(".")
        if owner == each.category and name in FIELDS[each.category]:
            content.setdefault(word(Category, owner), {}).setdefault(name, each.value)
    return content


def own_case(connection: Connection, referral: Referral, account_id: UUID | None) -> None:
    """Give the case of an incoming referral to who took it up; to nobody when it is over."""
    mine = (_CASE.c.id == referral.case_id, _CASE.c.holder_id == referral.sender_id)
    connection.execute(update(_CASE).where(*mine).values(owner_id=account_id, cover_id=None))


def erase(connection: Connection, office: Office, referral: Referral, now: datetime) -> None:
    """Erase what a partner sent by the wire: the person's key is destroyed, then what it sealed is deleted."""
    cases.shred(connection, referral.case_id)
    packets.blank(connection, referral)
    connection.execute(update(INBOX).where(INBOX.c.referral_id == referral.id).values(sealed=b""))
    office.vault.destroy_key(connection, referral.person_id, now)
    own_case(connection, referral, None)


def _categories(words: Iterable[str]) -> list[Category]:
    named = set(words) & set(CATEGORIES)
    return [category for category in Category if category.value in named]


def _profile(fields: Mapping[str, Any]) -> Profile:
    """Read the coarse profile. A word the hub does not know stays in the packet and goes nowhere else."""
    size = fields.get("household_size")
    regions = known(Region, [fields.get("origin_region")])
    urgencies = known(Urgency, [fields.get("urgency")])
    return Profile(
        disciplines=known(Discipline, fields.get("disciplines")),
        origin_region=regions[0] if regions else None,
        languages=[tag for tag in listed(fields.get("languages")) if _is_tag(tag)][:_TAGS_MOST],
        household_size=size if isinstance(size, int) and 0 < size <= _HOUSEHOLD_MOST else None,
        support=known(SupportKind, fields.get("support")),
        urgency=urgencies[0] if urgencies else None,
    )


def _works(unmapped: Iterable[Unmapped]) -> list[Mapping[str, Any]]:
    works = [each.value for each in unmapped if each.category == "risk" and each.field == f"risk.{SAMPLES}"]
    return [work for each in works for work in listed(each) if isinstance(work, dict)]


def _is_tag(tag: object) -> bool:
    if not isinstance(tag, str) or not tag.isascii() or len(tag) > _TAG_CHARS:
        return False
    first, *rest = tag.split("-")
    return first.isalpha() and 1 < len(first) <= 3 and all(part.isalnum() and len(part) <= 8 for part in rest)  # noqa: PLR2004
