"""When a consent runs, when a referral is open: said once, for the planner's statements and for services alike."""

from typing import Final

from sqlalchemy import ColumnElement, and_

from schema.access import Columns
from schema.vocabulary import ConsentState, ReferralState

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


def running(consent: Columns) -> ColumnElement[bool]:
    """Test that a consent is given and not withdrawn; its days are for the asker to look at.

    Worded as the partial index on running consents is.
    """
    return and_(consent.state.in_(RUNNING), consent.withdrawn_at.is_(None))


def taken_up(referral: Columns) -> ColumnElement[bool]:
    """Test that the recipient may read content."""
    return and_(referral.sent_at.is_not(None), referral.state.in_(CONTENT))
