"""Whose step it is: the side of a referral on which somebody stands, asked of the rows each time."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, select

from hub.consent import Acting, AgreementInvalid, NotFound, StateConflict
from hub.consent.ties import person, works_on
from hub.referrals.agreements import agreed
from hub.referrals.book import Book, Referral
from hub.referrals.errors import RuleOfPerson
from hub.referrals.states import Actor, possible
from schema.tables import CaseRow
from schema.tables.base import table_of
from schema.tables.referrals import Direction
from schema.vocabulary import ReferralEventKind, Relation, Side

_CASE: Final = table_of(CaseRow)
_DESK: Final = frozenset({Relation.CASEWORKER, Relation.LEAD})
_STEPS_OF: Final = {
    Side.SENDER: (Actor.SENDER_CASEWORKER, Actor.SENDER_LEAD),
    Side.RECIPIENT: (Actor.RECIPIENT_CASEWORKER, Actor.RECIPIENT_LEAD),
}


def need_side(connection: Connection, acting: Acting, referral: Referral, side: Side) -> Actor:
    """Look that somebody stands on a side of a referral, and give the actor of the table.

    Before it is sent there is none for its recipient, whoever that is. The secretariat stands on ICORN's side: its lead
    always, a caseworker with the case; an incoming one that nobody has taken up is open to each of them. A partner's
    program stands where its body does.

    Raises:
        NotFound: it does not.
    """
    actor = Actor.SENDER_CASEWORKER if side is Side.SENDER else Actor.RECIPIENT_CASEWORKER
    if side is Side.RECIPIENT and referral.sent_at is None:
        raise NotFound
    if acting.partner_id is not None:
        body = referral.sender_id if side is Side.SENDER else referral.recipient_id
        if body != acting.partner_id:
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


def conflict(
    connection: Connection, acting: Acting, referral: Referral, side: Side, event: ReferralEventKind
) -> StateConflict:
    """Tell who stands on a side of a locked referral that an event cannot be now, and what can.

    Raises:
        NotFound: a partner whose agreement does not run reads no referrals, and is not told by another way of one.
    """
    if acting.partner_id is not None:
        try:
            agreed(connection, other_body(referral), acting.today)
        except AgreementInvalid:
            raise NotFound from None
    caseworker, lead = _STEPS_OF[side]
    actors = {caseworker}
    if acting.profile.relation is Relation.LEAD:
        actors.add(lead)
    elif acting.partner_id is not None and side is Side.RECIPIENT:
        actors.add(Actor.RECIPIENT_SYSTEM)
    state = Book.stands(connection, referral, caseworker)
    told = [each for each in ReferralEventKind if each is not event and any(each in possible(state, a) for a in actors)]
    return StateConflict(state=referral.state, event=event, possible=told)


def need_agreement(connection: Connection, acting: Acting) -> None:
    """Look that the agreement of a partner runs, before anything is looked for: what it names makes no difference.

    Locks are taken later, in their order, and the agreement is read again then.

    Raises:
        AgreementInvalid: it does not.
    """
    if acting.partner_id is not None:
        agreed(connection, acting.partner_id, acting.today, held=False)


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
