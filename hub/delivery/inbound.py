"""What comes from partners, and what they fetch: calls that others answer. `app.py` puts them together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Connection

from connectors.handoff import Read
from connectors.messages import Message
from connectors.signed import Settings, SignedPartner
from connectors.signing import Me
from hub.delivery.ports import Handler, Topic


class Inbound(Protocol):
    """Takes messages in."""

    def receive(self, connection: Connection, organisation_id: UUID, read: Read[Message]) -> str | None:
        """Take in a message whose signature holds, once however often it comes, in the transaction that writes it down.

        A notice never comes here: the packet it told of does.

        Args:
            connection: its transaction is committed before anything is answered.
            organisation_id: the body that signed it.
            read: the message, and the token as it was signed.

        Returns:
            the token to answer with, signed and not sealed: a receipt for a packet, a certificate for a stop notice.
            The same again has the same answer.

        Raises:
            connectors.errors.ConnectorError: why it is not taken; the sender is told its code, or the fact `problem`.
        """
        ...


class Packets(Protocol):
    """Serves what partners read."""

    def packet(self, connection: Connection, organisation_id: UUID, referral_id: UUID, now: datetime) -> str | None:
        """Give the newest packet of a referral, word for word, if it is this body's and may be fetched; else None.

        Whatever says who may, consent too, is read in this transaction, which also writes that it was fetched.
        """
        ...

    def status(
        self, connection: Connection, organisation_id: UUID, referral_id: UUID, now: datetime
    ) -> Mapping[str, Any] | None:  # Any: the fields of `connectors.messages.Status`
        """Tell what our books say of a handoff with this body: fields of `Status` from `state` on; None of others."""
        ...


class Partners(Protocol):
    """Knows the registered partners."""

    def me(self) -> Me:
        """Give our side of the wire."""
        ...

    def partner_of(self, organisation_id: UUID, connection: Connection | None = None) -> SignedPartner[Settings]:
        """Give the partner that a body is. It is kept and closed by who knows it.

        Args:
            organisation_id: the body.
            connection: of the transaction at hand; one of its own when absent.

        Raises:
            hub.partners.PartnerUnknown: the body is none, is suspended, or is cut off.
        """
        ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """Who knows what is brought, and what comes. Without them nothing is taken in, so that nothing is lost."""

    handlers: Mapping[Topic, Handler] = field(default_factory=dict)
    inbound: Inbound | None = None
    packets: Packets | None = None
