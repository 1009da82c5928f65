"""What a body agreed with ICORN, asked of the row at the moment."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Text, bindparam, select

from hub.consent import AgreementInvalid
from schema.standing import carries
from schema.tables import AgreementRow
from schema.tables.base import table_of
from schema.vocabulary import Category, Purpose

AGREEMENT: Final = table_of(AgreementRow)
CARRIES: Final[ColumnElement[bool]] = carries(
    AGREEMENT.c,
    bindparam("day", type_=Text()),
    bindparam("purposes", type_=AGREEMENT.c.purposes.type),
    bindparam("categories", type_=AGREEMENT.c.categories.type),
)
"""Whether an agreement carries what `asked` says."""
_OF: Final = select(CARRIES).where(AGREEMENT.c.organisation_id == bindparam("body"))
_HELD: Final = _OF.with_for_update(read=True)


def asked(day: date, *, purpose: Purpose | None, categories: Iterable[Category]) -> dict[str, Any]:
    """Give the parameters of `CARRIES`."""
    purposes = [] if purpose is None else [purpose]
    return {"day": day.isoformat(), "purposes": purposes, "categories": list(categories)}


def agreed(
    connection: Connection,
    body: UUID,
    today: date,
    *,
    purpose: Purpose | None = None,
    categories: Iterable[Category] = (),
    held: bool = True,
) -> None:
    """Look that an agreement with a body runs, and keep it as it is until the transaction ends, unless told otherwise.

    Args:
        connection: of the caller's transaction.
        body: the other side of a referral.
        today: the day.
        purpose: which it must allow.
        categories: all of which it must allow.
        held: False to look at it only, before other locks are taken.

    Raises:
        AgreementInvalid: it does not run, does not allow them, or is not there.
    """
    what = {"body": body, **asked(today, purpose=purpose, categories=categories)}
    if not connection.scalar(_HELD if held else _OF, what):
        raise AgreementInvalid
