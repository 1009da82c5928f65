"""A town whose hub serves it: partners with tokens of their own listen while referrals take their steps."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from databases import cloned
from listening import Street
from referrals_town import Town

from hub.auth.root import RootKey
from hub.live import StreamPatience
from hub.settings import ClientKeys, Delivery, Settings
from hub.store import Database

FAST = StreamPatience(beat=0.2)


@contextmanager
def opened(
    template: Database, folder: Path, patience: StreamPatience = FAST, more: dict[str, int] | None = None, **how: object
) -> Iterator[Street]:
    """Open a town and its hub.

    Args:
        template: a database with the facts.
        folder: for the hub's own files.
        patience: how long its streams wait.
        more: settings beside its own.
        how: to serve it, as `Street.open` takes it.
    """
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    settings = Settings(
        data_dir=folder,
        port=port,
        client_keys=ClientKeys.LOOPBACK,
        delivery=Delivery.ELSEWHERE,
        streams_of_one=3,
        **(more or {}),
        oauth_per_minute=10**6,
    )
    with cloned(template) as database, httpx.Client(timeout=20) as http:
        engine = database.engine()
        street = Street(Town(engine, derive=RootKey.load(settings.root_key).derive), database, settings, http)
        try:
            with street.open(stream_patience=patience, **how):
                yield street
        finally:
            engine.dispose()


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
