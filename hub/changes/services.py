"""What each mutation does: the services of the house, called with ids read and values plain."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection

from hub import agreements
from hub.changes.machine import Acting, Done, Service
from hub.planner import ids
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


SERVICES: Final[Mapping[str, Service]] = {"saveAgreement": save_agreement}
