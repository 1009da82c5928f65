"""What the hub may ask of a sandbox partner, and how it shows that it is the hub."""

import time
from typing import Any
from uuid import UUID

from connectors import handoff as wire
from connectors.errors import Refused, Unauthorized
from tests.sandbox.sandbox_partner import Partner, now


def status(partner: Partner, handoff: UUID, *, forged: bool = False) -> str:
    """Sign what the books say."""
    signer = partner.forger if forged else partner.me
    row = partner.ledger.handoff(handoff)
    said: dict[str, Any] = {"handoff": handoff, "known": row is not None}
    if row is not None:
        said |= {"state": row["state"], "version": row["version"], "digest": row["digest"]}
        said |= {"number": row["number"], "seen": row["seen"]}
        if row["packet"] and not row["mine"]:
            said["receipt"] = partner.receipt(handoff, partner.me)
        if row["certificate"]:
            said["certificate"] = row["certificate"]
    return wire.sign_status(signer, partner.config.hub.issuer, now=now(), **said)


async def packet(partner: Partner, handoff: UUID) -> str:
    """Give a packet of the partner's own, sealed."""
    row = partner.ledger.handoff(handoff)
    if row is None or not row["mine"] or row["packet"] is None:
        raise Refused("there is no such packet", problem="unknown")
    partner.ledger.note("served", handoff, version=row["version"])
    return await partner.hub.sealed(row["packet"])


async def outbox(partner: Partner, after: int) -> tuple[list[str], int]:
    """Give what was told, also what has been brought, signed anew and sealed."""
    rows = partner.ledger.all("select * from message where side = 'ours' and seq > ? order by seq limit 50", after)
    return [await partner.hub.sealed(partner.signed(row)) for row in rows], rows[-1]["seq"] if rows else after


async def permitted(partner: Partner, authorization: str, method: str, url: str) -> None:
    """Check that the hub asks, and that it asks so for the first time."""
    scheme, _, token = authorization.partition(" ")
    if scheme != "Signed":
        raise Unauthorized("the request is not signed")
    letter = wire.open_letter(token, partner.me)
    if letter.iss != partner.config.hub.issuer:
        raise Unauthorized("the request is somebody else's")
    peer = await partner.hub.peer(letter.kid)
    read = wire.verify_request(letter, peer, partner.me, method=method, url=url, now=now())
    row = (str(read.message.jti), "request", time.time())
    if not partner.ledger.run("insert or ignore into once values (?, ?, ?)", *row):
        raise Unauthorized("the request was used before")
