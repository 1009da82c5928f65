"""A hub over cases of the tests' own."""

from collections.abc import AsyncIterator

import pytest
from desk import Hub, opened

from hub.planner import Limits, Planner
from hub.store import Database
from schema.root import SCHEMA
from schema.vocabulary import Relation


@pytest.fixture(scope="session")
def planner() -> Planner:
    """Plans are the same for all."""
    return Planner(SCHEMA, Limits())


@pytest.fixture
async def hub(template: Database, planner: Planner) -> AsyncIterator[Hub]:
    """A hub over an empty database with ICORN in it."""
    async with opened(template, planner) as hub:
        yield hub


@pytest.fixture
async def handed(hub: Hub):
    """A case handed to a body that has agreement, referral and consent."""
    with hub.office() as office:
        body = office.body("body")
        agreement = office.agree(body)
        file = office.file(owner_id=office.account(Relation.CASEWORKER))
        consent = office.consent(file, body)
        referral = office.refer(file, body, consent_id=consent)
    return file, body, agreement, consent, referral
