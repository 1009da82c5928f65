"""What the services of referrals stand on: the vault, our side of the wire, the outbox, the partners."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy import Connection, select

from connectors.protocol import Partner
from connectors.signing import Me
from hub.consent import NotFound
from hub.delivery.ports import Outbox
from hub.errors import HubError
from hub.store.sealed import Place
from hub.store.vault import Vault
from schema.tables import OrganisationRow
from schema.tables.base import table_of

_BODY: Final = table_of(OrganisationRow)
_VERSION: Final = 1


class PartnerOf(Protocol):
    """Finds the partner of a body, within the transaction at hand.

    It raises a subclass of `HubError` where there is none, or none any more.
    """

    def __call__(self, organisation_id: UUID, connection: Connection | None = None) -> Partner:
        """Give the partner that a body is."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """One for each process."""

    vault: Vault
    me: Callable[[], Me]
    """Gives our side of the wire, as it is now."""
    outbox: Outbox
    partner_of: PartnerOf
    home_slug: str = "icorn"
    """The body this hub is run by; all referrals come from it or go to it."""

    def home(self, connection: Connection) -> UUID:
        """Tell the id of this hub's own body.

        Raises:
            NotFound: its row was never loaded.
        """
        found: UUID | None = connection.scalar(select(_BODY.c.id).where(_BODY.c.slug == self.home_slug))
        if found is None:
            raise NotFound
        return found

    def issuer_of(self, organisation_id: UUID, connection: Connection) -> str:
        """Tell whom something signed is for: the issuer of a registered partner, else the body's address here."""
        try:
            return self.partner_of(organisation_id, connection).issuer
        except HubError:
            slug = connection.scalar(select(_BODY.c.slug).where(_BODY.c.id == organisation_id))
            return f"{self.me().issuer}/organisations/{slug}"

    # ---- Words under the person's key --------------------------------------------------------------------------------

    def seal(self, connection: Connection, place: Place, content: dict[str, Any]) -> bytes:
        """Seal a value that is no category of a case, under the key of its person."""
        return self.vault.sealing.seal_content(content, self.vault.key(connection, place.subject), place)

    def open(self, connection: Connection, place: Place, sealed: bytes) -> dict[str, Any]:
        """Open such a value."""
        return self.vault.sealing.open_content(sealed, self.vault.key(connection, place.subject), place)


def words_of(referral_id: UUID, person_id: UUID) -> Place:
    """Say where the words on a referral lie."""
    return Place("referral", "words", referral_id, _VERSION, person_id)


def told_of(event_id: UUID, person_id: UUID) -> Place:
    """Say where lies what the other side was told of an event."""
    return Place("referral_event", "told", event_id, _VERSION, person_id)


def packet_of(packet_id: UUID, person_id: UUID) -> Place:
    """Say where a packet lies."""
    return Place("packet", "sealed", packet_id, _VERSION, person_id)


def message_of(message_id: UUID, person_id: UUID) -> Place:
    """Say where a message lies that came in."""
    return Place("inbox_message", "sealed", message_id, _VERSION, person_id)
