"""The graph over the facts that come with the hub, with what the demonstration makes up."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from asking import NOW, Ask
from databases import cloned

from hub.clock import SetClock
from hub.operations import Operations
from hub.store import Database, Reader
from hub.synthetic import decorate
from schema.access import ANONYMOUS, AccessProfile


@pytest.fixture(scope="session")
def demo(facts_template: Database) -> Iterator[Database]:
    """The database of the demonstration."""
    with cloned(facts_template, "demo_shared") as database:
        engine = database.engine()
        decorate(engine, seed=1, today=NOW.date())
        engine.dispose()
        yield database


@pytest.fixture(scope="session")
async def demo_reader(demo: Database) -> AsyncIterator[Reader]:
    """Read the demonstration."""
    async with Reader(demo.reading, connections=2) as reader:
        yield reader


@pytest.fixture(scope="session")
def operations(demo_reader: Reader) -> Operations:
    """Ask the demonstration."""
    return Operations(reader=demo_reader, clock=SetClock(NOW))


@pytest.fixture(scope="session")
def ask(operations: Operations) -> Ask:
    """Ask and read the answer."""

    async def ask(document: str, profile: AccessProfile = ANONYMOUS, **variables: object) -> dict[str, Any]:
        answer = await operations.execute(document, variables=variables, profile=profile)
        return json.loads(answer.body)

    return ask
