"""What the other side's system says of its own steps: in its order, once, late without harm.

An answer waits until all before it have come, and until its packet was received. One that means nothing any more, as
the referral was stopped meanwhile, or whose guard does not hold, is counted and kept, and steps nothing.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Connection, bindparam, select, update

from connectors.handoff import Read
from connectors.messages import Answer, Receipt
from connectors.signing import unchecked
from hub.consent import StateConflict
from hub.errors import HubError
from hub.referrals import packets, receipts
from hub.referrals.arrivals import INBOX, opened
from hub.referrals.book import SERVICE, Book, Referral
from hub.referrals.office import Office
from hub.referrals.parties import other_body
from hub.referrals.states import NOTES, Actor, Guard, possible
from hub.referrals.words import word
from schema.tables.referrals import Direction, InboxState, WordsKind
from schema.vocabulary import (
    ClosingReason,
    DeclineReason,
    ReferralEventKind,
    ReferralState,
    ServiceAnswer,
    Side,
)

S, E = ReferralState, ReferralEventKind
_WAITING: Final = (
    select(INBOX)
    .where(INBOX.c.referral_id == bindparam("which"), INBOX.c.number > bindparam("seen"))
    .order_by(INBOX.c.number)
)
_WIDER: Final = frozenset({E.ASK, E.ANSWER, E.REPORT_OUTCOME, E.PERSON_SAFE, E.CONTEST})
"""What is said with these may be of any category that was consented, or an opinion: it is no note."""
_NOT_YET: Final = frozenset({S.SENT, S.DELIVERY_FAILED})


@dataclass(slots=True)
class _Meant:
    """What an answer means in our books."""

    met: set[Guard] = field(default_factory=set)
    changes: dict[str, Any] = field(default_factory=dict)
    services: dict[str, tuple[ServiceAnswer, DeclineReason | None]] = field(default_factory=dict)
    every: ServiceAnswer | None = None


class Told:
    """Takes in answers that were kept."""

    def __init__(self, office: Office, book: Book) -> None:
        self._office: Final = office
        self._book: Final = book

    def received(
        self,
        connection: Connection,
        referral: Referral,
        receipt: Read[Receipt],
        now: datetime,
        *,
        reference: str | None = None,
        handoff_id: UUID | None = None,
    ) -> Referral:
        """Keep a receipt for a locked referral, as `receipts.received` does; then take in what waited for it."""
        after = receipts.received(
            connection, self._book, referral, receipt, now, reference=reference, handoff_id=handoff_id
        )
        return self.advance(connection, after, now)

    def advance(self, connection: Connection, referral: Referral, now: datetime) -> Referral:
        """Take in of a locked referral what has come without a gap."""
        if referral.direction is Direction.OUTGOING and referral.state in _NOT_YET:
            return referral
        given = {"which": referral.id, "seen": referral.wire_seen}
        for row in connection.execute(_WAITING, given).all():
            if row.number != referral.wire_seen + 1:
                break
            referral = self._book.change(connection, referral, {"wire_seen": row.number})
            if row.state is not InboxState.QUARANTINED:
                continue
            referral, refusal = self._one(connection, referral, row, now)
            state = InboxState.TAKEN if refusal is None else InboxState.REFUSED
            connection.execute(update(INBOX).where(INBOX.c.id == row.id).values(state=state, reason=refusal))
        return referral

    def _one(self, connection: Connection, referral: Referral, row: Any, now: datetime) -> tuple[Referral, str | None]:
        """Take one in; tell why not, by code."""
        if referral.stopped_at is not None:
            return referral, "stopped"
        try:
            answer = msgspec.convert(unchecked(opened(connection, self._office, row)), Answer)
            answer = self._office.partner_of(other_body(referral), connection).decode_answer(answer)
            return self._taken(connection, referral, answer, now), None
        except HubError as error:
            return referral, error.code

    def _taken(self, connection: Connection, referral: Referral, answer: Answer, now: datetime) -> Referral:
        event = word(E, answer.event)
        outgoing = referral.direction is Direction.OUTGOING
        side = Side.RECIPIENT if outgoing else Side.SENDER
        if event in NOTES:
            event_id = self._book.note(connection, referral, event, now, side=side)
            return self._worded(connection, referral, answer, event_id)
        actor = Actor.RECIPIENT_CASEWORKER if outgoing else Actor.SENDER_CASEWORKER
        if event not in possible(referral.state, actor):
            raise StateConflict(state=referral.state, event=event)
        meant = self._meant(connection, referral, answer, now)
        if not meant.met:
            raise StateConflict(state=referral.state, event=event)
        after, event_id = self._book.take(
            connection, referral, event, actor, now, met=meant.met, side=side, changes=meant.changes
        )
        self._helped(connection, after, meant)
        return self._worded(connection, after, answer, event_id)

    def _meant(self, connection: Connection, referral: Referral, answer: Answer, now: datetime) -> _Meant:
        """Look at the guards, and tell what changes beside the state. Without a guard met nothing happens."""
        meant = _Meant()
        inside = set(answer.categories) <= {category.value for category in referral.categories}
        match word(E, answer.event):
            case E.TAKE:
                meant.met = {Guard.RECEIVE_SCOPE}
            case E.ASK if inside:
                meant.met = {Guard.QUESTION_INSIDE_CONSENT}
            case E.ANSWER if inside:
                meant.met = {Guard.ANSWER_INSIDE_CONSENT}
            case E.ACCEPT:
                meant.met, meant.every = {Guard.CAPACITY_RESERVED}, ServiceAnswer.ACCEPTED
            case E.CAPACITY_FREE:
                packets.release(connection, referral, now.date())
                meant.met, meant.every = {Guard.FACTS_RECONFIRMED}, ServiceAnswer.ACCEPTED
            case E.OFFER_PART if {each.kind for each in answer.services} == set(
                self._book.services(connection, referral)
            ):
                meant.met = {Guard.SERVICES_LISTED}
                meant.services = _listed(answer)
            case E.AGREE_PART:
                meant.met, meant.every = {Guard.PERSON_AGREES}, ServiceAnswer.ACCEPTED
            case E.WAITLIST if answer.on is not None:
                may = packets.release(connection, referral, now.date())
                if answer.on <= may.until_on:
                    meant.met, meant.changes = {Guard.NO_CAPACITY_NOW}, {"review_on": answer.on}
            case E.DECLINE if answer.reason is not None:
                reason = word(DeclineReason, answer.reason)
                meant.met, meant.changes = {Guard.DECLINE_REASON}, {"decline_reason": reason}
                kinds = self._book.services(connection, referral)
                meant.services = dict.fromkeys(kinds, (ServiceAnswer.DECLINED, reason)) | _listed(answer)
            case E.START:
                meant.met = {Guard.CONTACT_MADE}
            case E.PAUSE if answer.on is not None and answer.reason is not None:
                meant.met, meant.changes = {Guard.REASON_AND_REVIEW_DATE}, {"review_on": answer.on}
            case E.REPORT_OUTCOME | E.PERSON_SAFE if answer.reason is not None:
                meant.met = {Guard.CLOSING_REASON, Guard.PERSON_IS_SAFE}
                meant.changes = {"closing_reason": word(ClosingReason, answer.reason)}
            case E.MARK_DUPLICATE:
                meant.met = {Guard.OTHER_NAMED}
            case E.CONTEST if answer.reason is not None or answer.text is not None:
                meant.met = {Guard.REASON}
            case E.RESUME | E.REJECT_PART | E.CONFIRM:
                meant.met = {Guard.NONE}
            case _:
                # Handing on to a third body needs a consent that nobody can show here yet.
                pass
        return meant

    def _helped(self, connection: Connection, referral: Referral, meant: _Meant) -> None:
        if meant.every is not None:
            self._book.answer_services(connection, referral, meant.every)
        for kind, (answer, reason) in meant.services.items():
            connection.execute(
                update(SERVICE)
                .where(SERVICE.c.referral_id == referral.id, SERVICE.c.kind == kind)
                .values(answer=answer, decline_reason=reason)
            )

    def _worded(self, connection: Connection, referral: Referral, answer: Answer, event_id: UUID) -> Referral:
        """Keep words, sealed: with their event where they can be read, else the newest of each sort of event."""
        event = word(E, answer.event)
        unmapped = msgspec.json.encode(answer.unmapped).decode() if answer.unmapped else None
        said: dict[str, str | None] = {f"{answer.event}_unmapped": unmapped}
        if event in _WIDER:
            said |= {f"{answer.event}_text": answer.text}
        else:
            kind = WordsKind.DECLINE if event is E.DECLINE else WordsKind.NOTE
            self._book.say(connection, referral, event_id, answer.text, kind)
        words = self._book.sealed_words(connection, referral, **said)
        return self._book.change(connection, referral, words) if words else referral


def _listed(answer: Answer) -> dict[str, tuple[ServiceAnswer, DeclineReason | None]]:
    """Tell what became of each kind of help, as the answer lists it."""
    given = ServiceAnswer.OFFERED if answer.event == "offer_part" else ServiceAnswer.ACCEPTED
    return {
        each.kind: (given, None)
        if each.given
        else (ServiceAnswer.DECLINED, word(DeclineReason, each.reason) if each.reason else DeclineReason.OTHER)
        for each in answer.services
    }
