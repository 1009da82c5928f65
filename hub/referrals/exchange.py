"""What partners' systems bring and read, as the door of `delivery` calls it: the clock and our books behind it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, select

from connectors.handoff import Read
from connectors.messages import Message
from connectors.signing import digest
from hub.clock import Clock
from hub.consent import NotFound
from hub.errors import HubError
from hub.referrals import packets
from hub.referrals.book import REFERRAL, Book, Referral
from hub.referrals.inbound import Inbound
from hub.referrals.office import Office
from hub.referrals.parties import other_body
from hub.referrals.receipts import RECEIPT
from hub.referrals.states import Actor
from schema.tables.referrals import Direction


class Arriving:
    """Takes messages in. A notice never comes here: the packet it told of does."""

    def __init__(self, office: Office, clock: Clock) -> None:
        self._inbound: Final = Inbound(office)
        self._clock: Final = clock

    def receive(self, connection: Connection, organisation_id: UUID, read: Read[Message]) -> str | None:
        """Take in a message whose signature holds; give the token to answer with. See `Inbound.take_in`."""
        return self._inbound.take_in(connection, read, organisation_id, self._clock.now()).reply


class Serving:
    """Serves what partners read: packets, and what our books say."""

    def __init__(self, office: Office) -> None:
        self._office: Final = office
        self._inbound: Final = Inbound(office)

    def packet(self, connection: Connection, organisation_id: UUID, referral_id: UUID, now: datetime) -> str | None:
        """Give a packet to its recipient, while consent holds; None to everybody else. See `packets.for_fetching`."""
        try:
            return packets.for_fetching(connection, self._office, referral_id, organisation_id, now)
        except NotFound:
            return None

    def status(
        self,
        connection: Connection,
        organisation_id: UUID,
        referral_id: UUID,
        now: datetime,  # noqa: ARG002  # as the port says
    ) -> Mapping[str, Any] | None:
        """Tell what our books say of a handoff with a body; None of those of others, and of what never left."""
        row = connection.execute(select(REFERRAL).where(REFERRAL.c.id == referral_id)).one_or_none()
        if row is None or row.left_at is None or other_body(row) != organisation_id:
            return None
        version, held = self._held(connection, row)
        said: dict[str, Any] = {
            # That somebody is known here is not told to who sent them.
            "state": Book.stands(connection, row, Actor.SENDER_CASEWORKER).value,
            "version": version,
            "digest": held,
            "number": row.wire_number,
            "seen": row.wire_seen,
            "receipt": self._evidence(connection, row, RECEIPT.c.digest.is_not(None)),
            "certificate": self._evidence(connection, row, RECEIPT.c.digest.is_(None)),
        }
        return {name: value for name, value in said.items() if value is not None}

    def _held(self, connection: Connection, referral: Referral) -> tuple[int, str | None]:
        try:
            if referral.direction is Direction.INCOMING:
                held = self._inbound.held(connection, referral)
                return (held.message.version, held.digest) if held is not None else (0, None)
            row = packets.newest(connection, referral)
            token = None if row is None else packets.verbatim(connection, self._office, row)
        except HubError:  # the person was erased
            return 0, None
        return (0, None) if row is None or token is None else (row.version, digest(token))

    @staticmethod
    def _evidence(connection: Connection, referral: Referral, kind: ColumnElement[bool]) -> str | None:
        """Find the newest receipt or certificate that we gave."""
        given = (RECEIPT.c.referral_id == referral.id, RECEIPT.c.direction == Direction.OUTGOING, kind)
        newest = select(RECEIPT.c.verbatim).where(*given).order_by(RECEIPT.c.received_at.desc()).limit(1)
        found: str | None = connection.scalar(newest)
        return found
