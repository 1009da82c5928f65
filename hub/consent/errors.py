"""Why a business step is not taken. Unknown and forbidden answer alike.

HubError
    NotFound            no such record for who asks
    InvalidInput        a value cannot be used; `path` names it
    StateConflict       it does not stand where this could be done
    ConsentMissing      no consent covers it
    AgreementInvalid    no agreement in force covers it
"""

from enum import StrEnum

from hub.errors import HubError


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
    """The record does not stand where this could be done."""

    code = "state_conflict"
    public = "This is not possible in the present state."

    def __init__(self, *, state: StrEnum | None, event: StrEnum | None = None) -> None:
        super().__init__(state=state, event=event)
        self.state = state
        self.event = event


class ConsentMissing(HubError):
    """The person's consent does not cover this use."""

    code = "consent_missing"
    public = "No consent covers this."


class AgreementInvalid(HubError):
    """No agreement in force covers this."""

    code = "agreement_invalid"
    public = "No agreement in force covers this."
