"""The hub as it is wired: who signed in at its pages is known at its graph."""

import socket
import threading
import time
from contextlib import closing

import pytest
import uvicorn
from visiting.house import NOON
from visiting.visitor import Visitor

from hub.app import create_app
from hub.auth.people import People, Place
from hub.auth.root import RootKey
from hub.clock import SetClock
from hub.settings import Settings
from hub.web.connection import UVICORN
from schema.vocabulary import Relation

ASKED = {"query": "{ viewer { relation scopes } }"}


@pytest.fixture
def hub(database, tmp_path):
    """The whole hub, and the people it knows."""
    clock = SetClock(NOON)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        url = f"http://localhost:{listening.getsockname()[1]}"
        settings = Settings(base_url=url, data_dir=tmp_path)
        server = uvicorn.Server(uvicorn.Config(create_app(settings, database, clock), lifespan="on", **UVICORN))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        engine = database.engine()
        visitor = Visitor(url, clock, {})
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            yield visitor, People(engine, clock, Place.of(settings), RootKey.load(settings.root_key))
        finally:
            visitor.close()
            server.should_exit = True
            thread.join()
            engine.dispose()


def test_who_signed_in_is_known_at_the_graph_until_suspended(hub):
    visitor, people = hub
    console = {"origin": visitor.url, "x-hub-console": "1"}
    visitor.enrol(people.accounts.create("anna", name="Anna", role=Relation.BOARD))
    visitor.add_passkey()
    visitor.make_codes()
    assert _ended(visitor.client.post("/graphql", json=ASKED, headers=console)), "setting up is no signing in"
    visitor.finish()
    assert visitor.sign_in_by_passkey().json() == {"next": "/account"}
    seen = visitor.client.post("/graphql", json=ASKED, headers=console).json()
    assert seen["data"]["viewer"]["relation"] == "BOARD"
    assert sorted(seen["data"]["viewer"]["scopes"]) == ["NETWORK_READ", "STATS_READ"]
    without = visitor.client.post("/graphql", json=ASKED).json()
    assert without["data"]["viewer"] is None
    people.accounts.suspend("anna")
    assert _ended(visitor.client.post("/graphql", json=ASKED, headers=console))


def _ended(answer):
    """Who says to be the console and has no session is told so, and is not answered as a stranger."""
    codes = [error["extensions"]["code"] for error in answer.json()["errors"]]
    return (answer.status_code, codes, "data" in answer.json()) == (401, ["SESSION_ENDED"], False)
