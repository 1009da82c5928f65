"""A town of its own for each test."""

from collections.abc import Iterator

import pytest
from referrals_town import Town
from sqlalchemy import Engine

from hub.store import Database


@pytest.fixture
def facts_engine(facts_database: Database) -> Iterator[Engine]:
    engine = facts_database.engine()
    yield engine
    engine.dispose()


@pytest.fixture
def town(facts_engine: Engine) -> Town:
    return Town(facts_engine)
