"""What deliveries of referrals are about: a packet, an answer, a stop notice. Delivery decides when; here, whether.

`claim` locks the referral before it reads anything, as a withdrawal does: one of the two is first, and after a
withdrawal was committed no attempt begins. `delivered` and `failed` lock it as well. The worker holds its delivery's
row when it calls; so nobody who holds a referral ever waits for a delivery.

Where there is no partner for an answer or a stop notice, it is tried again: what it says stays true.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
import structlog
from sqlalchemy import Connection, Row, select

from connectors import handoff as wire
from connectors.errors import Unsupported
from connectors.handoff import Read
from connectors.messages import Answer, Certificate, Receipt
from connectors.protocol import Capability, Partner
from connectors.words import Category, StopCause
from hub.consent import AgreementInvalid, ConsentMissing, NotFound
from hub.delivery.ports import Attempt, Claimed, Handler, Stopped, Topic
from hub.delivery.sending import send_packet
from hub.errors import HubError
from hub.referrals import packets
from hub.referrals.book import EVENT, STOP_CAUSE, Book, Referral
from hub.referrals.inbound import Inbound
from hub.referrals.leaves import had
from hub.referrals.office import Office, told_of
from hub.referrals.parties import other_body
from hub.referrals.states import Actor, Guard
from hub.referrals.told import Told
from hub.store.vault import KeyDestroyed
from schema.tables.referrals import Direction
from schema.vocabulary import ReferralEventKind, ReferralState

S, E = ReferralState, ReferralEventKind
log = structlog.get_logger()


def handlers(office: Office) -> dict[Topic, Handler]:
    """Give the handler of each topic."""
    return {
        Topic.PACKET: PacketHandler(office),
        Topic.ANSWER: AnswerHandler(office),
        Topic.STOP: StopHandler(office),
    }


class _Handling:
    def __init__(self, office: Office) -> None:
        self._office: Final = office
        self._book: Final = Book(office)

    def _event(self, connection: Connection, claimed: Claimed) -> Row[Any] | None:
        return connection.execute(select(EVENT).where(EVENT.c.id == claimed.event_id)).one_or_none()


# ---- A person handed over --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Bring:
    """Bring a packet. Where it may be there already, the other side is asked what it holds before it is sent again."""

    partner: Partner
    packet: str
    handoff: UUID
    doubtful: bool

    async def __call__(self) -> Read[Receipt] | None:
        """Bring it."""
        return await send_packet(self.partner, self.packet, handoff=self.handoff, doubtful=self.doubtful)


class PacketHandler(_Handling):
    """Brings packets, as far as consent and agreement go at that instant."""

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self._told: Final = Told(office, self._book)

    def claim(self, connection: Connection, claimed: Claimed, now: datetime) -> Attempt | Stopped:
        """Read consent and agreement again under the referral's lock; write down that it leaves.

        Where it may not leave any more, the referral steps to what its sender must see.
        """
        try:
            referral = self._book.locked(connection, claimed.referral_id)
        except NotFound:
            return Stopped("unknown")
        if referral.state is not S.SENT:
            return Stopped(referral.state.value)
        try:
            if claimed.packet_id is None:
                return self._failed(connection, referral, ConsentMissing.code, now)
            token = packets.leaving(connection, self._office, referral, now.date(), packet_id=claimed.packet_id)
            partner = self._office.partner_of(referral.recipient_id, connection)
        except AgreementInvalid as error:
            after, event = self._book.take(
                connection, referral, E.AGREEMENT_ENDED, Actor.WORKER, now, met={Guard.AGREEMENT_ENDED}
            )
            self._book.stop(connection, after, event, now)
            return Stopped(error.code)
        except HubError as error:
            return self._failed(connection, referral, error.code, now)
        self._book.left(connection, referral, now)
        if Capability.NOTICE not in partner.capabilities:
            had(connection, referral, now)
        return _Bring(partner, token, referral.id, claimed.doubtful)

    def delivered(self, connection: Connection, claimed: Claimed, result: object, now: datetime) -> None:
        """Keep a receipt that came back; without one it comes to the inbox. Both step alike, and only once."""
        referral = self._book.locked(connection, claimed.referral_id)
        if not isinstance(result, Read):
            return
        self._told.received(connection, referral, result, now, handoff_id=claimed.id)

    def failed(self, connection: Connection, claimed: Claimed, code: str, now: datetime) -> None:
        """Tell the sender that it was not delivered; after a withdrawal that means nothing any more."""
        referral = self._book.locked(connection, claimed.referral_id)
        if referral.state is S.SENT:
            self._failed(connection, referral, code, now)

    def _failed(self, connection: Connection, referral: Referral, code: str, now: datetime) -> Stopped:
        self._book.take(
            connection, referral, E.DELIVERY_ERROR, Actor.WORKER, now, met={Guard.RETRIES_USED_UP}, note=code
        )
        return Stopped(code)


# ---- What happened on our side ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Tell:
    """Bring an answer."""

    partner: Partner
    answer: str

    async def __call__(self) -> None:
        """Bring it."""
        await self.partner.tell(self.answer)


class AnswerHandler(_Handling):
    """Tells the other side of our steps: the same words under the same number, signed anew each time."""

    def claim(self, connection: Connection, claimed: Claimed, now: datetime) -> Attempt | Stopped:
        """Look that it still matters, and sign it."""
        try:
            referral = self._book.locked(connection, claimed.referral_id)
            event = self._event(connection, claimed)
            if event is None or event.told is None:
                return Stopped("unknown")
            if referral.stopped_at is not None:
                return Stopped("stopped")
            said = self._office.open(connection, told_of(event.id, referral.person_id), event.told)
        except (NotFound, KeyDestroyed) as error:
            return Stopped(error.code)
        partner = self._office.partner_of(other_body(referral), connection)
        return _Tell(partner, self._signed(said, partner, now))

    def delivered(self, connection: Connection, claimed: Claimed, result: object, now: datetime) -> None:
        """Nothing follows: an answer is answered by what the other side does."""

    def failed(self, connection: Connection, claimed: Claimed, code: str, now: datetime) -> None:  # noqa: ARG002
        """Leave a trace for operators; the other side's books stay behind until it asks."""
        log.warning("referral.answer_undelivered", code=code)

    def _signed(self, said: Mapping[str, Any], partner: Partner, now: datetime) -> str:
        base = {"iss": self._office.me().issuer, "aud": partner.issuer, "jti": str(uuid4()), "iat": 0, "exp": 1}
        message = msgspec.convert(base | dict(said), Answer)
        what = {name: getattr(message, name) for name in said}
        return wire.make_answer(self._office.me(), partner.issuer, now=now, **what)


# ---- Stop, and delete ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Stop:
    """Bring a stop notice."""

    partner: Partner
    stop: str

    async def __call__(self) -> Read[Certificate] | None:
        """Bring it."""
        if Capability.WITHDRAW not in self.partner.capabilities:
            raise Unsupported("its system takes no stop notices; somebody must write to it")
        return await self.partner.withdraw(self.stop)


class StopHandler(_Handling):
    """Tells recipients to stop and delete. It needs no consent, no agreement and no key of the person."""

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self._inbound: Final = Inbound(office)

    def claim(self, connection: Connection, claimed: Claimed, now: datetime) -> Attempt | Stopped:
        """Sign it."""
        try:
            referral = self._book.locked(connection, claimed.referral_id)
            event = self._event(connection, claimed)
            if event is None or event.wire_number is None or referral.direction is not Direction.OUTGOING:
                return Stopped("unknown")
        except NotFound as error:
            return Stopped(error.code)
        partner = self._office.partner_of(referral.recipient_id, connection)
        keep = tuple(each.value for each in referral.categories) if event.kind is E.NARROW_CONSENT else ()
        stop = wire.make_withdrawal(
            self._office.me(),
            partner.issuer,
            handoff=referral.id,
            number=event.wire_number,
            at=event.at,
            cause=msgspec.convert(STOP_CAUSE[event.kind], StopCause),
            now=now,
            keep=msgspec.convert(keep, tuple[Category, ...]),
        )
        return _Stop(partner, stop)

    def delivered(self, connection: Connection, claimed: Claimed, result: object, now: datetime) -> None:
        """Keep a certificate that came back; without one it comes to the inbox."""
        referral = self._book.locked(connection, claimed.referral_id)
        if isinstance(result, Read):
            self._inbound.certified(connection, result, referral.recipient_id, now, handoff_id=claimed.id)

    def failed(self, connection: Connection, claimed: Claimed, code: str, now: datetime) -> None:  # noqa: ARG002
        """Leave a trace for operators: somebody must see to it by other ways that it is deleted."""
        log.error("referral.stop_undelivered", code=code)
