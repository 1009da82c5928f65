"""Another hub: the same words on both sides."""

from dataclasses import dataclass
from typing import ClassVar

from connectors import signed
from connectors.content import Content
from connectors.forms import OWN, as_own, own
from connectors.messages import Form
from connectors.protocol import Decoded
from connectors.signed import SignedPartner


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(signed.Settings):
    """Where the other hub is."""


class Icorn(SignedPartner[Settings]):
    """Another hub."""

    network: ClassVar[str] = "icorn"
    form: ClassVar[str] = OWN

    def encode(self, content: Content) -> Form:
        """Write content as it is."""
        return as_own(content)

    def decode(self, form: Form) -> Decoded:
        """Read content as it is."""
        return own(form)
