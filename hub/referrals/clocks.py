"""Clocks of a referral: what is waited for in a state, until when, and what happens then. Pure.

Lengths are those of the domain's vocabulary page, section 4; that of a part offer is not given there and follows the
decision. They run through nights and weekends for every urgency, as no calendar of a body is known.

Some clocks are shorter than the time after which the table lets something happen: the receipt of a machine and the
first look by a human lie within the time for an answer. When such a clock runs out, somebody is reminded and the
clock turns into the longer one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from schema.standing import WAITS
from schema.vocabulary import ClockKind, ReferralEventKind, ReferralState, Side, Urgency

S, E = ReferralState, ReferralEventKind

_H, _D = timedelta(hours=1), timedelta(days=1)
LENGTHS: Final[Mapping[ClockKind, tuple[timedelta, timedelta, timedelta]]] = {
    ClockKind.ACKNOWLEDGE: (_H / 4, _H, _H),
    ClockKind.FIRST_LOOK: (4 * _H, 24 * _H, 5 * _D),
    ClockKind.DECISION: (24 * _H, 72 * _H, 14 * _D),
    ClockKind.QUESTION: (12 * _H, 48 * _H, 10 * _D),
    ClockKind.CONSENT: (12 * _H, 72 * _H, 14 * _D),
    ClockKind.OFFER: (24 * _H, 72 * _H, 14 * _D),
    ClockKind.START: (24 * _H, 7 * _D, 30 * _D),
    ClockKind.PROGRESS: (3 * _D, 14 * _D, 60 * _D),
    ClockKind.CONFIRM: (3 * _D, 14 * _D, 14 * _D),
}
"""By urgency: emergency, urgent, normal."""

START_DAYS: Final = 30 * _D
CONFIRM_DAYS: Final = 14 * _D
_BY_URGENCY: Final = (Urgency.EMERGENCY, Urgency.URGENT, Urgency.NORMAL)

RUNS_OUT: Final[Mapping[ReferralState, ReferralEventKind]] = {
    S.CONSENT_PENDING: E.CONSENT_TIMEOUT,
    S.SENT: E.ANSWER_TIMEOUT,
    S.DELIVERY_FAILED: E.GIVE_UP_TIMEOUT,
    S.RECEIVED: E.ANSWER_TIMEOUT,
    S.IN_REVIEW: E.ANSWER_TIMEOUT,
    S.INFO_REQUESTED: E.QUESTION_TIMEOUT,
    S.PARTIAL_OFFER: E.OFFER_TIMEOUT,
    S.WAITLISTED: E.REVIEW_TIMEOUT,
    S.ACCEPTED: E.NOT_STARTED_TIMEOUT,
    S.IN_PROGRESS: E.PROGRESS_OVERDUE,
    S.ON_HOLD: E.REVIEW_TIMEOUT,
    S.OUTCOME_REPORTED: E.CONFIRM_TIMEOUT,
}
"""What happens when nobody acts."""


@dataclass(frozen=True, slots=True)
class Clock:
    """What runs out next."""

    kind: ClockKind
    side: Side | None
    due_at: datetime
    remind_at: datetime
    """Half time."""


def length(kind: ClockKind, urgency: Urgency) -> timedelta:
    """Tell how long a clock runs."""
    return LENGTHS[kind][_BY_URGENCY.index(urgency)]


def answer_by(
    state: ReferralState | None,
    to: ReferralState,
    *,
    before: datetime | None,
    since: datetime,
    now: datetime,
    how: Urgency,
) -> datetime | None:
    """Tell when the time for an answer is over, after a step.

    It begins with sending, stands still while a question is open, and begins again when a decision is open again.

    Args:
        state: before the step; None before all.
        to: after it.
        before: as it was.
        since: when the state before began.
        now: the present.
        how: how urgent it is.
    """
    fresh = now + length(ClockKind.DECISION, how)
    if state is S.READY and to is S.SENT:
        return fresh
    if to is not S.IN_REVIEW or state is to:
        return before
    if before is None or state in {S.ACCEPTED, S.WAITLISTED, S.DUPLICATE}:
        return fresh
    return before + (now - since) if state is S.INFO_REQUESTED else before


def clock(
    state: ReferralState, how: Urgency, *, now: datetime, answer: datetime | None, review_on: date | None = None
) -> Clock | None:
    """Start the clock of a state; None where nothing is waited for.

    Args:
        state: just reached.
        how: how urgent it is.
        now: the present.
        answer: when the time for an answer is over.
        review_on: when a waiting list or a pause is looked at again.
    """
    if state not in WAITS:
        return None
    kind, side = WAITS[state]
    if kind is ClockKind.REVIEW:
        if review_on is None:
            return None
        due = datetime.combine(review_on + _D, time(), UTC)
    elif kind is ClockKind.DECISION:
        due = answer or now + length(kind, how)
    else:
        due = now + length(kind, how)
        if kind in {ClockKind.ACKNOWLEDGE, ClockKind.FIRST_LOOK} and answer is not None:
            due = min(due, answer)
    return Clock(kind, side, due, now + max(due - now, timedelta()) / 2)


def end(state: ReferralState, *, due: datetime, since: datetime, answer: datetime | None) -> tuple[ClockKind, datetime]:
    """Tell when the table lets something happen, and under which clock it is waited for until then.

    Args:
        state: where it stands.
        due: when the clock runs out.
        since: when the state began.
        answer: when the time for an answer is over.
    """
    kind, _ = WAITS[state]
    match state:
        case S.SENT | S.RECEIVED:
            return ClockKind.DECISION, answer or due
        case S.ACCEPTED:
            return kind, max(due, since + START_DAYS)
        case S.OUTCOME_REPORTED:
            return kind, max(due, since + CONFIRM_DAYS)
        case _:
            return kind, due
