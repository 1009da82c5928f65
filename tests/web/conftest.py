"""A hub over the facts, listening on loopback, for all tests of the web that only read."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from serving import root_key, serving

from hub.app import create_app
from hub.settings import Settings
from hub.store import Database


@pytest.fixture(scope="session")
def hub(facts: Database) -> Iterator[str]:
    """The address of a hub over the facts."""
    settings = Settings(root_key_file=root_key(), cost_per_minute=10**9, requests_at_once=10**6)
    with serving(create_app(settings, facts)) as url:
        yield url


@pytest.fixture
async def client(hub: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the hub."""
    async with httpx.AsyncClient(base_url=hub, timeout=30) as client:
        yield client
