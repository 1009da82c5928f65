"""Denials: tokens that are signed and not expired, and yet no good. One row cuts a client or a body off at once.

A denial names a subject: `jti:`, `gid:`, `client:`, `sub:`, `org:` or `kid:` and its id. A token is denied when one of
its subjects has a row whose `before` is not earlier than the token's `iat`, and which has not expired. The statement
that reads data looks itself, so that no answer is given on the strength of an older look.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from sqlalchemy import Connection, bindparam, delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from schema.tables import DenialRow
from schema.tables.base import table_of

Writer: TypeAlias = Session | Connection
_D: Final = table_of(DenialRow)
_DENIED: Final = select(
    exists().where(
        _D.c.subject.in_(bindparam("the_subjects", expanding=True)),
        _D.c.before >= bindparam("issued_at"),
        _D.c.expires_at > bindparam("now"),
    )
)
FOREVER: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""Cut off until restored, tokens to come too."""


def deny(session: Writer, subject: str, *, before: datetime, expires_at: datetime) -> None:
    """Deny tokens of a subject. Of two denials the wider holds.

    Args:
        session: writes.
        subject: kind and id, as in `gid:...`.
        before: tokens issued up to this instant.
        expires_at: when none of them can be alive any more.
    """
    row = insert(_D).values(subject=subject, before=before, expires_at=expires_at)
    wider = {
        "before": func.greatest(_D.c.before, row.excluded.before),
        "expires_at": func.greatest(_D.c.expires_at, row.excluded.expires_at),
    }
    session.execute(row.on_conflict_do_update(index_elements=["subject"], set_=wider))


def cut_off(session: Writer, subject: str) -> None:
    """Deny all tokens of a subject, those to come too, until it is restored."""
    deny(session, subject, before=FOREVER, expires_at=FOREVER)


def restore(session: Writer, subject: str, *, now: datetime, expires_at: datetime) -> None:
    """Let a subject have new tokens again; those of before stay denied.

    Tokens tell whole seconds, so the second at hand is left to the new ones: while cut off there were none.
    """
    session.execute(delete(_D).where(_D.c.subject == subject))
    before = now.replace(microsecond=0) - timedelta(seconds=1)
    deny(session, subject, before=before, expires_at=expires_at)


def denied(session: Writer, subjects: Sequence[str], *, issued_at: datetime, now: datetime) -> bool:
    """Tell whether a token of these subjects is denied."""
    given = {"the_subjects": list(subjects), "issued_at": issued_at, "now": now}
    return bool(session.execute(_DENIED, given).scalar())
