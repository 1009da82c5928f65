"""What ties who acts to a person: asked of the rows, at the moment, in the caller's transaction."""

from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, or_, select

from hub.consent.acting import Acting
from hub.consent.errors import NotFound
from schema.tables import CaseRow, PersonRow
from schema.tables.base import table_of
from schema.vocabulary import Relation

_CASE: Final = table_of(CaseRow)
_PERSON: Final = table_of(PersonRow)
_RULES: Final = select(_PERSON.c.frozen, _PERSON.c.blocked_organisations).where(_PERSON.c.id == bindparam("person"))


def is_self(connection: Connection, acting: Acting, person_id: UUID) -> bool:
    """Tell whether the person acts."""
    if acting.profile.relation is not Relation.RESIDENT or acting.account_id is None:
        return False
    account = connection.scalar(select(_PERSON.c.account_id).where(_PERSON.c.id == person_id))
    return account == acting.account_id


def works_on(connection: Connection, acting: Acting, person_id: UUID) -> bool:
    """Tell whether who acts works on the person's file: lead, owner or cover, or the partner that holds it."""
    query = select(_CASE.c.id).where(_CASE.c.person_id == person_id).limit(1)
    match acting.profile.relation:
        case Relation.LEAD:
            pass
        case Relation.CASEWORKER if acting.account_id is not None:
            query = query.where(or_(_CASE.c.owner_id == acting.account_id, _CASE.c.cover_id == acting.account_id))
        case _ if acting.partner_id is not None:
            query = query.where(_CASE.c.holder_id == acting.partner_id)
        case _:
            return False
    return connection.scalar(query) is not None


def need_to_keep(connection: Connection, acting: Acting, person_id: UUID) -> None:
    """Look that who acts works on the person's file, and that it is their own body's.

    What a partner brought is worked on at ICORN, and the partner speaks with the person.

    Raises:
        NotFound: it does not, or is not.
    """
    held = select(_CASE.c.holder_id).where(_CASE.c.person_id == person_id)
    if not works_on(connection, acting, person_id) or acting.partner_id not in connection.scalars(held).all():
        raise NotFound


def person(connection: Connection, person_id: UUID) -> Row[bool, list[UUID]]:
    """Read a person's own rules: `frozen`, `blocked_organisations`."""
    return connection.execute(_RULES, {"person": person_id}).one()
