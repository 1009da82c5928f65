"""What can go wrong with a partner: one shallow tree. Which of them it is decides what the sender does next.

    ConnectorError
        Unavailable     nothing was done; try again
        Throttled       nothing was done; try again after `retry_seconds`
        Unauthorized    who they or we are could not be shown; a person must look
        Refused         understood, and no; do not send it again
        Invalid         could not be read, by them or by us; do not send it again
        Unsupported     the other side cannot do this
        Uncertain       it may have been done: ask `status` before sending again

`code` is the word of the graph's DeliveryOutcome. Facts are for operators, and hold neither bodies nor keys.
"""

from typing import ClassVar, Final


class ConnectorError(Exception):
    """What a connector answers for."""

    code: ClassVar[str] = "connector_error"
    again: ClassVar[bool] = False
    """True when the same may be sent again as it is."""

    def __init__(self, reason: str, **facts: object) -> None:
        super().__init__(reason)
        self.reason: Final = reason
        self.facts: Final = facts

    def __str__(self) -> str:
        """Show code, reason and facts, for operators."""
        facts = ", ".join(f"{name}={value!s}" for name, value in self.facts.items())
        return f"{self.code}: {self.reason}" + (f" ({facts})" if facts else "")


class Unavailable(ConnectorError):
    """Could not be reached, or said it could not do it now. Nothing was done."""

    code = "unavailable"
    again = True


class Throttled(ConnectorError):
    """Asked to come later. Nothing was done."""

    code = "throttled"
    again = True

    def __init__(self, reason: str, *, retry_seconds: float, **facts: object) -> None:
        super().__init__(reason, retry_seconds=retry_seconds, **facts)
        self.retry_seconds: Final = retry_seconds


class Unauthorized(ConnectorError):
    """A credential, a certificate or a signature does not hold: ours there, or theirs here."""

    code = "unauthorized"


class Refused(ConnectorError):
    """Understood, and not taken; or a place the hub does not go to."""

    code = "refused"


class Invalid(ConnectorError):
    """Cannot be read, or breaks the form."""

    code = "invalid"


class Unsupported(ConnectorError):
    """The other side does not do this."""

    code = "unsupported"


class Uncertain(ConnectorError):
    """It was sent, and what came of it is not known."""

    code = "uncertain"
