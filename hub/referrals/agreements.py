"""What a body agreed with ICORN, asked of the row at the moment."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from hub.consent import AgreementInvalid
from schema.tables import AgreementRow
from schema.tables.base import table_of
from schema.vocabulary import AgreementState, Category, Purpose

AGREEMENT: Final = table_of(AgreementRow)
TERMS: Final = (
    AGREEMENT.c.state,
    AGREEMENT.c.from_on,
    AGREEMENT.c.until_on,
    AGREEMENT.c.purposes,
    AGREEMENT.c.categories,
)
"""What `holds` looks at."""
_OF: Final = select(*TERMS).where(AGREEMENT.c.organisation_id == bindparam("body"))
_HELD: Final = _OF.with_for_update(read=True)


def agreed(
    connection: Connection,
    body: UUID,
    today: date,
    *,
    purpose: Purpose | None = None,
    categories: Iterable[Category] = (),
    held: bool = True,
) -> frozenset[Category]:
    """Look that an agreement with a body runs, and keep it as it is until the transaction ends, unless told otherwise.

    Args:
        connection: of the caller's transaction.
        body: the other side of a referral.
        today: the day.
        purpose: which it must allow.
        categories: all of which it must allow.
        held: False to look at it only, before other locks are taken.

    Returns:
        the categories it allows.

    Raises:
        AgreementInvalid: it does not.
    """
    row = connection.execute(_HELD if held else _OF, {"body": body}).one_or_none()
    if row is None:
        raise AgreementInvalid
    return holds(tuple(row), today, purpose=purpose, categories=categories)


def holds(
    terms: tuple[Any, ...], today: date, *, purpose: Purpose | None = None, categories: Iterable[Category] = ()
) -> frozenset[Category]:
    """Look at the terms of an agreement, in the order of `TERMS`. As `agreed`, for who has read them."""
    state, from_on, until_on, purposes, allowed = terms
    if state is not AgreementState.IN_FORCE or not _runs(from_on, until_on, today):
        raise AgreementInvalid
    if purpose is not None and purpose not in purposes:
        raise AgreementInvalid
    if not frozenset(categories) <= frozenset(allowed):
        raise AgreementInvalid
    return frozenset(allowed)


def _runs(from_on: str | None, until_on: str | None, today: date) -> bool:
    """Compare partial dates by what they tell: 2026-03 begins with the month and ends with it."""
    day = today.isoformat()
    begun = from_on is None or from_on <= day[: len(from_on)]
    over = until_on is not None and until_on < day[: len(until_on)]
    return begun and not over
