"""A town whose hub serves it: partners with tokens of their own listen over HTTP while referrals take their steps."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import referrals_town
from listening import Street
from referrals_town import Town

from hub.auth.root import RootKey
from hub.live import stream
from hub.settings import ClientKeys, Delivery, Settings
from hub.store import Database


@pytest.fixture
def street(facts_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Street]:
    """The town and its hub, which beats fast."""
    monkeypatch.setattr(stream, "BEAT_SECONDS", 0.2)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    settings = Settings(
        data_dir=tmp_path,
        port=port,
        client_keys=ClientKeys.LOOPBACK,
        delivery=Delivery.ELSEWHERE,
        streams_of_one=3,
        oauth_per_minute=10**6,
    )
    monkeypatch.setattr(referrals_town, "derive", RootKey.load(settings.root_key).derive)
    engine = facts_database.engine()
    with httpx.Client(timeout=20) as http:
        street = Street(Town(engine), facts_database, settings, http)
        try:
            with street.open():
                yield street
        finally:
            engine.dispose()
