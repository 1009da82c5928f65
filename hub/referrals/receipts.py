"""Receipts: the recipient's system says what it holds, by digest. Evidence, kept as it was signed."""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import Connection, bindparam, exists, insert, select

from connectors import handoff as wire
from connectors.handoff import Read
from connectors.messages import Receipt
from hub.referrals.book import Book, Referral
from hub.referrals.office import Office
from hub.referrals.packets import PACKET, raw
from hub.referrals.states import Actor, Guard
from schema.tables import ReceiptRow
from schema.tables.base import table_of
from schema.tables.referrals import Direction
from schema.vocabulary import ReferralEventKind, ReferralState, Side

RECEIPT: Final = table_of(ReceiptRow)
_KEPT: Final = (
    "id",
    "referral_id",
    "handoff_id",
    "direction",
    "issuer_id",
    "version",
    "digest",
    "verbatim",
    "received_at",
)
_KEEP: Final = insert(RECEIPT).from_select(
    _KEPT,
    select(*(bindparam(f"the_{name}", type_=RECEIPT.c[name].type) for name in _KEPT)).where(
        ~exists().where(
            RECEIPT.c.referral_id == bindparam("the_referral_id"), RECEIPT.c.verbatim == bindparam("the_verbatim")
        )
    ),
)


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
    keep(
        connection,
        referral,
        receipt.jws,
        now,
        direction=Direction.INCOMING,
        issuer_id=referral.recipient_id,
        handoff_id=handoff_id,
        proves=(receipt.message.version, receipt.message.digest),
    )
    if referral.state is not ReferralState.SENT:
        return referral
    return acknowledge(connection, book, referral, now, reference=reference or receipt.message.reference)


def acknowledge(
    connection: Connection, book: Book, referral: Referral, now: datetime, *, reference: str | None = None
) -> Referral:
    """Step to received: the recipient's system holds the packet, signature and agreement were checked."""
    changes: dict[str, object] = {} if reference is None else {"recipient_reference": reference}
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


def keep(
    connection: Connection,
    referral: Referral,
    token: str,
    now: datetime,
    *,
    direction: Direction,
    issuer_id: UUID | None,
    handoff_id: UUID | None = None,
    proves: tuple[int, str] | None = None,
) -> None:
    """Keep a receipt or a certificate word for word, once; of a receipt, of which version and digest it is."""
    values = {
        "id": uuid4(),
        "referral_id": referral.id,
        "handoff_id": handoff_id,
        "direction": direction,
        "issuer_id": issuer_id,
        "version": proves and proves[0],
        "digest": proves and raw(proves[1]),
        "verbatim": token,
        "received_at": now,
    }
    connection.execute(_KEEP, {f"the_{name}": value for name, value in values.items()})


def give(
    connection: Connection, office: Office, referral: Referral, aud: str, *, version: int, digest: str, now: datetime
) -> str:
    """Sign that this hub holds what has the digest, and keep what was signed.

    Args:
        connection: of the caller's transaction.
        office: whose key signs.
        referral: what it is about.
        aud: the issuer of who gets it.
        version: of the packet; 1 of what came by the graph.
        digest: SHA-256, base64url without padding.
        now: the present.

    Returns:
        the receipt, a compact JWS.
    """
    token = wire.make_receipt(office.me(), aud, handoff=referral.id, version=version, digest=digest, now=now)
    proves = (version, digest)
    keep(connection, referral, token, now, direction=Direction.OUTGOING, issuer_id=None, proves=proves)
    return token


def held(connection: Connection, referral: Referral) -> bool:
    """Tell whether a receipt for the newest packet is kept."""
    newest = select(PACKET.c.digest).where(PACKET.c.referral_id == referral.id).order_by(PACKET.c.version.desc())
    kept = select(RECEIPT.c.id).where(
        RECEIPT.c.referral_id == referral.id,
        RECEIPT.c.direction == Direction.INCOMING,
        RECEIPT.c.digest == newest.limit(1).scalar_subquery(),
    )
    return connection.scalar(kept.limit(1)) is not None
