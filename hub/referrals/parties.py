"""Whose step it is: the side of a referral on which somebody stands, asked of the rows each time."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, select

from hub.consent import Acting, NotFound
from hub.consent.ties import person, works_on
from hub.referrals.book import Referral
from hub.referrals.errors import RuleOfPerson
from hub.referrals.states import Actor
from schema.tables import CaseRow
from schema.tables.base import table_of
from schema.tables.referrals import Direction
from schema.vocabulary import Relation, Side

_CASE: Final = table_of(CaseRow)
_DESK: Final = frozenset({Relation.CASEWORKER, Relation.LEAD})


def need_side(connection: Connection, acting: Acting, referral: Referral, side: Side) -> Actor:
    """Look that somebody stands on a side of a referral, and give the actor of the table.

    The secretariat stands on ICORN's side: its lead always, a caseworker with the case; an incoming one that nobody
    has taken up is open to each of them. A partner's program stands where its body does, and on the recipient's side
    only once it was sent.

    Raises:
        NotFound: it does not.
    """
    actor = Actor.SENDER_CASEWORKER if side is Side.SENDER else Actor.RECIPIENT_CASEWORKER
    if acting.partner_id is not None:
        body = referral.sender_id if side is Side.SENDER else referral.recipient_id
        if body != acting.partner_id or (side is Side.RECIPIENT and referral.sent_at is None):
            raise NotFound
        return actor
    ours = Side.SENDER if referral.direction is Direction.OUTGOING else Side.RECIPIENT
    if side is not ours or acting.profile.relation not in _DESK:
        raise NotFound
    if not works_on(connection, acting, referral.person_id):
        untaken = connection.scalar(select(_CASE.c.owner_id).where(_CASE.c.id == referral.case_id)) is None
        if side is Side.SENDER or not untaken:
            raise NotFound
    return actor


def need_case(connection: Connection, acting: Acting, case_id: UUID) -> Row[Any]:
    """Read a case of somebody's own, to refer from.

    Raises:
        NotFound: it is not theirs, or is not there.
    """
    row = connection.execute(select(_CASE).where(_CASE.c.id == case_id)).one_or_none()
    if row is None:
        raise NotFound
    if row.holder_id != acting.partner_id:
        raise NotFound
    if acting.partner_id is None and not _at_desk(acting, row):
        raise NotFound
    return row


def _at_desk(acting: Acting, case: Row[Any]) -> bool:
    match acting.profile.relation:
        case Relation.LEAD:
            return True
        case Relation.CASEWORKER:
            return acting.account_id is not None and acting.account_id in {case.owner_id, case.cover_id}
        case _:
            return False


def other_body(referral: Referral) -> UUID:
    """Tell the partner of a referral: the side that is not this hub's."""
    body: UUID = referral.recipient_id if referral.direction is Direction.OUTGOING else referral.sender_id
    return body


def need_free(connection: Connection, acting: Acting, person_id: UUID, body: UUID) -> None:
    """Look that the person's own rules let them be handed to a body.

    Raises:
        RuleOfPerson: they do not; told to the secretariat.
        NotFound: the same, told to others.
    """
    if blocked(connection, person_id, body):
        raise RuleOfPerson if acting.partner_id is None else NotFound


def blocked(connection: Connection, person_id: UUID, body: UUID) -> bool:
    """Tell whether the person's own rules shut a body out, or everybody."""
    rules = person(connection, person_id)
    return rules.frozen or body in rules.blocked_organisations
