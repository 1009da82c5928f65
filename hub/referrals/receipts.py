"""Receipts: the recipient's system says which packet it holds. Evidence, kept as it was signed."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, select

from connectors.handoff import Read
from connectors.messages import Receipt
from connectors.signing import unchecked
from hub.referrals.book import Book, Referral
from hub.referrals.packets import PACKET, RECEIPT, keep_receipt, raw
from hub.referrals.states import Actor, Guard
from schema.tables.referrals import Direction
from schema.vocabulary import ReferralEventKind, ReferralState, Side

_REFERENCE_CHARS: Final = 64


def matches(connection: Connection, referral: Referral, receipt: Receipt) -> bool:
    """Tell whether a receipt is for a packet of this referral."""
    if receipt.handoff != referral.id:
        return False
    same = (PACKET.c.referral_id == referral.id, PACKET.c.version == receipt.version)
    return connection.scalar(select(PACKET.c.digest).where(*same)) == raw(receipt.digest)


def received(
    connection: Connection,
    book: Book,
    referral: Referral,
    receipt: Read[Receipt],
    now: datetime,
    *,
    reference: str | None = None,
    handoff_id: UUID | None = None,
) -> Referral:
    """Keep a receipt that is for a packet of a locked referral; the first one acknowledges it.

    One that comes after the end, or after we gave up, is kept and steps nothing. The recipient's file number is the
    one in the receipt where none is told beside it.
    """
    keep_receipt(
        connection,
        referral,
        receipt.jws,
        now,
        direction=Direction.INCOMING,
        issuer_id=referral.recipient_id,
        handoff_id=handoff_id,
    )
    if referral.state is not ReferralState.SENT:
        return referral
    return acknowledge(connection, book, referral, now, reference=reference or receipt.message.reference)


def acknowledge(
    connection: Connection, book: Book, referral: Referral, now: datetime, *, reference: str | None = None
) -> Referral:
    """Step to received: the recipient's system holds the packet, signature and agreement were checked."""
    changes: dict[str, object] = {}
    if reference is not None and is_code(reference):
        changes["recipient_reference"] = reference
    elif reference is not None:
        changes |= book.sealed_words(connection, referral, recipient_reference=reference)
    after, _ = book.take(
        connection,
        referral,
        ReferralEventKind.ACKNOWLEDGE,
        Actor.RECIPIENT_SYSTEM,
        now,
        met={Guard.PACKET_CHECKED},
        side=Side.RECIPIENT,
        changes=changes,
    )
    return after


def held(connection: Connection, referral: Referral) -> bool:
    """Tell whether a receipt for the newest packet is kept."""
    row = connection.execute(
        select(PACKET.c.digest).where(PACKET.c.referral_id == referral.id).order_by(PACKET.c.version.desc()).limit(1)
    ).one_or_none()
    kept = select(RECEIPT.c.verbatim).where(
        RECEIPT.c.referral_id == referral.id, RECEIPT.c.direction == Direction.INCOMING
    )
    claims = (unchecked(token) for token in connection.scalars(kept))
    return row is not None and any(raw(str(each["digest"])) == row.digest for each in claims if "digest" in each)


def is_code(reference: str) -> bool:
    """Tell whether a file number looks like one. What might be a name is kept sealed instead."""
    plain = reference.isascii() and all(letter.isalnum() or letter in "-_/.:" for letter in reference)
    return plain and len(reference) <= _REFERENCE_CHARS and any(letter.isdigit() for letter in reference)
