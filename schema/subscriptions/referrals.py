"""Events of referrals, as they happen."""

import strawberry

from schema.links import ENVELOPE
from schema.live import live
from schema.types.referrals import ReferralEvent


@strawberry.type
class ReferralSubscriptions:
    """Subscriptions of referrals."""

    referral_events: ReferralEvent | None = live(
        ("referral", "One referral; all of yours when not given.", strawberry.ID | None),
        ("after_number", "Replay what came after, for one referral.", int | None),
        see=ENVELOPE,
        says="Events of referrals that you are a side of.",
    )
