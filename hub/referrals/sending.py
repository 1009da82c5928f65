"""The sender's steps: a draft, the person's consent, sending, trying again, taking back, confirming what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, select

from hub.consent import (
    Acting,
    Answered,
    Asked,
    Changed,
    ConsentMissing,
    InvalidInput,
    Ledger,
    NotFound,
)
from hub.delivery.ports import Topic
from hub.referrals import cases, facts, packets, receipts
from hub.referrals.agreements import agreed
from hub.referrals.arrivals import erase
from hub.referrals.book import REFERRAL, Book, Referral
from hub.referrals.cases import Content
from hub.referrals.errors import AlreadyReferred, SecondPersonNeeded
from hub.referrals.facts import Facts
from hub.referrals.office import Office
from hub.referrals.parties import conflict, need_case, need_free, need_side, other_body
from hub.referrals.states import FETCHABLE, Actor, Guard, possible
from schema.tables.referrals import Direction, WordsKind
from schema.vocabulary import (
    AccessScope,
    Category,
    ClosingReason,
    ConsentChannel,
    ConsentState,
    Purpose,
    ReferralEventKind,
    ReferralState,
    Relation,
    Side,
    SupportKind,
    Urgency,
)

S, E = ReferralState, ReferralEventKind
_TWO_PERSONS: Final = frozenset({Category.RISK, Category.HEALTH})
TEXT_CHARS: Final = 4_000
REFERENCE_CHARS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a referral begins with. `content` is for partners that keep their cases elsewhere."""

    recipient_id: UUID
    purpose: Purpose
    urgency: Urgency
    services: Sequence[SupportKind]
    case_id: UUID | None = None
    content: Content | None = None
    sender_reference: str | None = None


class Sending:
    """What the sender does. Every step locks the referral first."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.book = Book(office)
        self.ledger = Ledger(self)

    # ---- A draft -----------------------------------------------------------------------------------------------------

    def open_case(self, connection: Connection, acting: Acting, content: Content) -> Changed:
        """Open a case of ICORN's own; whoever opens it owns it. See `cases.open_case`."""
        return cases.open_case(connection, acting, self.office, content)

    def record_facts(self, connection: Connection, acting: Acting, case_id: UUID, given: Facts) -> Changed:
        """Write facts of a case of ICORN's own. See `facts.record`."""
        return facts.record(connection, acting, self.office, case_id, given)

    def create(self, connection: Connection, acting: Acting, draft: Draft) -> Changed:
        """Begin a referral (T01): of a case of one's own, or of content that a partner brings along.

        ICORN refers to partners, and partners to ICORN; who refers to whom tells the direction.

        Raises:
            NotFound: the case or the body is not there for who acts.
            InvalidInput: no help is asked for, or case and content are both given, or neither.
            AgreementInvalid: none between both bodies allows the purpose.
            RuleOfPerson: the person shut the body out.
        """
        acting.need(AccessScope.REFERRAL_SEND)
        home = self.office.home(connection)
        sender = acting.partner_id or home
        if (draft.recipient_id == home) != (acting.partner_id is not None):
            raise NotFound
        _checked(draft)
        body = draft.recipient_id if sender == home else sender
        agreed(connection, body, acting.today, purpose=draft.purpose)
        if draft.case_id is not None:
            case = need_case(connection, acting, draft.case_id)
            case_id, person_id = case.id, case.person_id
        else:
            assert draft.content is not None
            if acting.partner_id is None:
                raise InvalidInput("content", reason="open a case first")
            made = cases.open_case(connection, acting, self.office, draft.content, holder_id=sender)
            case_id, person_id = made.case_id, made.person_id
        need_free(connection, acting, person_id, draft.recipient_id)
        values = {
            "case_id": case_id,
            "person_id": person_id,
            "sender_id": sender,
            "recipient_id": draft.recipient_id,
            "direction": Direction.OUTGOING if sender == home else Direction.INCOMING,
            "purpose": draft.purpose,
            "urgency": draft.urgency,
            "created_at": acting.now,
        }
        referral = self.book.begin(connection, values, E.CREATE, Actor.SENDER_CASEWORKER)
        self.book.ask(connection, referral, draft.services)
        words = self.book.sealed_words(connection, referral, sender_reference=draft.sender_reference)
        if words:
            referral = self.book.change(connection, referral, words)
        return changed(referral)

    # ---- The person's consent ----------------------------------------------------------------------------------------

    def request_consent(
        self, connection: Connection, acting: Acting, referral_id: UUID, *, categories: Sequence[Category], until: date
    ) -> Changed:
        """Ask the person (T02).

        Raises:
            NotFound: there is no such referral for who acts.
            StateConflict: it is no draft.
            InvalidInput: nothing is asked for, or until a day that is over.
            AgreementInvalid: the other body may not have one of the categories.
        """
        acting.need(AccessScope.REFERRAL_SEND)
        referral = self._mine(connection, acting, referral_id, E.ASK_CONSENT)
        asked = Asked(
            person_id=referral.person_id,
            recipient_id=referral.recipient_id,
            categories=categories,
            purposes=(referral.purpose,),
            until=until,
        )
        made = self.ledger.ask(connection, acting, asked)
        agreed(connection, other_body(referral), acting.today, purpose=referral.purpose, categories=categories)
        after, _ = self.book.take(
            connection,
            referral,
            E.ASK_CONSENT,
            Actor.SENDER_CASEWORKER,
            acting.now,
            met={Guard.REQUEST_COMPLETE},
            side=Side.SENDER,
            changes={"consent_id": made.consent_id, "categories": [each for each in Category if each in categories]},
        )
        return changed(after)

    def record_consent(self, connection: Connection, acting: Acting, consent_id: UUID, said: Answered) -> Changed:
        """Record the person's answer (T03, T04). See `Ledger.answer`."""
        return self.ledger.answer(connection, acting, consent_id, said)

    def revoke_consent(
        self, connection: Connection, acting: Acting, consent_id: UUID, channel: ConsentChannel
    ) -> Changed:
        """Withdraw a consent (T34): wins over everything else at the same moment. See `Ledger.withdraw`."""
        return self.ledger.withdraw(connection, acting, consent_id, channel)

    # ---- What follows from a consent: `hub.consent.Followers` --------------------------------------------------------

    def lock(self, connection: Connection, consent_id: UUID) -> None:
        """Lock the referrals under a consent."""
        self.book.under_consent(connection, consent_id)

    def answered(self, connection: Connection, acting: Acting, consent: Row[Any]) -> Changed:
        """Step what waited for the answer; categories are cut to what was given."""
        moved = Changed(person_id=consent.person_id, consent_id=consent.id)
        actor = Actor.CONTACT_PERSON if consent.by_contact_person else Actor.PERSON
        for referral in self.book.under_consent(connection, consent.id):
            if referral.state is not S.CONSENT_PENDING:
                continue
            if consent.state is ConsentState.REFUSED:
                after, _ = self.book.take(connection, referral, E.CONSENT_REFUSED, actor, acting.now)
            else:
                changes = {"categories": list(consent.categories)}
                met = {Guard.ANSWER_RECORDED}
                after, _ = self.book.take(
                    connection, referral, E.CONSENT_GIVEN, actor, acting.now, met=met, changes=changes
                )
            moved = changed(after)
        return moved

    def withdrawn(self, connection: Connection, acting: Acting, consent: Row[Any]) -> Changed:
        """Stop every referral under a consent, and those handed on from them; also those that are over."""
        moved = Changed(person_id=consent.person_id, consent_id=consent.id)
        actor = Actor.DPO if acting.profile.relation is Relation.DPO else Actor.PERSON
        for referral in self.book.under_consent(connection, consent.id):
            if E.REVOKE_CONSENT in possible(self.book.stands(connection, referral, actor), actor):
                after, event = self.book.take(
                    connection, referral, E.REVOKE_CONSENT, actor, acting.now, met={Guard.NO_APPROVAL}
                )
            elif referral.left_at is not None and referral.stopped_at is None:
                after, event = referral, self.book.note(connection, referral, E.REVOKE_CONSENT, acting.now)
            else:
                continue
            self.book.stop(connection, after, event, acting.now)
            if after.reply_to is not None and after.stopped_at is None:
                # What its sender brought by the wire is ours to delete; its sender is asked for nothing.
                erase(connection, self.office, after, acting.now)
                self.book.forget(connection, after, acting.now)
            if referral.consent_id == consent.id:
                moved = changed(after)
        return moved

    # ---- Sending -----------------------------------------------------------------------------------------------------

    def send(self, connection: Connection, acting: Acting, referral_id: UUID) -> Changed:
        """Freeze the packet and send it (T07).

        Consent is read again, and the packet holds nothing beyond it. Risk and health need a second person: there is
        no way to give approval yet, so the secretariat's caseworkers are refused and a lead sends. Whether somebody
        second looked at a partner is the partner's affair; the hub cannot see it. Duplicates are looked for among
        referrals to the same body; nobody else is asked. There is no preview yet that must be seen.

        A referral to ICORN is there as soon as it is sent: nothing travels, and it is received
        in the same step, with a receipt for what was asked for.

        Raises:
            NotFound: there is no such referral for who acts.
            StateConflict: it is not ready.
            ConsentMissing: the consent does not cover it any more.
            AgreementInvalid: the agreement does not.
            SecondPersonNeeded: risk or health are in it, and no lead acts.
            AlreadyReferred: the person is with that body already.
            RuleOfPerson: the person shut the body out.
            PartnerUnknown: the body is no partner, or not now.
        """
        acting.need(AccessScope.REFERRAL_SEND)
        referral = self._mine(connection, acting, referral_id, E.SEND)
        need_free(connection, acting, referral.person_id, referral.recipient_id)
        may = packets.release(connection, referral, acting.today)
        if acting.partner_id is None and acting.profile.relation is not Relation.LEAD and may.categories & _TWO_PERSONS:
            raise SecondPersonNeeded
        if self._elsewhere(connection, referral):
            raise AlreadyReferred
        referral = self._routed(connection, referral, may)
        outgoing = referral.direction is Direction.OUTGOING
        packet_id = None
        if outgoing:
            partner = self.office.partner_of(referral.recipient_id, connection)
            packet_id = packets.freeze(connection, self.office, self.book, referral, partner=partner, now=acting.now)
        after, _ = self.book.take(
            connection,
            referral,
            E.SEND,
            Actor.SENDER_CASEWORKER,
            acting.now,
            met={Guard.CLEARED_TO_SEND},
            side=Side.SENDER,
            changes={"sent_at": acting.now},
        )
        if outgoing:
            self._enqueue(connection, after, packet_id, may, acting)
        else:
            after = receipts.acknowledge(connection, self.book, after, acting.now)
            aud = self.office.issuer_of(after.sender_id, connection)
            receipts.give(connection, self.office, after, aud, version=1, digest=acting.said, now=acting.now)
        return replace(changed(after), categories=may.categories)

    def retry_delivery(self, connection: Connection, acting: Acting, referral_id: UUID) -> Changed:
        """Try to deliver again (T09): the same packet under the same id. If its receipt came meanwhile, it arrived.

        Raises:
            NotFound: there is no such referral for who acts.
            StateConflict: its delivery has not failed, or its time is over.
            ConsentMissing: the consent does not cover it any more.
            AgreementInvalid: the agreement does not.
        """
        acting.need(AccessScope.REFERRAL_SEND)
        referral = self._mine(connection, acting, referral_id, E.RETRY)
        need_free(connection, acting, referral.person_id, referral.recipient_id)
        may = packets.release(connection, referral, acting.today)
        packet = packets.newest(connection, referral)
        if packet is None or referral.answer_by is None or referral.answer_by <= acting.now:
            raise conflict(connection, acting, referral, Side.SENDER, E.RETRY)
        if not frozenset(packet.categories) <= may.categories:
            raise ConsentMissing(frozenset(packet.categories) - may.categories)
        after, _ = self.book.take(
            connection,
            referral,
            E.RETRY,
            Actor.SENDER_CASEWORKER,
            acting.now,
            met={Guard.CONSENT_VALID},
            side=Side.SENDER,
        )
        if receipts.held(connection, after):
            after = receipts.acknowledge(connection, self.book, after, acting.now)
        else:
            self._enqueue(connection, after, packet.id, may, acting)
        return changed(after)

    def withdraw(
        self,
        connection: Connection,
        acting: Acting,
        referral_id: UUID,
        *,
        reason: ClosingReason,
        note: str | None = None,
    ) -> Changed:
        """Take it back (T32, T33): from the commit on no attempt begins, and who holds it is told to delete it.

        Raises:
            NotFound: there is no such referral for who acts.
            StateConflict: it is over, or its outcome was reported.
            InvalidInput: the note is too long.
        """
        acting.need(AccessScope.REFERRAL_SEND)
        referral = self._mine(connection, acting, referral_id, E.WITHDRAW)
        short(note, "note")
        after, event = self.book.take(
            connection,
            referral,
            E.WITHDRAW,
            Actor.SENDER_CASEWORKER,
            acting.now,
            met={Guard.REASON, Guard.RECIPIENT_ASKED_TO_STOP},
            side=Side.SENDER,
            changes={"closing_reason": reason},
        )
        self.book.say(connection, after, event, note, WordsKind.WITHDRAWAL)
        if referral.consent_id is not None and referral.state is S.CONSENT_PENDING:
            self.ledger.end(connection, referral.consent_id)
        return changed(self.book.stop(connection, after, event, acting.now))

    def confirm_outcome(self, connection: Connection, acting: Acting, referral_id: UUID) -> Changed:
        """Close the loop (T29).

        Raises:
            NotFound: there is no such referral for who acts.
            StateConflict: no outcome was reported.
        """
        acting.need(AccessScope.REFERRAL_SEND)
        referral = self._mine(connection, acting, referral_id, E.CONFIRM)
        after, event = self.book.take(
            connection, referral, E.CONFIRM, Actor.SENDER_CASEWORKER, acting.now, side=Side.SENDER
        )
        if acting.partner_id is None:
            after = self.book.tell(connection, after, event, acting.now, E.CONFIRM)
        return changed(after)

    # ---- Within ------------------------------------------------------------------------------------------------------

    def _mine(self, connection: Connection, acting: Acting, referral_id: UUID, event: ReferralEventKind) -> Referral:
        """Lock a referral that who acts sends, and look that the step exists."""
        referral = self.book.locked(connection, referral_id)
        actor = need_side(connection, acting, referral, Side.SENDER)
        if event not in possible(self.book.stands(connection, referral, actor), actor):
            raise conflict(connection, acting, referral, Side.SENDER, event)
        return referral

    def _enqueue(
        self, connection: Connection, referral: Referral, packet_id: UUID | None, may: packets.Release, acting: Acting
    ) -> None:
        self.office.outbox.enqueue(
            connection,
            referral_id=referral.id,
            topic=Topic.PACKET,
            now=acting.now,
            gives_up_at=min(referral.answer_by, may.until),
            packet_id=packet_id,
        )

    def _routed(self, connection: Connection, referral: Referral, may: packets.Release) -> Referral:
        """Set what routing needs. Region and languages belong to the case, and go only with it."""
        if Category.CASE not in may.categories:
            return referral
        case = cases.profile_of(connection, referral.case_id)
        return self.book.change(
            connection, referral, {"origin_region": case.origin_region, "languages": list(case.languages)}
        )

    @staticmethod
    def _elsewhere(connection: Connection, referral: Referral) -> bool:
        others = select(REFERRAL.c.id).where(
            REFERRAL.c.person_id == referral.person_id,
            REFERRAL.c.recipient_id == referral.recipient_id,
            REFERRAL.c.id != referral.id,
            # A duplicate counts: who may send the person once more would know by it that there is one.
            REFERRAL.c.state.in_(FETCHABLE | {S.DUPLICATE}),
        )
        return connection.scalar(others.limit(1)) is not None


def short(text: str | None, path: str, *, most: int = TEXT_CHARS) -> None:
    """Look that words are not too long for the wire, and not nothing.

    Raises:
        InvalidInput: they are.
    """
    if text is not None and (not 0 < len(text) <= most or "\x00" in text):
        raise InvalidInput(path, reason=f"1 to {most} letters")


def _checked(draft: Draft) -> None:
    if not draft.services:
        raise InvalidInput("services", reason="at least one")
    if (draft.case_id is None) == (draft.content is None):
        raise InvalidInput("case", reason="either a case or content")
    short(draft.sender_reference, "sender_reference", most=REFERENCE_CHARS)


def changed(referral: Referral) -> Changed:
    """Tell what was changed."""
    return Changed(
        person_id=referral.person_id,
        case_id=referral.case_id,
        referral_id=referral.id,
        consent_id=referral.consent_id,
    )
