"""Why a business step is not taken. Unknown and forbidden answer alike.

HubError
    NotFound            no such record for who asks
    InvalidInput        a value cannot be used; `path` names it
    StateConflict       it does not stand where this could be done
    ConsentMissing      no consent covers it
    AgreementInvalid    no agreement in force covers it
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from hub.errors import HubError
from schema.vocabulary import Category, ReferralEventKind


class NotFound(HubError):
    """There is no such record for who asks: unknown and forbidden alike."""

    code = "not_found"
    public = "There is no such record for you."


class InvalidInput(HubError):
    """A value of the input cannot be used."""

    code = "invalid_input"
    public = "A value of the input cannot be used."

    def __init__(self, *path: str, reason: str = "") -> None:
        super().__init__(path=".".join(path), reason=reason)
        self.path = path
        self.reason = reason


class StateConflict(HubError):
    """The record does not stand where this could be done.

    `possible` is what could be done with a referral now, for who may read its state; None for who may not.
    """

    code = "state_conflict"
    public = "This is not possible in the present state."

    def __init__(
        self,
        *,
        state: StrEnum | None,
        event: StrEnum | None = None,
        possible: Sequence[ReferralEventKind] | None = None,
    ) -> None:
        super().__init__(state=state, event=event)
        self.state = state
        self.event = event
        self.possible = None if possible is None else tuple(possible)


class ConsentMissing(HubError):
    """The person's consent does not cover this use. Of which categories is for the side that holds it: `missing`."""

    code = "consent_missing"
    public = "No consent covers this."

    def __init__(self, missing: Iterable[Category] = ()) -> None:
        named = frozenset(missing)
        self.missing = tuple(category for category in Category if category in named)
        super().__init__(missing=self.missing)


class AgreementInvalid(HubError):
    """No agreement in force covers this."""

    code = "agreement_invalid"
    public = "No agreement in force covers this."
