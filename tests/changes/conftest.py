"""A hub that may change things, over a database of the test's own."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from changing import LEAD, NOW, Do, office
from referrals_town import derive
from sqlalchemy import Engine

from hub.changes import Changes
from hub.changes.services import services
from hub.clock import SetClock
from hub.operations import Operations
from hub.planner import Limits, Planner
from hub.referrals.service import Referrals
from hub.store import Database, Reader
from hub.store.veil import Veil
from schema.access import AccessProfile
from schema.root import SCHEMA


@pytest.fixture
async def operations(facts_database: Database) -> AsyncIterator[Operations]:
    """Ask and change the facts."""
    engine: Engine = facts_database.engine()
    planner = Planner(SCHEMA, Limits())
    async with Reader(facts_database.reading, connections=2) as reader:
        changes = Changes(engine, SCHEMA, planner.catalogue, services(Referrals(office()), Veil(derive)))
        yield Operations(reader=reader, clock=SetClock(NOW), planner=planner, changes=changes)
    engine.dispose()


@pytest.fixture
def do(operations: Operations) -> Do:
    """Change something and read the answer."""

    async def do(document: str, profile: AccessProfile = LEAD, **variables: object) -> dict[str, Any]:
        answer = await operations.execute(document, variables=variables, profile=profile, request_id="request-1")
        return json.loads(answer.body)

    return do
