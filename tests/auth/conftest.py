"""Servers for the tests: one that most share, and some of a test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import cloned
from running import NOON, World, world
from sqlalchemy import Engine

from hub.clock import SetClock, SystemClock
from hub.settings import Registration
from hub.store import Database


@pytest.fixture(scope="session")
def hub(template: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The server, shared by tests that make clients and people of their own. Its clock goes only forward."""
    with cloned(template, "auth_shared") as database:
        engine = database.engine()
        with world(engine, tmp_path_factory.mktemp("auth"), SetClock(NOON)) as running:
            yield running
        engine.dispose()


@pytest.fixture
def own_hub(engine: Engine, tmp_path: Path) -> Iterator[World]:
    """The server, for tests that change more than clients and people."""
    with world(engine, tmp_path, SetClock(NOON)) as running:
        yield running


@pytest.fixture
def open_hub(engine: Engine, tmp_path: Path) -> Iterator[World]:
    """The server, with registration open."""
    with world(engine, tmp_path, SetClock(NOON), registration=Registration.OPEN) as running:
        yield running


@pytest.fixture
def live_hub(engine: Engine, tmp_path: Path) -> Iterator[World]:
    """The server, with the machine's clock, for programs that have no other."""
    with world(engine, tmp_path, SystemClock()) as running:
        yield running
