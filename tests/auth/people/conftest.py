"""Pages for people over a database of the test's own."""

from collections.abc import Iterator

import pytest
from visiting.house import House, housed

from hub.store import Database


@pytest.fixture
def house(database: Database) -> Iterator[House]:
    """The pages at noon, with nobody in them."""
    with housed(database) as house:
        yield house
