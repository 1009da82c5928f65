"""What partners' systems say to this hub: messages whose signature holds, taken in once each.

The door has opened the letter, found the partner and checked the signature; here it is decided what the message does.
Answers go back as signed text: it is written down before it is said.

A message about a handoff that is not its writer's looks like one about a handoff that is not there.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from connectors import handoff as wire
from connectors.errors import Invalid, Refused, Unauthorized
from connectors.handoff import Read
from connectors.messages import Answer, Certificate, Message, Notice, Packet, Receipt, Withdrawal
from connectors.signing import unchecked
from hub.consent import AgreementInvalid
from hub.referrals import cases, packets, receipts
from hub.referrals.agreements import agreed
from hub.referrals.arrivals import INBOX, erase, new_arrival, opened, quarantine, unpack
from hub.referrals.book import EVENT, REFERRAL, STOP_CAUSE, Book, Referral
from hub.referrals.office import Office
from hub.referrals.parties import other_body
from hub.referrals.states import FINAL, Actor, Guard, possible
from hub.referrals.told import Told
from hub.referrals.words import word
from hub.store.vault import KeyDestroyed
from schema.tables import ConsentRow
from schema.tables.base import table_of
from schema.tables.referrals import Direction, InboxState
from schema.vocabulary import Category, ConsentState, Purpose, ReferralEventKind, ReferralState, Side

S, E = ReferralState, ReferralEventKind
_CONSENT: Final = table_of(ConsentRow)
_STOPS: Final = {
    "consent_revoked": (E.REVOKE_CONSENT, Actor.PERSON),
    "erasure": (E.REVOKE_CONSENT, Actor.PERSON),
    "withdrawn": (E.WITHDRAW, Actor.SENDER_CASEWORKER),
    "agreement_ended": (E.AGREEMENT_ENDED, Actor.WORKER),
    "entered_in_error": (E.MARK_ERROR, Actor.SENDER_LEAD),
    "expired": (E.ANSWER_TIMEOUT, Actor.CLOCK),
}
_ENDS: Final = frozenset(
    {
        Guard.NO_APPROVAL,
        Guard.REASON,
        Guard.RECIPIENT_ASKED_TO_STOP,
        Guard.AGREEMENT_ENDED,
        Guard.ESCALATED_AT_HALF_TIME,
    }
)
"""The sender looked at these before it told us to stop."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a message."""

    reply: str | None = None
    """A signed token to answer with."""
    fetch: UUID | None = None
    """The packet of this handoff is to be fetched, then taken in as if it had come."""


class Inbound:
    """Takes messages in, each in the caller's transaction."""

    def __init__(self, office: Office) -> None:
        self._office: Final = office
        self._book: Final = Book(office)
        self._told: Final = Told(office, self._book)

    def take_in(self, connection: Connection, read: Read[Message], issuer_id: UUID, now: datetime) -> Taken:
        """Take in a message. The same one twice is answered alike.

        Args:
            connection: of the caller's transaction, which it commits before it answers.
            read: the message, whose signature holds.
            issuer_id: the body that signed it.
            now: the present.

        Raises:
            Refused: it is about no handoff of theirs, was stopped, says something else under the same id, or no
                agreement covers it.
            Unauthorized: a receipt or certificate is for something else.
            Invalid: no such message comes to an inbox.
        """
        message = read.message
        handoff: UUID = getattr(message, "handoff", message.jti)
        # Messages about one handoff are taken in one after another, also before there is a row to lock.
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(handoff), 0))))
        match message:
            case Notice():
                return self._noticed(connection, message, issuer_id, now)
            case Packet():
                return self._handed(connection, Read(message, read.jws), issuer_id, now)
            case Receipt():
                return self._received(connection, Read(message, read.jws), issuer_id, now)
            case Answer():
                return self._answered(connection, Read(message, read.jws), issuer_id, now)
            case Withdrawal():
                return self._stopped(connection, Read(message, read.jws), issuer_id, now)
            case Certificate():
                return self.certified(connection, Read(message, read.jws), issuer_id, now)
            case _:
                raise Invalid("no such message comes to an inbox", typ=message.typ)

    # ---- Somebody is handed over -------------------------------------------------------------------------------------

    def _noticed(self, connection: Connection, notice: Notice, issuer_id: UUID, now: datetime) -> Taken:
        referral = self._theirs(connection, notice.handoff, issuer_id)
        if referral is None:
            return Taken(fetch=notice.handoff)
        held = self.held(connection, referral)
        if held is not None and held.message.version >= notice.version:
            if held.message.version == notice.version and held.digest != notice.digest:
                raise Refused("the same id came with another body", problem="reused")
            return self._receipt(connection, referral, held, now)
        return Taken(fetch=notice.handoff)

    def _handed(self, connection: Connection, read: Read[Packet], issuer_id: UUID, now: datetime) -> Taken:
        packet = read.message
        referral = self._theirs(connection, packet.handoff, issuer_id)
        if self._known(connection, read, issuer_id):
            held = None if referral is None else self.held(connection, referral)
            if referral is None or held is None or held.digest != read.digest:
                raise Refused("a newer one is held", problem="older")
            return self._receipt(connection, referral, held, now)
        self._agreed(connection, packet, issuer_id, now)
        if referral is not None:
            return self._newer(connection, referral, read, issuer_id, now)
        home = self._office.home(connection)
        if home == issuer_id or connection.scalar(select(REFERRAL.c.id).where(REFERRAL.c.id == packet.handoff)):
            raise _unknown()
        made = new_arrival(connection, self._office, self._book, packet, sender_id=issuer_id, home=home, now=now)
        self._keep(connection, read, issuer_id, made, now)
        after = receipts.acknowledge(connection, self._book, made, now)
        return self._receipt(connection, after, read, now)

    def _newer(
        self, connection: Connection, referral: Referral, read: Read[Packet], issuer_id: UUID, now: datetime
    ) -> Taken:
        """Take in a newer version: what it holds, and what the person allows, is as it says now."""
        held = self.held(connection, referral)
        if held is not None and held.message.version >= read.message.version:
            problem = "reused" if held.message.version == read.message.version else "older"
            raise Refused("the same id came with another body, or an older one", problem=problem)
        named = set(read.message.terms.categories)
        categories = [category for category in Category if category.value in named]
        referral = self._book.change(connection, referral, {"categories": categories})
        connection.execute(
            update(_CONSENT)
            .where(_CONSENT.c.id == referral.consent_id, _CONSENT.c.withdrawn_at.is_(None))
            .values(categories=categories, until_on=max(read.message.terms.until, now.date()))
        )
        self._keep(connection, read, issuer_id, referral, now)
        if referral.taken_by_id is not None or referral.state is not S.RECEIVED:
            cases.shred(connection, referral.case_id)
            unpack(connection, self._office, referral, now)
        self._book.note(connection, referral, E.UPDATE_PACKET, now, side=Side.SENDER)
        return self._receipt(connection, referral, read, now)

    def _agreed(self, connection: Connection, packet: Packet, issuer_id: UUID, now: datetime) -> None:
        if packet.terms.until < now.date():
            raise Refused("the consent is over", problem="consent")
        categories = [word(Category, each) for each in packet.terms.categories]
        if not categories:
            raise Refused("the person allowed nothing", problem="consent")
        try:
            agreed(
                connection, issuer_id, now.date(), purpose=word(Purpose, packet.envelope.purpose), categories=categories
            )
        except AgreementInvalid as error:
            raise Refused("no agreement in force covers it", problem="agreement") from error

    def _receipt(self, connection: Connection, referral: Referral, read: Read[Packet], now: datetime) -> Taken:
        packet = read.message
        token = receipts.give(
            connection, self._office, referral, packet.iss, version=packet.version, digest=read.digest, now=now
        )
        return Taken(reply=token)

    def held(self, connection: Connection, referral: Referral) -> Read[Packet] | None:
        """Read the newest packet that is held, in quarantine or out of it."""
        waiting = select(INBOX).where(
            INBOX.c.referral_id == referral.id, INBOX.c.number.is_(None), INBOX.c.state == InboxState.QUARANTINED
        )
        tokens = [opened(connection, self._office, row) for row in connection.execute(waiting).all()]
        kept = packets.newest(connection, referral)
        if kept is not None and kept.sealed:
            tokens.append(packets.verbatim(connection, self._office, kept))
        read = [Read(msgspec.convert(unchecked(token), Packet), token) for token in tokens]
        return max(read, key=lambda each: each.message.version, default=None)

    # ---- The other side says what happened there ---------------------------------------------------------------------

    def _received(self, connection: Connection, read: Read[Receipt], issuer_id: UUID, now: datetime) -> Taken:
        referral = self._of(connection, read.message.handoff, issuer_id)
        if referral.direction is not Direction.OUTGOING:
            raise _unknown()
        if not receipts.matches(connection, referral, read.message):
            raise Unauthorized("the receipt is for another packet")
        self._told.received(connection, referral, read, now)
        return Taken()

    def _answered(self, connection: Connection, read: Read[Answer], issuer_id: UUID, now: datetime) -> Taken:
        answer = read.message
        referral = self._of(connection, answer.handoff, issuer_id)
        if self._known(connection, read, issuer_id) or self._numbered(connection, referral, answer):
            return Taken()
        wire.within_reach(referral.wire_seen, answer)
        try:
            self._keep(connection, read, issuer_id, referral, now, number=answer.number)
        except KeyDestroyed:
            # The person was erased: it comes too late to matter, and is not kept.
            return Taken()
        self._told.advance(connection, referral, now)
        return Taken()

    def certified(
        self,
        connection: Connection,
        read: Read[Certificate],
        issuer_id: UUID,
        now: datetime,
        *,
        handoff_id: UUID | None = None,
    ) -> Taken:
        """Keep a certificate of deletion, that came to the inbox or back from an attempt.

        Raises:
            Refused: no such referral was sent to this body.
            Unauthorized: the certificate is for another stop notice.
        """
        said = read.message
        referral = self._of(connection, said.handoff, issuer_id)
        stop = connection.execute(
            select(EVENT.c.kind).where(EVENT.c.referral_id == referral.id, EVENT.c.wire_number == said.stop)
        ).one_or_none()
        if referral.direction is not Direction.OUTGOING or stop is None or stop.kind not in STOP_CAUSE:
            raise Unauthorized("the certificate is for another stop notice")
        receipts.keep(
            connection,
            referral,
            read.jws,
            now,
            direction=Direction.INCOMING,
            issuer_id=issuer_id,
            handoff_id=handoff_id,
        )
        known = select(EVENT.c.id).where(
            EVENT.c.referral_id == referral.id, EVENT.c.kind == E.ANSWER_STOP_NOTICE, EVENT.c.note == said.answer
        )
        if connection.scalar(known.limit(1)) is None:
            self._book.note(connection, referral, E.ANSWER_STOP_NOTICE, now, side=Side.RECIPIENT, note=said.answer)
        return Taken()

    # ---- Stop, and delete --------------------------------------------------------------------------------------------

    def _stopped(self, connection: Connection, read: Read[Withdrawal], issuer_id: UUID, now: datetime) -> Taken:
        """Stop, delete, and certify it. A stop may come before what it stops: then that is never taken in."""
        stop = read.message
        found = self._find(connection, stop.handoff)
        if found is None or _hidden(found, issuer_id):
            self._remember(connection, read, issuer_id, now)
            return Taken(reply=self._certificate(read, now))
        referral = self._of(connection, stop.handoff, issuer_id)
        if referral.direction is not Direction.INCOMING:
            raise _unknown()
        if not self._known(connection, read, issuer_id) and not self._numbered(connection, referral, stop):
            self._note_stop(connection, read, issuer_id, referral, now)
            referral = self._obey(connection, referral, stop, now)
            self._told.advance(connection, referral, now)
        token = self._certificate(read, now)
        receipts.keep(connection, referral, token, now, direction=Direction.OUTGOING, issuer_id=None)
        return Taken(reply=token)

    def _obey(self, connection: Connection, referral: Referral, stop: Withdrawal, now: datetime) -> Referral:
        kept = [category for category in referral.categories if category.value in stop.keep]
        if stop.cause == "consent_narrowed" and kept:
            return self._narrow(connection, referral, kept, now)
        event, actor = _STOPS.get(stop.cause, (E.REVOKE_CONSENT, Actor.PERSON))
        if event not in possible(self._book.stands(connection, referral, actor), actor):
            event, actor = E.WITHDRAW, Actor.SENDER_CASEWORKER
        if event in possible(self._book.stands(connection, referral, actor), actor):
            side = None if event in {E.REVOKE_CONSENT, E.ANSWER_TIMEOUT, E.AGREEMENT_ENDED} else Side.SENDER
            referral, _ = self._book.take(
                connection, referral, event, actor, now, met=_ENDS, side=side, note=stop.cause
            )
        elif referral.state is S.OUTCOME_REPORTED:
            referral, _ = self._book.take(connection, referral, E.REVOKE_CONSENT, Actor.PERSON, now, met=_ENDS)
        else:
            self._book.note(connection, referral, E.ANSWER_STOP_NOTICE, now, side=Side.RECIPIENT, note="deleted")
        ended = {"state": ConsentState.WITHDRAWN, "withdrawn_at": now}
        connection.execute(
            update(_CONSENT)
            .where(_CONSENT.c.id == referral.consent_id, _CONSENT.c.withdrawn_at.is_(None))
            .values(ended)
        )
        self._book.hush(connection, referral, now)
        erase(connection, self._office, referral, now)
        return self._book.forget(connection, referral, now)

    def _narrow(self, connection: Connection, referral: Referral, kept: list[Category], now: datetime) -> Referral:
        """Keep some categories. All content goes, as the sender brings a packet of what stays anew."""
        if E.NARROW_CONSENT in possible(self._book.stands(connection, referral, Actor.PERSON), Actor.PERSON):
            referral, _ = self._book.take(
                connection,
                referral,
                E.NARROW_CONSENT,
                Actor.PERSON,
                now,
                met={Guard.SOME_CATEGORIES_STAY},
                changes={"categories": kept},
            )
        cut = {"categories": kept, "state": ConsentState.LIMITED}
        connection.execute(update(_CONSENT).where(_CONSENT.c.id == referral.consent_id).values(cut))
        cases.shred(connection, referral.case_id)
        packets.blank(connection, referral)
        waiting = (INBOX.c.referral_id == referral.id, INBOX.c.number.is_(None))
        connection.execute(update(INBOX).where(*waiting).values(sealed=b"", state=InboxState.TAKEN))
        return referral

    def _certificate(self, read: Read[Withdrawal], now: datetime) -> str:
        return wire.sign_certificate(read, self._office.me(), answer="deleted", at=now, now=now)

    def _note_stop(
        self, connection: Connection, read: Read[Withdrawal], issuer_id: UUID, referral: Referral, now: datetime
    ) -> None:
        values = self._noted(read, issuer_id, now) | {
            "subject_id": referral.person_id,
            "referral_id": referral.id,
            "number": read.message.number,
            "state": InboxState.TAKEN,
        }
        connection.execute(insert(INBOX).values(values))

    def _remember(self, connection: Connection, read: Read[Withdrawal], issuer_id: UUID, now: datetime) -> None:
        """Remember a stop of what never came, so that it never comes."""
        tomb = _tomb(read.message.handoff)
        if connection.scalar(select(INBOX.c.id).where(INBOX.c.issuer_id == issuer_id, INBOX.c.jti == tomb)) is None:
            values = self._noted(read, issuer_id, now) | {
                "jti": tomb,
                "subject_id": read.message.handoff,
                "state": InboxState.REFUSED,
                "reason": "stopped",
            }
            connection.execute(insert(INBOX).values(values))

    def _noted(self, read: Read[Any], issuer_id: UUID, now: datetime) -> dict[str, Any]:
        return {
            "id": uuid4(),
            "issuer_id": issuer_id,
            "jti": str(read.message.jti),
            "body_hash": self._mark(read.message),
            "sealed": b"",
            "received_at": now,
        }

    # ---- Once, and theirs --------------------------------------------------------------------------------------------

    @staticmethod
    def _find(connection: Connection, handoff: UUID) -> Referral | None:
        return connection.execute(select(REFERRAL).where(REFERRAL.c.id == handoff).with_for_update()).one_or_none()

    def _of(self, connection: Connection, handoff: UUID, issuer_id: UUID) -> Referral:
        """Lock the referral a message is about, if it is its writer's and was sent."""
        referral = self._find(connection, handoff)
        if referral is None or other_body(referral) != issuer_id or referral.left_at is None:
            raise _unknown()
        return referral

    def _theirs(self, connection: Connection, handoff: UUID, issuer_id: UUID) -> Referral | None:
        """Lock a referral that they may bring; None when it is new, or none of theirs. What was stopped stays out."""
        tomb = select(INBOX.c.id).where(INBOX.c.issuer_id == issuer_id, INBOX.c.jti == _tomb(handoff))
        if connection.scalar(tomb) is not None:
            raise _over()
        referral = self._find(connection, handoff)
        if referral is None or _hidden(referral, issuer_id):
            return None
        if referral.direction is not Direction.INCOMING or referral.reply_to is None or referral.left_at is None:
            raise _unknown()
        if referral.stopped_at is not None or referral.state in FINAL:
            raise _over()
        return referral

    def _known(self, connection: Connection, read: Read[Any], issuer_id: UUID) -> bool:
        same = (INBOX.c.issuer_id == issuer_id, INBOX.c.jti == str(read.message.jti))
        return wire.already(connection.scalar(select(INBOX.c.body_hash).where(*same)), self._mark(read.message))

    def _numbered(self, connection: Connection, referral: Referral, message: Answer | Withdrawal) -> bool:
        same = (INBOX.c.referral_id == referral.id, INBOX.c.number == message.number)
        return wire.already(connection.scalar(select(INBOX.c.body_hash).where(*same)), self._mark(message))

    def _mark(self, message: Message) -> bytes:
        return self._office.vault.sealing.mark("inbox", wire.substance(message))

    def _keep(
        self,
        connection: Connection,
        read: Read[Any],
        issuer_id: UUID,
        referral: Referral,
        now: datetime,
        *,
        number: int | None = None,
    ) -> None:
        quarantine(
            connection,
            self._office,
            read,
            body_hash=self._mark(read.message),
            issuer_id=issuer_id,
            referral=referral,
            now=now,
            number=number,
        )


def _hidden(referral: Referral, issuer_id: UUID) -> bool:
    """Tell whether a body must not know that there is such a handoff: it is others', or was never brought to it."""
    ours = referral.direction is Direction.OUTGOING
    return other_body(referral) != issuer_id or (ours and referral.left_at is None)


def _tomb(handoff: UUID) -> str:
    return f"stop:{handoff}"


def _unknown() -> Refused:
    return Refused("there is no such handoff", problem="unknown")


def _over() -> Refused:
    return Refused("it was stopped, and nothing of it is taken in again", problem="stopped")
