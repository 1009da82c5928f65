"""What goes wrong with partners, beside the errors of `connectors`.

HubError
    PartnerRefused      an operator asks for a partner that cannot be
    PartnerUnknown      a body is no partner, is suspended, or is cut off
"""

from hub.errors import HubError


class PartnerRefused(HubError):
    """An operator asks for a partner that cannot be."""

    code = "partner_refused"
    public = "There can be no such partner."

    def __init__(self, reason: str, **facts: object) -> None:
        super().__init__(reason=reason, **facts)
        self.reason = reason


class PartnerUnknown(HubError):
    """A body is no partner, is suspended, or is cut off. Which of them is not told."""

    code = "partner_unknown"
    public = "There is no such partner."
