"""What persons allowed: whether a consent covers a use (pure), and the ledger that asks, records and ends them.

It knows no referrals: what follows from an answer is for who stands above, given as `Followers`.
"""

from hub.consent.acting import Acting, Changed
from hub.consent.decide import Given, Use, covered, covers, narrowed
from hub.consent.errors import AgreementInvalid, ConsentMissing, InvalidInput, NotFound, StateConflict
from hub.consent.ledger import Answered, Asked, Followers, Ledger

__all__ = [
    "Acting",
    "AgreementInvalid",
    "Answered",
    "Asked",
    "Changed",
    "ConsentMissing",
    "Followers",
    "Given",
    "InvalidInput",
    "Ledger",
    "NotFound",
    "StateConflict",
    "Use",
    "covered",
    "covers",
    "narrowed",
]
