"""Packets: content cut to consent, frozen in the partner's words, signed, kept sealed word for word.

What is in a packet was covered when it was made. Whether it may leave, or be read, is asked again each time.
"""

from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from connectors import handoff as wire
from connectors.content import Content as WireContent
from connectors.errors import Invalid
from connectors.messages import Envelope, Terms
from connectors.protocol import Partner
from connectors.signing import digest
from connectors.words import FIELDS
from connectors.words import Category as Word
from hub.consent import AgreementInvalid, ConsentMissing, InvalidInput, NotFound, Use, covered
from hub.consent.ledger import given_of
from hub.errors import HubError
from hub.referrals.agreements import AGREEMENT, CARRIES, agreed, asked
from hub.referrals.book import REFERRAL, Book, Referral
from hub.referrals.cases import ADVICE, SEALED, WORDS, Profile, profile_columns
from hub.referrals.errors import RuleOfPerson
from hub.referrals.leaves import had
from hub.referrals.office import Office, packet_of
from hub.referrals.parties import other_body
from hub.referrals.states import FETCHABLE
from hub.referrals.words import known
from schema.coarse import Cut, arrival_month, current_region, opinion
from schema.tables import (
    CaseAdviceRow,
    CaseRow,
    ConsentRow,
    PacketAdviceRow,
    PacketAssessmentRow,
    PacketContactRow,
    PacketCopyRow,
    PacketFamilyRow,
    PacketHealthRow,
    PacketIdentityRow,
    PacketLocationRow,
    PacketRiskRow,
    PacketRow,
    PersonRow,
    SubjectKeyRow,
)
from schema.tables.base import table_of
from schema.tables.casefile import SealedRow
from schema.tables.referrals import Direction, FrozenRow
from schema.vocabulary import Category, ConsentState, ContactRule, Purpose

PACKET: Final = table_of(PacketRow)
_COPY: Final = table_of(PacketCopyRow)
_CASE: Final = table_of(CaseRow)
_PERSON: Final = table_of(PersonRow)
FROZEN: Final[Mapping[Category, type[FrozenRow]]] = {
    Category.IDENTITY: PacketIdentityRow,
    Category.CONTACT: PacketContactRow,
    Category.LOCATION: PacketLocationRow,
    Category.RISK: PacketRiskRow,
    Category.HEALTH: PacketHealthRow,
    Category.FAMILY: PacketFamilyRow,
    Category.ASSESSMENT: PacketAssessmentRow,
}
"""Where each category of a packet lies."""
_COARSE: Final[Mapping[Category, Mapping[str, Cut]]] = {
    Category.LOCATION: {"current_region": current_region, "arrival_month": arrival_month},
    Category.ASSESSMENT: {"opinion": opinion},
}
"""Categories of which the access matrix opens to partners the coarse form only: nothing else of them leaves."""
_CONSENT: Final = table_of(ConsentRow)
_KEYS: Final = table_of(SubjectKeyRow)
_ALLOWED: Final = select(_CONSENT).where(_CONSENT.c.id == bindparam("which")).with_for_update(read=True)
_NEWEST: Final = (
    select(PACKET).where(PACKET.c.referral_id == bindparam("which")).order_by(PACKET.c.version.desc()).limit(1)
)


class _Consent(NamedTuple):
    """What is read of a consent, by the names of its columns."""

    person_id: UUID
    recipient_id: UUID
    categories: list[Category]
    purposes: list[Purpose]
    state: ConsentState
    from_on: date
    until_on: date
    withdrawn_at: datetime | None


def _beside(packet: ColumnElement[bool]) -> Select[Any]:  # Any: columns of five tables
    """Read all that says whether a packet may leave; None in place of a packet or key that is not there."""
    return (
        select(
            *(_CONSENT.c[name] for name in _Consent._fields),
            CARRIES,
            _PERSON.c.frozen,
            _PERSON.c.blocked_organisations,
            PACKET.c.id,
            PACKET.c.subject_id,
            PACKET.c.categories,
            PACKET.c.sealed,
            _KEYS.c.kek_version,
            _KEYS.c.wrapped,
        )
        .join_from(_CONSENT, AGREEMENT, AGREEMENT.c.organisation_id == bindparam("body"))
        .join(_PERSON, _PERSON.c.id == bindparam("person"))
        .outerjoin(PACKET, packet)
        .outerjoin(_KEYS, _KEYS.c.subject_id == PACKET.c.subject_id)
        .where(_CONSENT.c.id == bindparam("consent"))
        .with_for_update(read=True, of=[_CONSENT, AGREEMENT])
    )


_NEWEST_ID: Final = (
    select(PACKET.c.id).where(PACKET.c.referral_id == bindparam("which")).order_by(PACKET.c.version.desc()).limit(1)
)
_BESIDE: Final = _beside(PACKET.c.id == _NEWEST_ID.correlate(None).scalar_subquery())
_BESIDE_ONE: Final = _beside(and_(PACKET.c.id == bindparam("packet"), PACKET.c.referral_id == bindparam("which")))
_DAYS_MOST: Final = timedelta(days=399)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What may leave now."""

    categories: frozenset[Category]
    until_on: date
    basis: str

    @property
    def until(self) -> datetime:
        """Tell the instant at which the last day ends."""
        return datetime.combine(self.until_on + timedelta(days=1), time(), UTC)


def release(connection: Connection, referral: Referral, today: date) -> Release:
    """Read consent and agreement again, and tell what may leave of a locked referral.

    Raises:
        ConsentMissing: the consent covers not all that was given for it, or not today.
        AgreementInvalid: the agreement does not run, or does not allow it.
    """
    if referral.consent_id is None:
        raise ConsentMissing(referral.categories)
    row = connection.execute(_ALLOWED, {"which": referral.consent_id}).one()
    open_to = _opened(row, referral, today)
    agreed(connection, other_body(referral), today, purpose=referral.purpose, categories=open_to)
    return Release(categories=open_to, until_on=row.until_on, basis=row.basis.value)


def _opened(consent: Any, referral: Referral, today: date) -> frozenset[Category]:  # Any: columns of the row
    use = Use(person_id=referral.person_id, recipient_id=referral.recipient_id, purpose=referral.purpose, day=today)
    open_to = covered(given_of(consent), use) & frozenset(referral.categories)
    if not open_to or open_to != frozenset(referral.categories):
        raise ConsentMissing(frozenset(referral.categories) - open_to)
    return open_to


def leaving(
    connection: Connection, office: Office, referral: Referral, today: date, *, packet_id: UUID | None = None
) -> str:
    """Look once more at all that says whether a packet of a locked referral may leave, and open it.

    One statement reads it all, and keeps consent and agreement as they are until the transaction ends, in this order:
    what `release`, `blocked` and `verbatim` read one after the other.

    Args:
        connection: of the transaction that locked the referral.
        office: opens it.
        referral: a referral that leaves.
        today: the day.
        packet_id: which packet; the newest when absent.

    Raises:
        ConsentMissing: the consent covers not all that was given for it, not today, not what is in the packet; or there
            is no such packet.
        AgreementInvalid: the agreement does not run, or does not allow it.
        RuleOfPerson: the person's own rules shut the recipient out.
        KeyDestroyed: the person was erased.
    """
    if referral.consent_id is None:
        raise ConsentMissing(referral.categories)
    given = {"consent": referral.consent_id, "body": other_body(referral), "person": referral.person_id}
    given |= asked(today, purpose=referral.purpose, categories=referral.categories)
    which = {"which": referral.id} if packet_id is None else {"which": referral.id, "packet": packet_id}
    row = connection.execute(_BESIDE if packet_id is None else _BESIDE_ONE, given | which).one_or_none()
    if row is None:
        # Without an agreement there is no row; without a yes it is for want of that.
        release(connection, referral, today)
        raise AgreementInvalid
    read = tuple(row)
    consent, read = _Consent(*read[: len(_Consent._fields)]), read[len(_Consent._fields) :]
    carried, frozen, blocked_by, id_, subject, categories, sealed, version, wrapped = read
    open_to = _opened(consent, referral, today)
    if not carried:
        raise AgreementInvalid
    if id_ is None or not frozenset(categories) <= open_to:
        raise ConsentMissing
    if frozen or referral.recipient_id in blocked_by:
        raise RuleOfPerson
    key = office.vault.key_read(subject, version, wrapped)
    return office.vault.sealing.open(sealed, key, packet_of(id_, subject)).decode()


def freeze(
    connection: Connection, office: Office, book: Book, referral: Referral, *, partner: Partner, now: datetime
) -> UUID:
    """Freeze what may leave of a locked referral into a packet, signed and sealed; give its id.

    Raises:
        ConsentMissing: nothing may leave.
        AgreementInvalid: as that.
        InvalidInput: the content cannot be written down for the wire.
    """
    may = release(connection, referral, now.date())
    content, pins = _content(connection, office, referral, may.categories)
    routing: dict[str, Any] = {}
    if Category.CASE in may.categories:
        routing = {"origin_region": referral.origin_region, "languages": referral.languages}
    version = 1 + (connection.scalar(select(func.max(PACKET.c.version)).where(_of(referral))) or 0)
    services = list(book.services(connection, referral))
    categories = [category.value for category in Category if category in may.categories]
    try:
        token = wire.make_packet(
            office.me(),
            partner.issuer,
            handoff=referral.id,
            version=version,
            envelope=msgspec.convert(
                {"purpose": referral.purpose.value, "urgency": referral.urgency.value, "services": services} | routing,
                Envelope,
            ),
            terms=msgspec.convert(
                {"categories": categories, "until": may.until_on.isoformat(), "basis": may.basis}, Terms
            ),
            form=partner.encode(content),
            now=now,
            until=min(may.until, now + _DAYS_MOST),
            reference=book.words(connection, referral).get("sender_reference"),
        )
    except (Invalid, msgspec.ValidationError) as error:
        raise InvalidInput("content", reason=str(error)) from error
    packet_id = keep(
        connection, office, referral, token, version=version, categories=may.categories, pins=pins, now=now
    )
    sealed = {category: dict(content.get(word, {})) for category, word in WORDS.items()}
    advice = sealed[Category.RISK].pop(ADVICE, None)
    copy(connection, office, packet_id, Held(content.get("case", {}), sealed, advice))
    return packet_id


def keep(
    connection: Connection,
    office: Office,
    referral: Referral,
    token: str,
    *,
    version: int,
    categories: Iterable[Category],
    pins: dict[str, int],
    now: datetime,
) -> UUID:
    """Keep a packet word for word, sealed under its person's key; give its id.

    Args:
        connection: of the caller's transaction.
        office: seals it.
        referral: its own.
        token: signed, by us or by the partner.
        version: counts the packets of the referral, from 1.
        categories: what is in it.
        pins: the version of each row that it was made from, by table.
        now: the present.

    Raises:
        KeyDestroyed: the person was erased.
    """
    packet_id = uuid4()
    place = packet_of(packet_id, referral.person_id)
    values = {
        "id": packet_id,
        "referral_id": referral.id,
        "subject_id": referral.person_id,
        "version": version,
        "categories": [category for category in Category if category in categories],
        "pins": pins,
        "digest": raw(digest(token)),
        "sealed": office.vault.sealing.seal(token.encode(), office.vault.key(connection, place.subject), place),
        "sealed_at": now,
    }
    connection.execute(insert(PACKET).values(values))
    return packet_id


@dataclass(frozen=True, slots=True)
class Held:
    """What a packet holds, in the hub's words; no more than was consented."""

    profile: Mapping[str, Any]
    """Columns of the coarse profile."""
    sealed: Mapping[Category, Mapping[str, Any]]
    """What is sealed of each category."""
    security_advice: str | None = None
    """What a host must know, where it is coarse."""


def copy(connection: Connection, office: Office, packet_id: UUID, held: Held) -> None:
    """Let what a packet holds be read by the rules; what was there of an earlier packet of the referral goes."""
    row = connection.execute(
        select(PACKET, REFERRAL.c.case_id, REFERRAL.c.sender_id, REFERRAL.c.direction)
        .join(REFERRAL, REFERRAL.c.id == PACKET.c.referral_id)
        .where(PACKET.c.id == packet_id)
    ).one()
    connection.execute(delete(_COPY).where(_COPY.c.referral_id == row.referral_id))
    values = {
        "id": packet_id,
        "referral_id": row.referral_id,
        "case_id": row.case_id,
        "person_id": row.subject_id,
        "holder_id": row.sender_id if row.direction is Direction.INCOMING else None,
        "version": row.version,
        "categories": row.categories,
        "digest": row.digest,
        "sealed_at": row.sealed_at,
        "contact_rule": contact_rule(held.sealed),
        **profile_columns(Profile(**held.profile)),
    }
    connection.execute(insert(_COPY).values(values))
    if held.security_advice:
        advice = {ADVICE: held.security_advice}
        office.vault.freeze(connection, PacketAdviceRow, packet_id, row.subject_id, row.version, advice)
    for category, content in held.sealed.items():
        if content:
            office.vault.freeze(connection, FROZEN[category], packet_id, row.subject_id, row.version, content)


def contact_rule(sealed: Mapping[Category, Mapping[str, Any]]) -> ContactRule | None:
    """Read how the person may be reached; None where nothing is said that the hub has a word for."""
    rules = known(ContactRule, [sealed.get(Category.CONTACT, {}).get("rule")])
    return rules[0] if rules else None


def newest(connection: Connection, referral: Referral) -> Row[Any] | None:
    """Read the row of a referral's newest packet."""
    return connection.execute(_NEWEST, {"which": referral.id}).one_or_none()


def verbatim(connection: Connection, office: Office, row: Row[Any]) -> str:
    """Open a packet.

    Raises:
        KeyDestroyed: its person was erased.
    """
    place = packet_of(row.id, row.subject_id)
    return office.vault.sealing.open(row.sealed, office.vault.key(connection, row.subject_id), place).decode()


def for_fetching(connection: Connection, office: Office, referral_id: UUID, body: UUID, now: datetime) -> str:
    """Give the packet that a partner's system comes to fetch: it is the recipient, and consent holds at this instant.

    The referral's row is locked until the transaction ends, as a withdrawal locks it: who fetches at the same moment
    is before it or gets nothing.

    Raises:
        NotFound: there is no such referral of theirs, or nothing of it may be had any more.
    """
    referral = Book.locked(connection, referral_id)
    ours = referral.direction is Direction.OUTGOING and referral.recipient_id == body
    if not ours or referral.state not in FETCHABLE:
        raise NotFound
    try:
        token = leaving(connection, office, referral, now.date())
    except HubError as error:
        raise NotFound from error
    Book.left(connection, referral, now)
    had(connection, referral, now)
    return token


def blank(connection: Connection, referral: Referral) -> None:
    """Delete the words of the packets of a referral; that there were some stays."""
    connection.execute(update(PACKET).where(_of(referral)).values(sealed=b"", pins={}))
    connection.execute(delete(_COPY).where(_COPY.c.referral_id == referral.id))


def raw(shown: str) -> bytes:
    """Read a digest as it stands in messages."""
    return urlsafe_b64decode(shown + "=" * (-len(shown) % 4))


def _of(referral: Referral) -> Any:
    return PACKET.c.referral_id == referral.id


def _content(
    connection: Connection, office: Office, referral: Referral, categories: frozenset[Category]
) -> tuple[WireContent, dict[str, int]]:
    """Read what is recorded of the categories, and which version of each row was read."""
    content: dict[Word, dict[str, Any]] = {}
    pins: dict[str, int] = {}
    if Category.CASE in categories:
        case = connection.execute(select(_CASE).where(_CASE.c.id == referral.case_id)).one()
        profile = {name: getattr(case, name, None) for name in FIELDS["case"]}
        content["case"] = {name: value for name, value in profile.items() if value not in (None, [])}
    for category, word in WORDS.items():
        found = _sealed(connection, office, SEALED[category], referral, pins) if category in categories else None
        if category is Category.CONTACT and category in categories:
            # The rule that binds now, whatever was recorded with the addresses; without addresses too.
            rule = select(_PERSON.c.contact_rule).where(_PERSON.c.id == referral.person_id)
            found = (found or {}) | {"rule": connection.execute(rule).scalar_one().value}
        if found is not None:
            content[word] = _cut(category, found) if referral.direction is Direction.OUTGOING else found
    if Category.RISK in categories:
        advice = _sealed(connection, office, CaseAdviceRow, referral, pins)
        if advice is not None:
            content["risk"] = content.get("risk", {}) | advice
    return content, pins


def _cut(category: Category, found: dict[str, Any]) -> dict[str, Any]:
    """Cut a category to what a partner may have of it."""
    cuts = _COARSE.get(category)
    if cuts is None:
        return found
    coarse = {name: cut(found) for name, cut in cuts.items()}
    return {name: value for name, value in coarse.items() if value is not None}


def _sealed(
    connection: Connection,
    office: Office,
    row: type[SealedRow],
    referral: Referral,
    pins: dict[str, int],
) -> dict[str, Any] | None:
    table = table_of(row)
    mine = select(table).where(table.c.case_id == referral.case_id).with_for_update(read=True)
    kept = connection.execute(mine).one_or_none()
    if kept is None:
        return None
    pins[table.name] = kept.version
    return office.vault.read(connection, row, referral.case_id) or {}
