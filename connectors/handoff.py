"""The handoff, as pure functions: write a message, read one, know it again. Keys, peers and the time are arguments.

make_packet, make_notice, make_answer, make_withdrawal      what a side says
sign_receipt, sign_certificate, sign_status, sign_request   what it answers, and asks
open_letter                                                 out of the envelope: who says it wrote this?
read_message, open_packet, verify_...                       whether they did, to us, now, in the right form
substance, already, in_order                                twice, late and out of order, without harm
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, Generic, TypeVar
from uuid import UUID, uuid4

import msgspec

from connectors.content import bounded
from connectors.errors import Invalid, Refused, Unauthorized
from connectors.messages import (
    INBOX,
    Answer,
    Certificate,
    Envelope,
    Form,
    Message,
    Notice,
    Opening,
    Openings,
    Packet,
    Receipt,
    Request,
    Status,
    Terms,
    Unmapped,
    Withdrawal,
)
from connectors.signing import Letter, Me, Peer, digest, sign, unchecked, unwrap, verified
from connectors.words import Category, DeletionAnswer, StopCause

LEEWAY_SECONDS: Final = 60
"""How far apart two clocks may be."""
_RANDOM: Final = 4
_PLACE: Final = re.compile(r"`(\$[A-Za-z0-9_.\[\]]*)`$")
AHEAD_MAX: Final = 100
"""How far ahead of what was taken in a message may be, and wait."""
_PASSING: Final = ("iat", "exp", "jti", "pad")

M = TypeVar("M", bound=Message)
T = TypeVar("T", str, bytes)
M_co = TypeVar("M_co", bound=Message, covariant=True)

open_letter = unwrap


@dataclass(frozen=True, slots=True)
class Read(Generic[M_co]):
    """A message whose signature holds, with the token as it was signed: the token is the evidence."""

    message: M_co
    jws: str

    @property
    def digest(self) -> str:
        """SHA-256 of the token."""
        return digest(self.jws)


# ---- What a side says -------------------------------------------------------------------------------------------


def make_packet(
    me: Me,
    aud: str,
    *,
    handoff: UUID,
    version: int,
    envelope: Envelope,
    terms: Terms,
    form: Form,
    now: datetime,
    until: datetime,
    reference: str | None = None,
) -> str:
    """Freeze and sign a packet. It is kept as it is; each time it leaves it is sealed anew.

    Args:
        me: the sender.
        aud: issuer of the recipient.
        handoff: id of the referral, random, known to both sides.
        version: 1, 2, 3 ...
        envelope: what routing needs.
        terms: what the person allowed.
        form: the content, cut to consent already.
        now: the present.
        until: when the packet must not be taken in any more; 400 days at most.
        reference: our own file number.
    """
    _within(form)
    return _signed(
        Packet,
        me,
        aud,
        now,
        seconds=int((until - now).total_seconds()),
        handoff=handoff,
        version=version,
        envelope=envelope,
        terms=terms,
        form=form,
        reference=reference,
    )


def make_notice(packet: str, me: Me, *, now: datetime) -> str:
    """Sign the thin notice that a packet, signed by us, waits to be fetched."""
    claims = _own(Packet, packet)
    return _signed(Notice, me, claims.aud, now, handoff=claims.handoff, version=claims.version, digest=digest(packet))


def make_answer(me: Me, aud: str, *, now: datetime, **what: Any) -> str:
    """Sign an answer: `what` are its fields, from `handoff` on.

    Each time it is sent it is signed anew; number and substance stay.
    """
    return _signed(Answer, me, aud, now, **what)


def make_withdrawal(
    me: Me,
    aud: str,
    *,
    handoff: UUID,
    number: int,
    at: datetime,
    cause: StopCause,
    now: datetime,
    keep: tuple[Category, ...] = (),
) -> str:
    """Sign a stop notice: stop using, delete, and certify it.

    Args:
        me: who signs.
        aud: for whom it is, by its issuer.
        handoff: the referral.
        number: of the notice; it stays when it is signed anew.
        at: when it was stopped.
        cause: why.
        now: the present.
        keep: categories that may be kept; all others go.
    """
    stamp = int(at.timestamp())
    return _signed(Withdrawal, me, aud, now, handoff=handoff, number=number, at=stamp, cause=cause, keep=keep)


def sign_receipt(packet: Read[Packet], me: Me, *, now: datetime, reference: str | None = None) -> str:
    """Sign that we hold this very packet. Say so only when it is written down."""
    what = packet.message
    return make_receipt(
        me,
        what.iss,
        handoff=what.handoff,
        version=what.version,
        digest=packet.digest,
        now=now,
        reference=reference,
    )


def make_receipt(
    me: Me, aud: str, *, handoff: UUID, version: int, digest: str, now: datetime, reference: str | None = None
) -> str:
    """Sign that we hold what has this digest."""
    return _signed(Receipt, me, aud, now, handoff=handoff, version=version, digest=digest, reference=reference)


def sign_certificate(
    stop: Read[Withdrawal],
    me: Me,
    *,
    answer: DeletionAnswer,
    at: datetime,
    now: datetime,
    legal_reason: str | None = None,
) -> str:
    """Sign what became of the data after a stop notice. Say `deleted` only when it is done.

    Args:
        stop: the notice.
        me: who signs.
        answer: what became of the data.
        at: when.
        now: the present.
        legal_reason: the law that has it kept.
    """
    what = stop.message
    return _signed(
        Certificate,
        me,
        what.iss,
        now,
        handoff=what.handoff,
        stop=what.number,
        answer=answer,
        at=int(at.timestamp()),
        legal_reason=legal_reason,
    )


def sign_status(me: Me, aud: str, *, now: datetime, **what: Any) -> str:
    """Sign what our books say about a handoff: `what` are the fields of `Status`, from `handoff` on.

    Of one that is unknown or not theirs they say `known=False`, and nothing else.
    """
    return _signed(Status, me, aud, now, **what)


def sign_openings(
    me: Me, aud: str, openings: Iterable[Opening], *, now: datetime, unmapped: Iterable[Unmapped] = ()
) -> str:
    """Sign what we have to give now."""
    return _signed(Openings, me, aud, now, openings=tuple(openings), unmapped=tuple(unmapped))


def sign_request(me: Me, aud: str, *, method: str, url: str, now: datetime) -> str:
    """Sign leave to read one address once."""
    return _signed(Request, me, aud, now, seconds=60, htm=method, htu=url)


# ---- Reading ----------------------------------------------------------------------------------------------------


def read_message(letter: Letter, peer: Peer, me: Me, *, now: datetime) -> Read[Message]:
    """Read what came to an inbox: from this peer, to us, now, in the right form, sealed where it must be.

    Args:
        letter: from `open_letter`; its `iss` told which peer to look up.
        peer: that peer, with the keys it publishes.
        me: who reads.
        now: the present.

    Raises:
        Invalid: its form is wrong.
        Unauthorized: it is not theirs, not for us, not for now.
    """
    if letter.typ not in INBOX:
        raise Invalid("no such message comes to an inbox", typ=letter.typ)
    return _read(letter, INBOX[letter.typ], peer, me, now)


def open_packet(letter: Letter, peer: Peer, me: Me, *, now: datetime, fetched: bool = False) -> Read[Packet]:
    """Read a packet. Only one that we `fetched` ourselves, over TLS, need not be sealed.

    Raises:
        Invalid, Unauthorized: as `read_message`.
    """
    return _read(letter, Packet, peer, me, now, direct=fetched)


def verify_receipt(letter: Letter, peer: Peer, me: Me, *, packet: str, now: datetime) -> Read[Receipt]:
    """Read a receipt, and hold it against the packet it must be for.

    Args:
        letter: from `open_letter`.
        peer: who must have signed it.
        me: for whom it must be.
        packet: as we signed it.
        now: the present.

    Raises:
        Invalid: as `read_message`.
        Unauthorized: as `read_message`, or it is for another packet.
    """
    read = _read(letter, Receipt, peer, me, now)
    sent = _own(Packet, packet)
    got = read.message
    if (got.handoff, got.version, got.digest) != (sent.handoff, sent.version, digest(packet)):
        raise Unauthorized("the receipt is for another packet")
    return read


def verify_certificate(letter: Letter, peer: Peer, me: Me, *, stop: str, now: datetime) -> Read[Certificate]:
    """Read a certificate of deletion, and hold it against the stop notice it must answer.

    Raises:
        Invalid: as `read_message`.
        Unauthorized: as `read_message`, or it is for another stop notice.
    """
    read = _read(letter, Certificate, peer, me, now)
    sent = _own(Withdrawal, stop)
    if (read.message.handoff, read.message.stop) != (sent.handoff, sent.number):
        raise Unauthorized("the certificate is for another stop notice")
    return read


def verify_status(letter: Letter, peer: Peer, me: Me, *, handoff: UUID, now: datetime) -> Read[Status]:
    """Read what the other side's books say about a handoff.

    Raises:
        Invalid: as `read_message`.
        Unauthorized: as `read_message`, or it is of another handoff.
    """
    read = _read(letter, Status, peer, me, now)
    if read.message.handoff != handoff:
        raise Unauthorized("the status is of another handoff")
    return read


def verify_openings(letter: Letter, peer: Peer, me: Me, *, now: datetime) -> Read[Openings]:
    """Read what the other side has to give now."""
    return _read(letter, Openings, peer, me, now)


def verify_request(letter: Letter, peer: Peer, me: Me, *, method: str, url: str, now: datetime) -> Read[Request]:
    """Check leave to read an address. The caller makes sure that its `jti` is used once.

    Args:
        letter: from `open_letter`.
        peer: who asks.
        me: who is asked.
        method: of HTTP, in capitals.
        url: the address as the peer knows it.
        now: the present.

    Raises:
        Invalid: as `read_message`.
        Unauthorized: as `read_message`, or it is for another address.
    """
    read = _read(letter, Request, peer, me, now)
    if (read.message.htm, read.message.htu) != (method, url):
        raise Unauthorized("the request is for another address")
    return read


def held_receipt(status: Status, peer: Peer, me: Me, *, packet: str) -> Read[Receipt] | None:
    """Take the receipt out of a status, checked as evidence: its time may be over, all else must hold."""
    if status.receipt is None:
        return None
    letter = unwrap(status.receipt, me)
    signed_at = datetime.fromtimestamp(_own(Receipt, letter.jws).iat, UTC)
    return verify_receipt(letter, peer, me, packet=packet, now=signed_at)


# ---- Twice, late, out of order ----------------------------------------------------------------------------------


def substance(message: Message) -> str:
    """Digest what a message says, apart from when this copy of it was signed: the same again has the same."""
    said = {name: value for name, value in msgspec.to_builtins(message).items() if name not in _PASSING}
    return _sha(type(message).typ, said)


def already(known: T | None, said: T) -> bool:
    """Tell whether a message came before.

    Args:
        known: substance of what is kept under the same handoff and number or version, or the same `jti`, or a mark of
            it; None when nothing is.
        said: the same of what came now.

    Raises:
        Refused: something else came under the same id.
    """
    if known is None:
        return False
    if known != said:
        raise Refused("the same id came with another body", problem="reused")
    return True


def within_reach(seen: int, message: Answer | Withdrawal) -> None:
    """Refuse a number far ahead: nobody fills our books with what waits. A stop notice waits for nothing.

    Args:
        seen: last number taken in.
        message: what came, as to be kept until the gap is filled.

    Raises:
        Refused: it is too far ahead.
    """
    if isinstance(message, Answer) and message.number > seen + AHEAD_MAX:
        raise Refused("the number is too far ahead", problem="gap")


def in_order(seen: int, waiting: Iterable[Answer | Withdrawal]) -> tuple[Answer | Withdrawal, ...]:
    """Pick what can be taken in now: the numbers that follow without a gap. A stop notice waits for nothing.

    Args:
        seen: last number taken in.
        waiting: what came from one writer about one handoff, in any order, also what was taken in before.
    """
    ready: list[Answer | Withdrawal] = []
    by_number = sorted(waiting, key=lambda message: message.number)
    for message in by_number:
        if message.number == seen + 1:
            ready.append(message)
            seen = message.number
    late = [each for each in by_number if isinstance(each, Withdrawal) and each.number > seen]
    return (*ready, *late)


# ---- Within -----------------------------------------------------------------------------------------------------


def _signed(kind: type[Message], me: Me, aud: str, now: datetime, *, seconds: int | None = None, **what: Any) -> str:
    issued = int(now.timestamp())
    lifetime = min(kind.lifetime_seconds, seconds if seconds is not None else kind.lifetime_seconds)
    if lifetime <= 0:
        raise Invalid("the message would be over before it is sent")
    message = kind(iss=me.issuer, aud=aud, jti=uuid4(), iat=issued, exp=issued + lifetime, **what)
    claims = msgspec.to_builtins(message)
    _converted(claims, kind)
    return sign(kind.typ, claims, me)


def _read(letter: Letter, kind: type[M], peer: Peer, me: Me, now: datetime, *, direct: bool = False) -> Read[M]:
    if letter.typ != kind.typ:
        raise Invalid("it is another message", typ=letter.typ)
    if kind.sealed_only and not letter.sealed and not direct:
        raise Invalid("this message must be sealed", typ=letter.typ)
    message = _converted(verified(letter, peer), kind)
    if message.aud != me.issuer:
        raise Unauthorized("the message is for somebody else")
    if not 0 < message.exp - message.iat <= kind.lifetime_seconds:
        raise Unauthorized("the message may be taken for too long, or never")
    if not message.iat - LEEWAY_SECONDS <= now.timestamp() < message.exp + LEEWAY_SECONDS:
        raise Unauthorized("the message is not for now")
    handoff = getattr(message, "handoff", message.jti)
    if handoff.version != _RANDOM:
        raise Invalid("ids of handoffs are random: UUID version 4")
    if isinstance(message, Packet):
        _within(message.form)
    return Read(message, letter.jws)


def _converted(claims: dict[str, Any], kind: type[M]) -> M:
    try:
        return msgspec.convert(claims, kind)
    except msgspec.ValidationError as error:
        # The text may hold a value, and a value may be about somebody: only the place is kept.
        found = _PLACE.search(str(error))
        raise Invalid("the message breaks its form", where=found[1] if found else "$") from None


def _own(kind: type[M], token: str) -> M:
    """Read a token that was checked, or made here, before."""
    return _converted(unchecked(token), kind)


def _within(form: Form) -> None:
    bounded(form.fields)
    for each in form.unmapped:
        bounded(each.value)


def _sha(typ: str, said: Mapping[str, Any]) -> str:
    written = json.dumps([typ, said], sort_keys=True, separators=(",", ":"), default=str)
    return sha256(written.encode()).hexdigest()
