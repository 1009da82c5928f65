"""Tokens of an OpenID provider over WebSocket: what opens one, what opens none, and what ends one that is open."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta

import pytest
from databases import cloned
from partner import MISSING, new_key
from town import Town, settled
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from hub.auth import registry
from hub.clock import SystemClock
from hub.live import StreamPatience
from hub.settings import Bearer
from hub.store import Database

FAST = StreamPatience(beat=0.2)
FORBIDDEN = (4403, "UNAUTHORIZED")
FOLLOWED = "subscription { referralEvents { number } }"
Said = dict[str, str]


@pytest.fixture(scope="module")
def world(template: Database) -> Iterator[tuple[Town, Database]]:
    """A provider with its clients, and the database of hubs that take its tokens."""
    with cloned(template, "openid_sockets") as database, settled(database) as town:
        yield town, database


@pytest.fixture(scope="module")
def town(world: tuple[Town, Database]) -> Iterator[Town]:
    """The provider and a hub, both running."""
    town, database = world
    with town.providing(), town.asking(database, patience=FAST):
        yield town


def proved(town: Town, token: str, *, scheme: str = "DPoP", method: str = "GET", **more: object) -> Said:
    proof = town.clients["program"].proof(method, town.resource, token=token, **more)
    return {"authorization": f"{scheme} {token}", "dpop": proof}


@contextmanager
def socket(town: Town, headers: Said | None = None, *, inside: Said | None = None) -> Iterator[ClientConnection]:
    """Open a WebSocket, and say who it is: in the headers, or in what is said first."""
    url = f"{town.hub.replace('http', 'ws', 1)}/graphql"
    given = {"subprotocols": ["graphql-transport-ws"], "proxy": None, "compression": None}
    with connect(url, additional_headers=headers, **given) as opened:
        say(opened, type="connection_init", **({} if inside is None else {"payload": inside}))
        yield opened


def say(opened: ClientConnection, **message: object) -> None:
    opened.send(json.dumps(message))


def heard(opened: ClientConnection) -> dict:
    return json.loads(opened.recv(20))


def hung_up(opened: ClientConnection) -> tuple[int, str]:
    """Give code and reason by which the hub hangs up, having heard nothing before."""
    with pytest.raises(ConnectionClosed) as closed:
        opened.recv(20)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


def following(opened: ClientConnection) -> None:
    """Begin to listen, and wait until it is heard."""
    assert heard(opened) == {"type": "connection_ack"}
    say(opened, type="subscribe", id="it", payload={"query": FOLLOWED})
    assert heard(opened) == {"type": "ping"}


def ended(opened: ClientConnection) -> tuple[str, tuple[int, str]]:
    """Give the code by which what was told ends, and how the hub hangs up."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        message = heard(opened)
        if message["type"] == "ping":
            say(opened, type="pong")
            continue
        assert (message["type"], message["id"]) == ("error", "it"), message
        return message["payload"][0]["extensions"]["code"], hung_up(opened)
    raise AssertionError("it goes on")


def refused(town: Town, said: Callable[[], Said]) -> None:
    """Look that credentials open nothing, in headers or inside. They are made anew each time: a proof counts once."""
    with pytest.raises(InvalidStatus) as shut, socket(town, said()):
        pass
    answer = shut.value.response
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("DPoP ")
    assert json.loads(answer.body)["errors"][0]["extensions"] == {"code": "UNAUTHORIZED"}
    with socket(town, inside=said()) as opened:
        assert hung_up(opened) == FORBIDDEN


def test_a_program_listens_by_the_providers_token_in_headers_and_inside(town: Town):
    token = town.token()
    with socket(town, proved(town, token)) as outside, socket(town, inside=proved(town, token)) as inside:
        following(outside)
        following(inside)


BENT: dict[str, Callable[[Town], Said]] = {
    "no proof": lambda town: {"authorization": f"DPoP {town.token()}"},
    "as a bearer's": lambda town: {"authorization": f"Bearer {town.token()}"},
    "as a bearer's with proof": lambda town: proved(town, town.token(), scheme="Bearer"),
    "a thief's proof": lambda town: proved(town, town.token(), key=new_key()),
    "a proof for POST": lambda town: proved(town, town.token(), method="POST"),
    "a proof for another token": lambda town: proved(town, town.token()) | {"authorization": f"DPoP {town.token()}"},
    "bound to no key": lambda town: {"authorization": f"Bearer {town.token(proof=MISSING)}"},
    "another resource": lambda town: proved(town, town.token(resource="https://other.example/graphql")),
    "another key": lambda town: proved(town, town.forged(key=new_key())),
    "another issuer": lambda town: proved(town, town.forged(iss="https://provider.example")),
    "over": lambda town: proved(town, town.forged(iat=int(time.time()) - 400, exp=int(time.time()) - 100)),
    "an ID token": lambda town: proved(town, town.forged(nonce="of an ID token")),
    "a client nobody knows": lambda town: proved(town, town.forged(client_id="nobody")),
    "a client of another body": lambda town: proved(town, town.forged(organisation="sar")),
}


@pytest.mark.parametrize("bent", BENT.values(), ids=BENT)
def test_a_token_that_does_not_hold_opens_nothing(town: Town, bent: Callable[[Town], Said]):
    refused(town, lambda: bent(town))


def test_a_proof_opens_one_socket_or_one_request(town: Town):
    token = town.token()
    said = proved(town, token)
    with socket(town, said) as opened:
        following(opened)
    refused(town, lambda: said)


def test_bearers_come_in_only_where_the_settings_take_them(world: tuple[Town, Database], town: Town):
    with town.asking(world[1], patience=FAST, openid_bearer=Bearer.ALLOWED):
        loose = {"authorization": f"Bearer {town.token(proof=MISSING)}"}
        with socket(town, loose) as opened:
            following(opened)
        refused(town, lambda: {"authorization": f"Bearer {town.token()}"})


# ---- What ends one ---------------------------------------------------------------------------------------------------


def test_a_token_that_ends_ends_what_was_told_by_it(town: Town):
    now = int(time.time())
    token = town.forged(iat=now - 200, exp=now + 3)
    with socket(town, proved(town, token)) as opened:
        following(opened)
        assert ended(opened) == ("TOKEN_EXPIRED", (4403, "TOKEN_EXPIRED"))
    assert time.time() >= now + 3


@pytest.mark.parametrize("what", ["client", "body"])
def test_who_is_suspended_hears_no_more(town: Town, what: str):
    now = SystemClock().now()
    with ExitStack() as back:
        with socket(town, proved(town, town.token())) as opened:
            following(opened)
            back.callback(restored, town, what, now - timedelta(minutes=1))
            with town.session() as session:
                registry.suspend(session, "program") if what == "client" else registry.cut_body_off(session, "pen")
            assert ended(opened) == ("TOKEN_DENIED", (4403, "TOKEN_DENIED"))
        # A new token of the provider's is no better: the first look ends it.
        with socket(town, proved(town, town.token())) as again:
            following(again)
            assert ended(again) == ("TOKEN_DENIED", (4403, "TOKEN_DENIED"))


def restored(town: Town, what: str, now: datetime) -> None:
    with town.session() as session:
        if what == "client":
            registry.resume(session, "program", now=now)
        else:
            registry.restore_body(session, "pen", now=now)
