"""What is good for one use only: each is used up by one statement, so that of two at the same instant one wins."""

from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, SQLModel, col

from hub.auth.denials import Writer
from schema.tables import (
    DenialRow,
    PushedRequestRow,
    TokenGrantRow,
    UsedAssertionRow,
    UsedProofRow,
)
from schema.tables.base import table_of

USE_PROOF: Final = (
    "insert into used_proof (hash, expires_at) values ($1, $2) on conflict do nothing returning 'fresh'::text"
)
"""For who writes without SQLAlchemy: the proof is fresh when there is an answer."""


def hashed(*parts: str) -> bytes:
    """Hash what is kept as a hash only. Parts cannot run into each other: none holds a line break."""
    return sha256("\n".join(parts).encode()).digest()


def use_assertion(session: Session, client_id: str, jti: str, *, expires_at: datetime) -> bool:
    """Use up the jti of a client assertion: RFC 7523, section 3, item 7. False when it was used before."""
    return _use(session, UsedAssertionRow, hashed(client_id, jti), expires_at)


def use_proof(session: Writer, proof_hash: bytes, *, expires_at: datetime) -> bool:
    """Use up a DPoP proof: RFC 9449, section 11.1. False when it was used before."""
    return _use(session, UsedProofRow, proof_hash, expires_at)


def _use(session: Writer, row: type[SQLModel], digest: bytes, expires_at: datetime) -> bool:
    table = table_of(row)
    statement = insert(table).values(hash=digest, expires_at=expires_at).on_conflict_do_nothing()
    return session.execute(statement.returning(table.c.hash)).first() is not None


def sweep(session: Session, now: datetime) -> None:
    """Delete what has expired; codes and refresh tokens go with their grant."""
    for row in (UsedProofRow, UsedAssertionRow, PushedRequestRow, TokenGrantRow, DenialRow):
        session.execute(delete(row).where(col(row.expires_at) < now))
