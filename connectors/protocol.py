"""What every partner network answers to, and what every transport carries.

Two axes: a network knows words, a transport knows a wire.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol
from uuid import UUID

from connectors.content import Content
from connectors.handoff import Read
from connectors.messages import (
    Answer,
    Certificate,
    Form,
    Health,
    Message,
    Openings,
    Packet,
    Receipt,
    Status,
    Unmapped,
)


class Capability(StrEnum):
    """What a partner's system can do. What is not declared raises `Unsupported`, and is not tried."""

    NOTICE = "notice"
    """It takes thin notices and fetches packets with a token of its own."""
    SUBMIT = "submit"
    """It takes sealed packets as they are."""
    STATUS = "status"
    """It tells what its books say."""
    WITHDRAW = "withdraw"
    """It takes stop notices, and certifies deletion."""
    ANSWERS = "answers"
    """It takes answers to what it sent."""
    SENDS = "sends"
    """It hands people over to us, and serves its packets."""
    OPENINGS = "openings"
    """It tells what help it has to give."""
    OUTBOX = "outbox"
    """It can be asked for what it has not been able to bring."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A form in the hub's words, with all that has no place among them."""

    content: Content
    unmapped: tuple[Unmapped, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """What waited at a partner. One message that cannot be read does not hide the others."""

    messages: tuple[Read[Message], ...]
    refused: tuple[str, ...]
    """Why others were not taken, by code."""
    cursor: str


class Partner(Protocol):
    """One partner network.

    Whatever goes out may raise each error of `errors.py`: Unsupported without going where the partner cannot do it,
    Unauthorized where what it answers is not its own, or is for something else.
    """

    network: ClassVar[str]
    """Name in the registry."""
    form: ClassVar[str]
    """Name and version of its form."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What its system can do."""
        ...

    @property
    def issuer(self) -> str:
        """Its name in messages."""
        ...

    def encode(self, content: Content) -> Form:
        """Write content in the network's words."""
        ...

    def decode(self, form: Form) -> Decoded:
        """Read a form of the network's, or of the hub's own.

        Raises:
            Invalid: it is another form.
        """
        ...

    def decode_answer(self, answer: Answer) -> Answer:
        """Put the reasons of an answer into the hub's words; what has none is kept in `unmapped`."""
        ...

    async def health(self) -> Health:
        """Ask whether it takes handoffs now."""
        ...

    async def send(self, packet: str) -> Read[Receipt] | None:
        """Bring a packet, as `handoff.make_packet` signed it: by notice where the partner fetches, else sealed.

        The id of the handoff is the idempotency key.

        Returns:
            the receipt, or None: it was taken note of, and the receipt will come to our inbox.
        """
        ...

    async def submit(self, packet: str) -> Read[Receipt] | None:
        """Bring a packet itself, sealed, also where it would fetch."""
        ...

    async def status(self, handoff: UUID) -> Read[Status]:
        """Ask what its books say."""
        ...

    async def held(self, status: Read[Status], packet: str) -> Read[Receipt] | None:
        """Take the receipt for a packet out of a status; None when it holds none for this one: it may be sent again.

        Raises:
            Unauthorized: the receipt does not hold.
        """
        ...

    async def withdraw(self, stop: str) -> Read[Certificate] | None:
        """Bring a stop notice, as `handoff.make_withdrawal` signed it for this attempt.

        Returns:
            the certificate of deletion, or None: it was taken, and the certificate will come to our inbox.
        """
        ...

    async def tell(self, answer: str) -> None:
        """Bring an answer, as `handoff.make_answer` signed it for this attempt."""
        ...

    async def bring(self, message: str) -> None:
        """Bring a receipt or certificate of ours that could not be given at once."""
        ...

    async def fetch(self, handoff: UUID) -> Read[Packet]:
        """Fetch the packet a notice of theirs told of.

        Raises:
            Refused: it is there no longer.
        """
        ...

    async def sealed(self, message: str) -> str:
        """Seal a message of ours to it, to be fetched or answered with."""
        ...

    async def openings(self) -> Read[Openings]:
        """Ask what help it has to give."""
        ...

    async def inbox(self, after: str | None = None) -> Page:
        """Ask for what it could not bring, after a cursor of its own. What cannot be read is told by its code.

        Raises:
            Invalid: it is no cursor.
        """
        ...

    async def verify_push(self, body: str) -> Read[Message]:
        """Read what came to our inbox under its name.

        Raises:
            Invalid: its form is wrong.
            Unauthorized: it is not theirs, not for us, not for now.
            Unavailable: their keys cannot be had.
        """
        ...

    async def aclose(self) -> None:
        """Let go of what is held."""
        ...


class Transport(Protocol):
    """One wire. It maps whatever happens there to the errors of `errors.py`, and knows no messages."""

    async def deliver(self, body: str, *, key: str) -> str | None:
        """Bring a token to the other side's inbox; `key` is sent as Idempotency-Key.

        Returns:
            the token that was answered, or None.

        Raises:
            ConnectorError: Uncertain where it may have arrived.
        """
        ...

    async def read(self, path: str) -> bytes:
        """Read from the other side.

        Args:
            path: below its base address, as `/referrals/.../status`.

        Raises:
            ConnectorError: never Uncertain.
        """
        ...

    async def aclose(self) -> None:
        """Let go of what is held."""
        ...


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Tell the present instant, aware."""
        ...
