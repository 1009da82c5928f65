"""What all tests share: one embedded PostgreSQL for each worker, and databases cloned from templates in no time."""

import fcntl
import gc
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
from databases import admin, cloned
from hypothesis import settings
from sqlalchemy import Engine

from hub import log
from hub.facts import import_facts
from hub.settings import Settings
from hub.store import Database, Reader, open_database, upgrade
from hub.web.console import Built

OUTSIDE = dict(os.environ)
# No test speaks with the web. Reading its authorities takes 50 ms for each client and context, so there are none, here
# and in the processes started from here; who builds the console needs them.
os.environ |= {"SSL_CERT_FILE": str(Path(__file__).with_name("nobody.pem")), "SSL_CERT_DIR": os.devnull}
MEMORY = Path("/dev/shm")  # noqa: S108  # a folder of our own in it
MEMORY_LEAST = 4 * 2**30
LONG = ("test_oracle.py", "test_first_handoff.py", "test_bench.py", "test_fields.py", "test_case_oracle.py")
"""Files with tests that take a minute, or follow each other in one worker: begun last, they would end alone."""
CONSOLE = Path(__file__).parents[1] / "hub" / "web" / "console" / "source"

log.configure(strict=True, level="warning")
# Examples are not timed: the machine is shared.
settings.register_profile("hub", deadline=None)
settings.load_profile("hub")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for garbage seldom, and never in what was imported: that took a sixth of all the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(700, 10, 100)
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture(scope="session")
def console() -> Built:
    """The console's built files; built once where they are missing or older than their sources."""
    with (Path(tempfile.gettempdir()) / "icorn-hub-console.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one worker builds, the others wait
        command = [sys.executable, CONSOLE / "build.py"]
        built = subprocess.run(command, capture_output=True, text=True, check=False, env=OUTSIDE)
    assert built.returncode == 0, built.stderr
    assert "older than its sources" not in built.stdout, built.stdout
    return Built()


def place() -> Path | None:
    """Where databases of tests lie: in memory, where there is room.

    Each is a thousand files, made and dropped; that takes a disk ten times as long, and longer with each.
    """
    there = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_LEAST
    return MEMORY if there else None


@pytest.fixture(scope="session")
def server() -> Iterator[Database]:
    """A server of this worker's own, not careful of its data: the tests are about the hub, not about power cuts."""
    folder = Path(tempfile.mkdtemp(prefix="hub-", dir=place()))
    database = open_database(Settings(data_dir=folder))
    with admin(database) as connection:
        for setting in (
            "fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_wal_size = '256MB'"
        ):  # fmt: skip
            connection.execute(f"alter system set {setting}")
        connection.execute("select pg_reload_conf()")
    yield database
    database.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def template(server: Database) -> Iterator[Database]:
    """A database with empty tables, to be copied."""
    with cloned(server, "template_empty") as database:
        engine = database.engine()
        upgrade(engine)
        engine.dispose()
        yield database


@pytest.fixture(scope="session")
def facts_template(template: Database) -> Iterator[Database]:
    """A database with all facts that come with the hub, to be copied."""
    with cloned(template, "template_facts") as database:
        engine = database.engine()
        reports = import_facts(engine)
        engine.dispose()
        assert not [refusal for report in reports for refusal in report.refusals]
        yield database


@pytest.fixture
def database(template: Database) -> Iterator[Database]:
    """A database of the test's own, with empty tables."""
    with cloned(template) as database:
        yield database


@pytest.fixture
def facts_database(facts_template: Database) -> Iterator[Database]:
    """A database of the test's own, with all facts."""
    with cloned(facts_template) as database:
        yield database


@pytest.fixture(scope="session")
def facts(facts_template: Database) -> Iterator[Database]:
    """The facts, shared by all tests that only read."""
    with cloned(facts_template, "facts_shared") as database:
        yield database


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """Write to the test's own database."""
    engine = database.engine()
    yield engine
    engine.dispose()


@pytest.fixture
async def reader(database: Database) -> AsyncIterator[Reader]:
    """Read from the test's own database."""
    async with Reader(database.reading, connections=2) as reader:
        yield reader


@pytest.fixture(scope="session")
async def facts_reader(facts: Database) -> AsyncIterator[Reader]:
    """Read the shared facts."""
    async with Reader(facts.reading, connections=2) as reader:
        yield reader
