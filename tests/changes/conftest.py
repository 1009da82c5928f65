"""A hub that may change things, over a database of the test's own."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from changing import LEAD, NOW, Do, office
from handing import Desk, staff
from referrals_town import Town, derive
from sqlalchemy import Engine

from hub.changes import Changes
from hub.changes.services import services
from hub.clock import SetClock
from hub.operations import Operations, Persons
from hub.planner import Limits, Planner
from hub.referrals.service import Referrals
from hub.store import Database, Reader
from hub.store.sealed import Sealing
from hub.store.veil import Veil
from schema.access import AccessProfile
from schema.root import SCHEMA
from schema.vocabulary import Purpose, Relation


@pytest.fixture(scope="session")
def planner() -> Planner:
    """Plans are the same for all."""
    return Planner(SCHEMA, Limits())


@pytest.fixture
async def operations(facts_database: Database, planner: Planner) -> AsyncIterator[Operations]:
    """Ask and change the facts."""
    engine: Engine = facts_database.engine()
    async with Reader(facts_database.reading, connections=2) as reader:
        changes = Changes(
            engine, SCHEMA, planner.catalogue, services(Referrals(office()), Veil(derive)), Sealing(derive).mark
        )
        yield Operations(reader=reader, clock=SetClock(NOW), planner=planner, changes=changes)
    engine.dispose()


@pytest.fixture
def do(operations: Operations) -> Do:
    """Change something and read the answer."""

    async def do(document: str, profile: AccessProfile = LEAD, **variables: object) -> dict[str, Any]:
        answer = await operations.execute(document, variables=variables, profile=profile, request_id="request-1")
        return json.loads(answer.body)

    return do


@pytest.fixture
def facts_engine(facts_database: Database):
    engine = facts_database.engine()
    yield engine
    engine.dispose()


@pytest.fixture
def town(facts_engine: Engine) -> Town:
    return Town(facts_engine)


@pytest.fixture
async def graph(
    facts_database: Database, facts_engine: Engine, town: Town, planner: Planner
) -> AsyncIterator[Operations]:
    """The graph of a town, read and written."""
    veil = Veil(derive)
    reading = facts_database.reading
    async with Reader(reading, connections=2) as reader, Reader(reading, connections=2, appends=True) as audited:
        changes = Changes(facts_engine, SCHEMA, planner.catalogue, services(town.referrals, veil), Sealing(derive).mark)
        persons = Persons(audited, Sealing(derive), veil)
        yield Operations(reader=reader, clock=town.clock, planner=planner, changes=changes, persons=persons)


@pytest.fixture
def lena(graph: Operations, town: Town) -> Desk:
    """The lead."""
    return Desk(graph, staff(town, Relation.LEAD))


@pytest.fixture
def pen(graph: Operations, town: Town) -> Desk:
    """A program of PEN International."""
    purpose = Purpose.RESIDENCY_PLACEMENT
    return Desk(graph, replace(town.pen.acting, purposes=(purpose,), purpose=purpose, client="pen"))
