"""What each mutation does: the services of the house, called with ids read and values plain."""

from collections.abc import Mapping

from sqlalchemy import Connection

from hub import agreements
from hub.changes.casework import casework
from hub.changes.machine import Acting, Attested, Done, Service
from hub.planner import ids
from hub.planner.bind import Veil
from hub.referrals.service import Referrals
from schema.mutations.agreements import SaveAgreementInput
from schema.vocabulary import Category


def save_agreement(connection: Connection, _acting: Acting, given: SaveAgreementInput) -> Done:
    """Make or change the agreement of a body."""
    agreement_id = agreements.save(
        connection,
        ids.of("or", given.organisation),
        state=given.state,
        from_on=given.from_,
        until_on=given.until,
        categories=given.categories,
        purposes=given.purposes,
        onward_allowed=given.onward_allowed,
    )
    return Done(shown={"agreement": agreement_id}, categories=(Category.NETWORK,))


def services(referrals: Referrals, veil: Veil) -> Mapping[str, Service | Attested]:
    """Give a service for each mutation.

    Args:
        referrals: the steps of referrals.
        veil: finds the internal ids of cases and persons again.
    """
    return {"saveAgreement": save_agreement, **casework(referrals, veil)}
