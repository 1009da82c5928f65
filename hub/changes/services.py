"""What each mutation does: the services of the house, called with ids read and values plain."""

from collections.abc import Mapping
from functools import partial

from sqlalchemy import Connection

from hub import agreements
from hub.changes.casework import casework
from hub.changes.machine import Attested, Done, Service
from hub.consent import Acting
from hub.planner import ids
from hub.planner.bind import Veil
from hub.referrals.service import Referrals
from schema.mutations.agreements import SaveAgreementInput
from schema.vocabulary import Category


def save_agreement(referrals: Referrals, connection: Connection, acting: Acting, given: SaveAgreementInput, /) -> Done:
    """Make or change the agreement of a body. Open referrals that it does not carry any more end with it."""
    body = ids.of("or", given.organisation)
    referrals.hold(connection, body)
    agreement_id = agreements.save(
        connection,
        body,
        state=given.state,
        from_on=given.from_,
        until_on=given.until,
        categories=given.categories,
        purposes=given.purposes,
        onward_allowed=given.onward_allowed,
    )
    ended = referrals.agreement_changed(connection, body, acting.now)
    subjects = tuple(dict.fromkeys(each.person_id for each in ended if each.person_id is not None))
    categories = (Category.NETWORK, Category.CASE) if subjects else (Category.NETWORK,)
    return Done(shown={"agreement": agreement_id}, subjects=subjects, categories=categories)


def services(referrals: Referrals, veil: Veil) -> Mapping[str, Service | Attested]:
    """Give a service for each mutation.

    Args:
        referrals: the steps of referrals.
        veil: finds the internal ids of cases and persons again.
    """
    return {"saveAgreement": partial(save_agreement, referrals), **casework(referrals, veil)}
