"""The recipient's steps: acknowledged, taken up, accepted or declined, started, the outcome reported.

ICORN's own steps on what came by the wire are told to the sender's system. What a partner's program does through the
graph it knows already.
"""

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection

from connectors.errors import ConnectorError
from connectors.handoff import Read
from connectors.messages import Receipt, is_file_number
from hub.consent import Acting, Changed, ConsentMissing, InvalidInput, NotFound
from hub.referrals import packets, receipts
from hub.referrals.agreements import agreed
from hub.referrals.arrivals import own_case, unpack
from hub.referrals.book import Book, Referral
from hub.referrals.errors import PartnerSilent
from hub.referrals.office import Office
from hub.referrals.parties import conflict, need_agreement, need_side, other_body
from hub.referrals.sending import changed, short
from hub.referrals.states import Actor, Guard, possible
from hub.referrals.told import Told
from schema.tables.referrals import Direction, WordsKind
from schema.vocabulary import (
    AccessScope,
    ClosingReason,
    DeclineReason,
    Feedback,
    ReferralEventKind,
    ReferralState,
    ServiceAnswer,
    Side,
)

S, E = ReferralState, ReferralEventKind
SAFE: Final = frozenset({ClosingReason.PERSON_SAFE, ClosingReason.HELPED_ELSEWHERE})
"""Reasons to end before help began (T42)."""


class Answering:
    """What the recipient does. Every step locks the referral first."""

    office: Office
    book: Book

    async def attested(self, body: UUID | None, token: str) -> Read[Receipt]:
        """Verify a receipt by the keys that a body publishes for the handoff. Outside any transaction: it may wait.

        Raises:
            NotFound: nobody's body acts.
            PartnerUnknown: the body is no partner, or not now.
            PartnerSilent: its keys cannot be had.
            InvalidInput: it is no receipt of this body's.
        """
        if body is None:
            raise NotFound
        partner = await asyncio.to_thread(self.office.partner_of, body)
        try:
            read = await partner.verify_push(token)
        except ConnectorError as error:
            if error.again:
                raise PartnerSilent from error
            raise InvalidInput("receipt", reason=error.code) from error
        if not isinstance(read.message, Receipt):
            raise InvalidInput("receipt", reason="it is another message")
        return Read(read.message, read.jws)

    def acknowledge(
        self,
        connection: Connection,
        acting: Acting,
        referral_id: UUID,
        *,
        receipt: Read[Receipt],
        digest: bytes,
        reference: str | None = None,
    ) -> Changed:
        """Confirm receipt (T10), by the recipient's system: as one that comes to the inbox.

        The signature of the receipt was checked before, by `attested` for the body that acts.
        One for a packet that was received already is kept, and steps nothing.

        Args:
            connection: of the caller's transaction.
            acting: a program of the recipient.
            referral_id: the referral.
            receipt: signed by the recipient.
            digest: SHA-256 of the packet, as the recipient computed it.
            reference: the recipient's own file number; that of the receipt when absent.

        Raises:
            NotFound: there is no such referral for who acts, or it was never fetched.
            StateConflict: it is over.
            AgreementInvalid: none is in force.
            PartnerUnknown: the body is no partner any more.
            InvalidInput: digest or receipt are for another packet, or the reference is no file number.
        """
        acting.need(AccessScope.REFERRAL_RECEIVE)
        need_agreement(connection, acting)
        referral = self.book.locked(connection, referral_id)
        need_side(connection, acting, referral, Side.RECIPIENT)
        if referral.direction is not Direction.OUTGOING or referral.left_at is None:
            raise NotFound
        self.office.partner_of(referral.recipient_id, connection)
        agreed(connection, referral.recipient_id, acting.today)
        if reference is not None and not is_file_number(reference):
            raise InvalidInput("reference", reason="64 letters of A-Z a-z 0-9 _ / . : - at most, one of them a digit")
        if not receipts.matches(connection, referral, receipt.message):
            raise InvalidInput("receipt", reason="it is for another packet")
        if packets.raw(receipt.message.digest) != digest:
            raise InvalidInput("digest", reason="it is of another packet")
        late = referral.state is not S.SENT
        if late and not receipts.held(connection, referral):
            raise conflict(connection, acting, referral, Side.RECIPIENT, E.ACKNOWLEDGE)
        told = Told(self.office, self.book)
        return changed(told.received(connection, referral, receipt, acting.now, reference=reference))

    def take(self, connection: Connection, acting: Acting, referral_id: UUID) -> Changed:
        """Take it up (T12): somebody looks. Of what came by the wire, quarantine ends here.

        At ICORN the case is theirs who took it up.

        Raises:
            NotFound: there is no such referral for who acts.
            StateConflict: it is not received, or taken up already.
            ConsentMissing: the consent does not cover it any more.
            AgreementInvalid: the agreement does not.
        """
        acting.need(AccessScope.REFERRAL_RECEIVE)
        referral = self._asked(connection, acting, referral_id, E.TAKE)
        self._covered(connection, acting, referral)
        changes: dict[str, Any] = {"taken_by_id": acting.account_id}
        after, event = self._step(connection, acting, referral, E.TAKE, met={Guard.RECEIVE_SCOPE}, changes=changes)
        if referral.direction is Direction.INCOMING:
            unpack(connection, self.office, after, acting.now)
            own_case(connection, after, acting.account_id)
        return self._told(connection, acting, after, event, E.TAKE)

    def accept(
        self,
        connection: Connection,
        acting: Acting,
        referral_id: UUID,
        *,
        start_by: date | None = None,
        note: str | None = None,
    ) -> Changed:
        """Accept all that was asked for (T16, T21).

        That there is room is for who accepts to know: no place is reserved here.

        Raises:
            NotFound: there is no such referral for who acts.
            StateConflict: it is not under review.
            ConsentMissing: the consent does not cover it any more.
            AgreementInvalid: the agreement does not.
            InvalidInput: the note is too long, or the day is over.
        """
        acting.need(AccessScope.REFERRAL_DECIDE)
        short(note, "note")
        if start_by is not None and start_by < acting.today:
            raise InvalidInput("start_by", reason="that day is over")
        need_agreement(connection, acting)
        referral = self.book.locked(connection, referral_id)
        event = E.CAPACITY_FREE if referral.state is S.WAITLISTED else E.ACCEPT
        referral = self._asked(connection, acting, referral_id, event)
        self._covered(connection, acting, referral)
        met = {Guard.CAPACITY_RESERVED, Guard.FACTS_RECONFIRMED}
        after, event_id = self._step(connection, acting, referral, event, met=met)
        self.book.say(connection, after, event_id, note, WordsKind.NOTE)
        self.book.answer_services(connection, after, ServiceAnswer.ACCEPTED)
        services = [{"kind": kind, "given": True} for kind in self.book.services(connection, after)]
        on = start_by.isoformat() if start_by else None
        return self._told(connection, acting, after, event_id, event, services=services, on=on, text=note)

    def decline(
        self,
        connection: Connection,
        acting: Acting,
        referral_id: UUID,
        *,
        reason: DeclineReason,
        text: str | None = None,
    ) -> Changed:
        """Decline (T23): access ends at once.

        Raises:
            NotFound: there is no such referral for who acts.
            StateConflict: it is not under review.
            InvalidInput: OTHER needs words, or they are too long.
        """
        acting.need(AccessScope.REFERRAL_DECIDE)
        short(text, "text")
        if reason is DeclineReason.OTHER and not text:
            raise InvalidInput("text", reason="OTHER needs words")
        referral = self._asked(connection, acting, referral_id, E.DECLINE)
        changes = {"decline_reason": reason}
        after, event = self._step(connection, acting, referral, E.DECLINE, met={Guard.DECLINE_REASON}, changes=changes)
        self.book.say(connection, after, event, text, WordsKind.DECLINE)
        self.book.answer_services(connection, after, ServiceAnswer.DECLINED, decline_reason=reason)
        services = [
            {"kind": kind, "given": False, "reason": reason.value} for kind in self.book.services(connection, after)
        ]
        return self._told(
            connection, acting, after, event, E.DECLINE, reason=reason.value, services=services, text=text
        )

    def start(self, connection: Connection, acting: Acting, referral_id: UUID, *, note: str | None = None) -> Changed:
        """Help begins (T24). That contact was made by the person's rule is for who says so.

        Raises:
            NotFound: there is no such referral for who acts.
            StateConflict: it is not accepted.
            InvalidInput: the note is too long.
        """
        acting.need(AccessScope.REFERRAL_DECIDE)
        short(note, "note")
        referral = self._asked(connection, acting, referral_id, E.START)
        after, event = self._step(connection, acting, referral, E.START, met={Guard.CONTACT_MADE})
        self.book.say(connection, after, event, note, WordsKind.NOTE)
        return self._told(connection, acting, after, event, E.START, text=note)

    def report_outcome(
        self,
        connection: Connection,
        acting: Acting,
        referral_id: UUID,
        *,
        reason: ClosingReason,
        feedback: Feedback | None = None,
        text: str | None = None,
    ) -> Changed:
        """Report what came of it (T28), by the recipient; or that the person is safe (T42), by either side.

        Raises:
            NotFound: there is no such referral for who acts.
            StateConflict: help has not begun, and the reason is not one of safety.
            InvalidInput: the text is too long.
        """
        acting.need(AccessScope.REFERRAL_DECIDE, AccessScope.REFERRAL_SEND)
        short(text, "text")
        referral = self.book.locked(connection, referral_id)
        try:
            actor, side = need_side(connection, acting, referral, Side.RECIPIENT), Side.RECIPIENT
        except NotFound:
            actor, side = need_side(connection, acting, referral, Side.SENDER), Side.SENDER
        safe = reason in SAFE and (side is Side.SENDER or referral.state is not S.IN_PROGRESS)
        event = E.PERSON_SAFE if safe else E.REPORT_OUTCOME
        if event not in possible(self.book.stands(connection, referral, actor), actor):
            raise conflict(connection, acting, referral, side, event)
        changes: dict[str, Any] = {"closing_reason": reason, "feedback": feedback}
        changes |= self.book.sealed_words(connection, referral, outcome_text=text)
        after, event_id = self.book.take(
            connection,
            referral,
            event,
            actor,
            acting.now,
            met={Guard.CLOSING_REASON, Guard.PERSON_IS_SAFE},
            side=side,
            changes=changes,
        )
        return self._told(connection, acting, after, event_id, event, reason=reason.value, text=text)

    # ---- Within ------------------------------------------------------------------------------------------------------

    def _asked(self, connection: Connection, acting: Acting, referral_id: UUID, event: ReferralEventKind) -> Referral:
        """Lock a referral that who acts is asked with, and look that the step exists."""
        need_agreement(connection, acting)
        referral = self.book.locked(connection, referral_id)
        actor = need_side(connection, acting, referral, Side.RECIPIENT)
        if acting.partner_id is not None:
            agreed(connection, other_body(referral), acting.today)
        if event not in possible(referral.state, actor):
            raise conflict(connection, acting, referral, Side.RECIPIENT, event)
        return referral

    @staticmethod
    def _covered(connection: Connection, acting: Acting, referral: Referral) -> None:
        """Look that the consent covers it still. Which categories it lacks is for the sender to know.

        Raises:
            ConsentMissing: it does not.
            AgreementInvalid: the agreement does not.
        """
        try:
            packets.release(connection, referral, acting.today)
        except ConsentMissing:
            raise ConsentMissing from None

    def _step(
        self,
        connection: Connection,
        acting: Acting,
        referral: Referral,
        event: ReferralEventKind,
        *,
        met: set[Guard],
        changes: Mapping[str, Any] | None = None,
    ) -> tuple[Referral, UUID]:
        return self.book.take(
            connection,
            referral,
            event,
            Actor.RECIPIENT_CASEWORKER,
            acting.now,
            met=met,
            side=Side.RECIPIENT,
            changes=changes,
        )

    def _told(
        self,
        connection: Connection,
        acting: Acting,
        referral: Referral,
        event_id: UUID,
        event: ReferralEventKind,
        **more: Any,
    ) -> Changed:
        if acting.partner_id is None:
            referral = self.book.tell(connection, referral, event_id, acting.now, event, **more)
        return changed(referral)
