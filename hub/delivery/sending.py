"""Sending a packet when an earlier attempt is in doubt: ask first, and send only what is not there yet."""

from uuid import UUID

from connectors.errors import ConnectorError, Uncertain, Unsupported
from connectors.handoff import Read
from connectors.messages import Receipt
from connectors.protocol import Capability, Partner


async def send_packet(partner: Partner, packet: str, *, handoff: UUID, doubtful: bool) -> Read[Receipt] | None:
    """Bring a packet.

    Args:
        partner: the recipient.
        packet: as it was signed.
        handoff: id of the referral, which the packet names.
        doubtful: what became of an earlier attempt is not known.

    Returns:
        the receipt, or None: it was taken note of, and the receipt will come to the inbox.

    Raises:
        ConnectorError: see `connectors.errors`. An answer about the doubt that is not to be believed, or does not come,
            leaves it a doubt.
    """
    if doubtful and Capability.STATUS in partner.capabilities:
        try:
            held = await partner.held(await partner.status(handoff), packet)
        except Unsupported:
            held = None
        except ConnectorError as error:
            raise Uncertain("it is not known, and cannot be asked", kind=error.code) from error
        if held is not None:
            return held
    return await partner.send(packet)
