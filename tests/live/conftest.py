"""A town whose hub serves it: partners with tokens of their own listen while referrals take their steps."""

from collections.abc import Iterator

import pytest
from listening import Street, opened

from hub.store import Database


@pytest.fixture(scope="module")
def whole(facts_template: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """The town of a whole module: what one test makes the next does not look at."""
    with opened(facts_template, tmp_path_factory.mktemp("street")) as street:
        yield street


@pytest.fixture
def street(whole: Street) -> Iterator[Street]:
    """The town, with nobody listening."""
    yield whole
    whole.leave()


@pytest.fixture(params=["events", "socket"])
def either(street: Street, request: pytest.FixtureRequest) -> Iterator[Street]:
    """The town, where all listen by server-sent events, or all by WebSocket."""
    street.way = request.param
    yield street
    street.way = "events"
