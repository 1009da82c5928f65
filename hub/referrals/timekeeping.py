"""What happens when nobody acts: reminders at half time, then the event of the clock. To be run often."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select, update

from hub.consent import Changed, Ledger
from hub.referrals import clocks
from hub.referrals.book import REFERRAL, STOP_CAUSE, Book, Referral
from hub.referrals.sending import changed
from hub.referrals.states import Actor, Guard
from schema.tables.referrals import Direction
from schema.vocabulary import ReferralEventKind

E = ReferralEventKind
_CLOCK_GUARDS: Final = frozenset(
    {
        Guard.CONSENT_CLOCK_OUT,
        Guard.QUESTION_CLOCK_OUT,
        Guard.REVIEW_DATE_PASSED,
        Guard.CONFIRM_CLOCK_OUT,
        Guard.ESCALATED_AT_HALF_TIME,
        Guard.START_CLOCK_OUT,
        Guard.OFFER_CLOCK_OUT,
        Guard.ANSWER_TIME_OVER,
        Guard.PROGRESS_CLOCK_OUT,
    }
)
"""They hold when the clock ran out and somebody was reminded before."""


class Timekeeping:
    """The clock's own steps."""

    book: Book
    ledger: Ledger

    def remind(self, connection: Connection, now: datetime, *, limit: int = 100) -> tuple[Changed, ...]:
        """Give the referrals whose clock is past half time, each once. Who is told is the caller's affair."""
        due = select(REFERRAL.c.id).where(REFERRAL.c.remind_at <= now).order_by(REFERRAL.c.remind_at, REFERRAL.c.id)
        free = due.limit(limit).with_for_update(skip_locked=True)
        rows = connection.execute(
            update(REFERRAL).where(REFERRAL.c.id.in_(free)).values(remind_at=None).returning(REFERRAL)
        )
        return tuple(changed(row) for row in rows)

    def expire(self, connection: Connection, now: datetime, *, limit: int = 100) -> tuple[Changed, ...]:
        """Take the clock's step in referrals whose clock ran out, and give those that were stepped.

        Nobody is timed out who was not reminded before: where that did not happen it counts as happening now, and the
        next run goes on. Several may run at once; each referral is one's.
        """
        due = (
            select(REFERRAL)
            .where(REFERRAL.c.due_at <= now, REFERRAL.c.paused_since.is_(None))
            .order_by(REFERRAL.c.due_at, REFERRAL.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        done = (self._one(connection, row, now) for row in connection.execute(due).all())
        stepped = tuple(each for each in done if each is not None)
        self.ledger.run_out(connection, now.date())
        return stepped

    def _one(self, connection: Connection, referral: Referral, now: datetime) -> Changed | None:
        state = self.book.stands(connection, referral, Actor.CLOCK)
        kind, end = clocks.end(state, due=referral.due_at, since=referral.since, answer=referral.answer_by)
        if end > now:
            half = now + (end - now) / 2
            self.book.change(connection, referral, {"clock": kind, "due_at": end, "remind_at": half})
            return None
        if referral.remind_at is not None:
            self.book.change(connection, referral, {"remind_at": None})
            return None
        event = clocks.RUNS_OUT[state]
        after, event_id = self.book.take(connection, referral, event, Actor.CLOCK, now, met=_CLOCK_GUARDS)
        if event is E.CONSENT_TIMEOUT and referral.consent_id is not None:
            self.ledger.end(connection, referral.consent_id)
        if event in STOP_CAUSE:
            after = self.book.stop(connection, after, event_id, now)
        elif event is E.CONFIRM_TIMEOUT and referral.direction is Direction.OUTGOING:
            after = self.book.tell(connection, after, event_id, now, E.CONFIRM)
        return changed(after)
