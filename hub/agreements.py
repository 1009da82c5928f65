"""Agreements with other bodies, as the secretariat's lead keeps them."""

from datetime import date
from uuid import UUID, uuid4

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from hub.errors import HubError
from schema.tables import AgreementRow, OrganisationRow
from schema.tables.base import table_of
from schema.vocabulary import AgreementState, Category, Certainty, Purpose

_AGREEMENT = table_of(AgreementRow)
_ORGANISATION = table_of(OrganisationRow)


class BodyUnknown(HubError):
    """There is no such body."""

    code = "body_not_found"
    public = "There is no such body, or it is not for you."


class TermsRefused(HubError):
    """The terms contradict themselves."""

    code = "terms_invalid"
    public = "The last day is before the first."
    path = ("until",)


def save(
    connection: Connection,
    organisation_id: UUID,
    *,
    state: AgreementState,
    from_on: date,
    until_on: date | None,
    categories: list[Category],
    purposes: list[Purpose],
    onward_allowed: bool,
) -> UUID:
    """Make or change the agreement of a body; give its id. Tokens and plans look at it with the next request.

    Raises:
        BodyUnknown: there is no such body.
        TermsRefused: it ends before it begins.
    """
    if until_on is not None and until_on < from_on:
        raise TermsRefused
    found = select(_ORGANISATION.c.id).where(_ORGANISATION.c.id == organisation_id).with_for_update(key_share=True)
    if connection.scalar(found) is None:
        raise BodyUnknown
    terms = {
        "state": state,
        "from_on": from_on.isoformat(),
        "until_on": None if until_on is None else until_on.isoformat(),
        "categories": list(dict.fromkeys(categories)),
        "purposes": list(dict.fromkeys(purposes)),
        "onward_allowed": onward_allowed,
    }
    made = insert(_AGREEMENT).values(
        id=uuid4(), organisation_id=organisation_id, certainty=Certainty.HIGH, sources=[], **terms
    )
    saved = made.on_conflict_do_update(index_elements=["organisation_id"], set_=terms)
    agreement_id: UUID = connection.execute(saved.returning(_AGREEMENT.c.id)).scalar_one()
    return agreement_id
