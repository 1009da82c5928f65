"""When a consent or an agreement runs, when a referral is open and for whom it waits, which days a period covers.

Said once, for the planner's statements and for services alike.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, not_, or_

from schema.access import Columns
from schema.vocabulary import AgreementState, ClockKind, ConsentState, ReferralState, Side

RUNNING: Final = (ConsentState.GIVEN, ConsentState.LIMITED)
"""States of a consent that count, while it is not withdrawn and its days run."""

CONTENT: Final = (
    ReferralState.RECEIVED,
    ReferralState.IN_REVIEW,
    ReferralState.INFO_REQUESTED,
    ReferralState.PARTIAL_OFFER,
    ReferralState.WAITLISTED,
    ReferralState.ACCEPTED,
    ReferralState.IN_PROGRESS,
    ReferralState.ON_HOLD,
    ReferralState.OUTCOME_REPORTED,
)
"""States in which a recipient may read content: acknowledged, and not over."""

FINAL: Final = (
    ReferralState.CLOSED,
    ReferralState.DECLINED,
    ReferralState.WITHDRAWN,
    ReferralState.CONSENT_REVOKED,
    ReferralState.EXPIRED,
    ReferralState.DUPLICATE,
    ReferralState.ENTERED_IN_ERROR,
)
"""States after which nothing happens by itself."""

WAITS: Final[Mapping[ReferralState, tuple[ClockKind, Side | None]]] = {
    ReferralState.CONSENT_PENDING: (ClockKind.CONSENT, None),
    ReferralState.SENT: (ClockKind.ACKNOWLEDGE, Side.RECIPIENT),
    ReferralState.DELIVERY_FAILED: (ClockKind.DECISION, Side.SENDER),
    ReferralState.RECEIVED: (ClockKind.FIRST_LOOK, Side.RECIPIENT),
    ReferralState.IN_REVIEW: (ClockKind.DECISION, Side.RECIPIENT),
    ReferralState.INFO_REQUESTED: (ClockKind.QUESTION, Side.SENDER),
    ReferralState.PARTIAL_OFFER: (ClockKind.OFFER, Side.SENDER),
    ReferralState.WAITLISTED: (ClockKind.REVIEW, Side.RECIPIENT),
    ReferralState.ACCEPTED: (ClockKind.START, Side.RECIPIENT),
    ReferralState.IN_PROGRESS: (ClockKind.PROGRESS, Side.RECIPIENT),
    ReferralState.ON_HOLD: (ClockKind.REVIEW, Side.RECIPIENT),
    ReferralState.OUTCOME_REPORTED: (ClockKind.CONFIRM, Side.SENDER),
}
"""What is waited for in a state, and who must act; None for the person."""


def within(day: ColumnElement[Any], from_on: ColumnElement[Any], until_on: ColumnElement[Any]) -> ColumnElement[bool]:
    """Test that a day, written out in full, lies in a span of partial dates; an unknown end does not exclude it."""
    return and_(or_(from_on.is_(None), from_on <= day), or_(until_on.is_(None), _lasts(until_on, day)))


def surely_within(day: ColumnElement[Any], period: Columns) -> ColumnElement[bool]:
    """Test that a day, written out in full, lies in a period that may have ended without a date.

    A period without a known beginning covers no day, nor does one without a known end that is over.
    """
    return and_(
        period.from_on <= day, or_(_lasts(period.until_on, day), and_(period.until_on.is_(None), not_(period.ended)))
    )


def _lasts(until_on: ColumnElement[Any], day: ColumnElement[Any]) -> ColumnElement[bool]:
    # '~' sorts behind '-' and every digit, so that 2012~ lies behind every day of 2012.
    return until_on.op("||")("~") >= day


def in_force(agreement: Columns, day: ColumnElement[Any]) -> ColumnElement[bool]:
    """Test that an agreement runs on a day, written out in full."""
    return and_(agreement.state == AgreementState.IN_FORCE, within(day, agreement.from_on, agreement.until_on))


def carries(
    agreement: Columns, day: ColumnElement[Any], purposes: ColumnElement[Any], categories: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Test that an agreement runs on a day, written out in full, for all of the purposes and categories."""
    allowed = agreement.purposes.contains(purposes), agreement.categories.contains(categories)
    return and_(in_force(agreement, day), *allowed)


def running(consent: Columns) -> ColumnElement[bool]:
    """Test that a consent is given and not withdrawn; its days are for the asker to look at.

    Worded as the partial index on running consents is.
    """
    return and_(consent.state.in_(RUNNING), consent.withdrawn_at.is_(None))


def taken_up(referral: Columns) -> ColumnElement[bool]:
    """Test that the recipient may read content."""
    return and_(referral.sent_at.is_not(None), referral.state.in_(CONTENT))
