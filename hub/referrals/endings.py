"""Referrals whose agreement ended, or does not cover them any more (T41): withdrawn, and the recipient told to delete.

Who changes an agreement locks the body's referrals first, as locks go from referral to agreement everywhere. What
comes to be sent meanwhile under the old agreement, and agreements that run out by the calendar, are found by the
sweeper, in the next minute.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Text, case, exists, literal, not_, select
from sqlalchemy.dialects.postgresql import array

from hub.consent import AgreementInvalid, Changed
from hub.referrals.agreements import AGREEMENT, agreed
from hub.referrals.book import REFERRAL, Book, Referral
from hub.referrals.parties import other_body
from hub.referrals.sending import changed
from hub.referrals.states import FINAL, TRANSITIONS, Actor, Guard
from schema.standing import carries
from schema.tables.referrals import Direction
from schema.vocabulary import ReferralEventKind, ReferralState

_FROM: Final = frozenset(
    state for each in TRANSITIONS if each.event is ReferralEventKind.AGREEMENT_ENDED for state in each.from_states
) | {ReferralState.DUPLICATE}
"""A duplicate ends where it stood."""


class Endings:
    """Ends what an agreement carried."""

    book: Book

    def hold(self, connection: Connection, body: UUID) -> None:
        """Lock all referrals with a body that are not over, before its agreement is changed."""
        mine = select(REFERRAL.c.id).where(_other() == body, REFERRAL.c.state.not_in(FINAL))
        connection.execute(mine.order_by(REFERRAL.c.id).with_for_update())

    def agreement_changed(self, connection: Connection, body: UUID, now: datetime) -> tuple[Changed, ...]:
        """End what the agreement of a body does not carry any more, after it was changed in this transaction."""
        return self._all_ended(connection, self._resting(_other() == body), now)

    def end_uncovered(self, connection: Connection, now: datetime, *, limit: int = 100) -> tuple[Changed, ...]:
        """End referrals that no agreement carries. Several may run at once; each referral is one's."""
        return self._all_ended(connection, self._resting(not_(_carried(now))).limit(limit), now)

    @staticmethod
    def _resting(which: ColumnElement[bool]) -> Any:
        # What another transaction holds is passed over: it is found by the sweeper when that one is done.
        open_ones = select(REFERRAL).where(REFERRAL.c.state.in_(_FROM), which)
        return open_ones.order_by(REFERRAL.c.id).with_for_update(skip_locked=True)

    def _all_ended(self, connection: Connection, query: Any, now: datetime) -> tuple[Changed, ...]:
        rows: Iterable[Referral] = connection.execute(query).all()
        found = (self._end_if_uncovered(connection, referral, now) for referral in rows)
        return tuple(each for each in found if each is not None)

    def _end_if_uncovered(self, connection: Connection, referral: Referral, now: datetime) -> Changed | None:
        try:
            agreed(
                connection,
                other_body(referral),
                now.date(),
                purpose=referral.purpose,
                categories=referral.categories,
            )
        except AgreementInvalid:
            after, event = self.book.take(
                connection,
                referral,
                ReferralEventKind.AGREEMENT_ENDED,
                Actor.WORKER,
                now,
                met={Guard.AGREEMENT_ENDED},
            )
            return changed(self.book.stop(connection, after, event, now))
        return None


def _other() -> ColumnElement[Any]:
    """Say in SQL what `other_body` says of a row."""
    outgoing = REFERRAL.c.direction == Direction.OUTGOING
    return case((outgoing, REFERRAL.c.recipient_id), else_=REFERRAL.c.sender_id)


def _carried(now: datetime) -> ColumnElement[bool]:
    day = literal(now.date().isoformat(), Text())
    carried = carries(AGREEMENT.c, day, array([REFERRAL.c.purpose]), REFERRAL.c.categories)
    return exists().where(AGREEMENT.c.organisation_id == _other(), carried).correlate(REFERRAL)
