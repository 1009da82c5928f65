"""Who works for ICORN, as those read it whose cases they work on: a role; a name only among colleagues."""

from typing import Final

import strawberry
from sqlalchemy import ColumnElement

from schema.access import STAFF, Access, AllOf, AnyOf, Columns, Linked, Own, Related, RowIs, Scoped, narrowed
from schema.links import OVERSIGHT, SCOPES
from schema.source import column, record
from schema.tables import AccountRow, CaseRow, PersonRow
from schema.types.basics import Node
from schema.vocabulary import Category, Grain, Relation

COLLEAGUES: Final = OVERSIGHT | {Relation.CASEWORKER}
"""Whom the secretariat's own names are for."""
_PERSON: Final = frozenset({Relation.RESIDENT})

SEEN: Final = Access(
    Category.CASE,
    Grain.FULL,
    AllOf((Scoped(SCOPES[Category.CASE, Grain.FULL]), Related(COLLEAGUES | _PERSON))),
)


def _works_on(here: Columns, there: Columns) -> ColumnElement[bool]:
    own: ColumnElement[bool] = there.owner_id == here.id
    return own


def _person_of(here: Columns, there: Columns) -> ColumnElement[bool]:
    same: ColumnElement[bool] = there.id == here.person_id
    return same


@record(
    AccountRow,
    code="st",
    see=SEEN,
    rows=AllOf(
        (
            RowIs(
                "it is somebody of ICORN's",
                lambda c: c.relation.in_([each.value for each in Relation if each in STAFF]),
            ),
            AnyOf(
                (
                    Related(COLLEAGUES),
                    Linked(
                        CaseRow,
                        _works_on,
                        Linked(PersonRow, _person_of, Own("account_id", lambda c: c.account_id)),
                    ),
                )
            ),
        )
    ),
    private=True,
    veiled=True,
)
class Staff(Node):
    """Somebody who works for ICORN. The person whose case it is reads the role only, of its caseworker."""

    id: strawberry.ID = column(AccountRow.id, see=SEEN, says="Opaque id, another for every body and person.")
    role: Relation = column(AccountRow.relation, see=SEEN, says="Role.")
    name: str | None = column(
        AccountRow.name, see=narrowed(SEEN, Related(COLLEAGUES)), says="Name; null outside the secretariat."
    )
