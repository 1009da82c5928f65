"""Subscriptions over WebSocket: who gets one, what may be said in it, and what hostile clients come to."""

import base64
import json
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files

import pytest
from listening import ALL, PEN, SocketEar, Street, hung_up, opened, say
from sqlalchemy import func, select
from web.serving import until
from web.wire import answer_of, connected, ended
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from hub.live import StreamPatience
from hub.store import Database
from hub.web.frames import Frames
from schema.tables import CaseRow, WebSessionRow
from schema.tables.base import table_of

PIECE, TEXT, PING = 0, 1, 9
FORBIDDEN = (4403, "UNAUTHORIZED")
CHANGE = (files("hub.web.console") / "source" / "operations" / "42-open-case.graphql").read_text()
MUCH = 100_000_000
EVIL = "https://evil.example"


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever clients do, nothing of it is an error of the server's."""
    yield
    told = [record for each in ("setup", "call") for record in caplog.get_records(each)]
    assert [record.getMessage() for record in told if record.levelname == "ERROR"] == []


def heard(socket: ClientConnection) -> dict:
    """Give the next message that is no beat."""
    while (message := json.loads(socket.recv(20)))["type"] == "ping":
        pass
    return message


def code_of(message: dict) -> str:
    assert message["type"] == "error", message
    return message["payload"][0]["extensions"]["code"]


def subscribe(socket: ClientConnection, id_: str = "it", query: str = ALL, **variables: object) -> None:
    say(socket, type="subscribe", id=id_, payload={"query": query, "variables": variables})


@contextmanager
def raw(street: Street, *headers: str, start: str = "GET /graphql HTTP/1.1") -> Iterator[socket.socket]:
    """Open a connection and ask for a WebSocket byte by byte."""
    key = base64.b64encode(os.urandom(16)).decode()
    head = [start, "host: hub", "upgrade: websocket", "connection: upgrade", f"sec-websocket-key: {key}"]
    head += ["sec-websocket-version: 13", "sec-websocket-protocol: graphql-transport-ws", *headers]
    with connected(street.url) as wire:
        wire.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        yield wire


def frame(opcode: int, data: bytes = b"", *, fin: bool = True, compressed: bool = False) -> bytes:
    """Write a frame as clients must: masked, if by nothing."""
    size = len(data)
    long = b"" if size < 126 else size.to_bytes(2 if size < 2**16 else 8, "big")
    short = {0: size, 2: 126, 8: 127}[len(long)]
    return bytes([fin << 7 | compressed << 6 | opcode, 128 | short]) + long + bytes(4) + data


def closed_with(wire: socket.socket) -> int:
    """Give the code with which the hub hangs up, whatever comes before."""
    data = b""
    with suppress(ConnectionError):
        while more := wire.recv(65536):
            data = (data + more)[-200:]
    at = data.rindex(b"\x88")
    return int.from_bytes(data[at + 2 : at + 4], "big")


# ---- Who gets one ----------------------------------------------------------------------------------------------------

BENT: dict[str, Callable[[Street], dict[str, str]]] = {
    "no proof": lambda street: {"authorization": f"DPoP {street.token()}"},
    "as a bearer's": lambda street: {"authorization": f"Bearer {street.token()}"},
    "a bearer's with proof": lambda street: (
        street.proved(token := street.token(), "GET") | {"authorization": f"Bearer {token}"}
    ),
    "no token at all": lambda street: street.proved("x.y.z", "GET"),
    "a proof for POST": lambda street: street.proved(street.token(), "POST"),
    "a proof for another address": lambda street: street.proved(street.token(), "GET", htu=f"{street.url}/console"),
    "a proof for another token": lambda street: (
        street.proved(street.token(), "GET") | {"authorization": f"DPoP {street.token()}"}
    ),
    "a proof by another's key": lambda street: (
        street.proved(token := street.token(), "GET") | {"dpop": street.proved(token, "GET", "sar")["dpop"]}
    ),
    "a proof of long ago": lambda street: street.proved(street.token(), "GET", iat=street.client(PEN).now - 300),
}


@pytest.mark.parametrize("bent", BENT.values(), ids=BENT)
def test_credentials_that_do_not_hold_open_nothing(street: Street, bent: Callable[[Street], dict[str, str]]):
    said = bent(street)
    with pytest.raises(InvalidStatus) as refused:
        street.socket(said)
    answer = refused.value.response
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("DPoP ")
    assert json.loads(answer.body)["errors"][0]["extensions"] == {"code": "UNAUTHORIZED"}
    inside = street.socket()
    say(inside, type="connection_init", payload=bent(street))
    assert hung_up(inside) == FORBIDDEN


def test_a_proof_opens_one_socket_whichever_way_it_comes(street: Street):
    for first_inside in (True, False):
        said = street.proved(street.token(), "GET")
        if first_inside:
            street.introduced(said)
        else:
            street.introduced(headers=said)
        with pytest.raises(InvalidStatus):
            street.socket(said)
        again = street.socket()
        say(again, type="connection_init", payload=said)
        assert hung_up(again) == FORBIDDEN
        street.leave()


def test_headers_and_their_names_in_any_case_are_taken(street: Street):
    said = street.proved(street.token(), "GET")
    upper = {"Authorization": said["authorization"], "DPoP": said["dpop"], "Purpose-Of-Use": "residency_placement"}
    ears = [
        SocketEar(street.introduced(upper | {"more": ["of", "theirs"]}), ALL),
        SocketEar(street.introduced(headers=street.proved(street.token(), "GET")), ALL),
    ]
    assert [ear.raw() for ear in ears] == [("beat", ""), ("beat", "")]
    street.town.sent(street.town.pen)
    assert [ear.event()["number"] for ear in ears] == [1, 1]


def test_who_asks_is_said_once_in_one_place(street: Street):
    said = street.proved(street.token(), "GET")
    for headers, payload in [
        (street.proved(street.token(), "GET"), said),
        (street.proved(street.token(), "GET"), {"purpose-of-use": "residency_placement"}),
        ({}, said | {"Authorization": said["authorization"]}),
        ({}, said | {"authorization": [said["authorization"]]}),
        ({}, said | {"dpop": "\u0001"}),
    ]:
        opened = street.socket(headers)
        say(opened, type="connection_init", payload=payload)
        assert hung_up(opened)[0] == 4400
    with raw(street, "authorization: DPoP x", "authorization: DPoP y") as wire:
        assert answer_of(wire).startswith(b"HTTP/1.1 400 ")


def test_a_purpose_that_is_not_the_clients_is_refused(street: Street):
    opened = street.socket()
    say(opened, type="connection_init", payload=street.proved(street.token(), "GET") | {"purpose-of-use": "assessment"})
    assert hung_up(opened) == (4403, "PURPOSE_REFUSED")


@pytest.mark.parametrize("origin", [EVIL, "null", "http://localhost:1"])
def test_a_page_of_another_origin_gets_no_socket(street: Street, origin: str):
    for headers in (street.session(), {}, street.proved(street.token(), "GET")):
        with pytest.raises(InvalidStatus) as refused:
            street.socket(headers | {"origin": origin})
        assert refused.value.response.status_code == 403
        assert json.loads(refused.value.response.body)["errors"][0]["extensions"] == {"code": "FOREIGN_ORIGIN"}
    with raw(street, f"origin: {street.url}", f"origin: {origin}") as wire:
        assert answer_of(wire).startswith(b"HTTP/1.1 400 ")


def test_a_cookie_counts_for_our_own_page_alone_and_only_where_it_says_so(street: Street):
    cookie = street.session()
    nameless = street.socket(cookie | {"sec-fetch-site": "same-origin"})
    say(nameless, type="connection_init", payload={"x-hub-console": "1"})
    assert hung_up(nameless) == (4403, "SESSION_ENDED")
    unsaid = street.introduced(headers=cookie | {"origin": street.url})
    subscribe(unsaid)
    assert heard(unsaid)["payload"]["extensions"]["withheld"][0]["code"] == "RELATION"
    both = street.socket(cookie | {"origin": street.url})
    say(both, type="connection_init", payload={"x-hub-console": "1", "authorization": "DPoP x"})
    assert hung_up(both) == FORBIDDEN


def test_a_stranger_is_told_the_rule_and_the_end(street: Street):
    stranger = street.introduced()
    subscribe(stranger)
    assert heard(stranger) == {
        "id": "it",
        "type": "next",
        "payload": {
            "data": {"it": None},
            "extensions": {"withheld": [{"path": ["it"], "category": "CASE", "code": "RELATION"}]},
        },
    }
    assert heard(stranger) == {"id": "it", "type": "complete"}


# ---- What may be said in it ------------------------------------------------------------------------------------------


def test_only_subscriptions_are_taken_and_what_is_refused_ends_nothing_else(street: Street):
    inside = street.introduced(street.proved(street.token(), "GET"))
    subscribe(inside)
    assert json.loads(inside.recv(20)) == {"type": "ping"}
    change = 'mutation { openCase(input: {idempotencyKey: "k"}) { __typename } }'
    for query, variables, code in [
        ("{ __typename }", {}, "SUBSCRIPTIONS_ONLY"),
        ("mutation { nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        (change, {}, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("{", {}, "GRAPHQL_PARSE_FAILED"),
        (ALL, {"after": 1}, "BAD_USER_INPUT"),
    ]:
        subscribe(inside, "other", query, **variables)
        message = heard(inside)
        assert (message["id"], code_of(message)) == ("other", code)
    street.town.sent(street.town.pen)
    assert heard(inside)["payload"]["data"]["it"]["number"] == 1


def test_a_change_that_is_made_by_post_is_not_made_by_socket(street: Street):
    cookie = street.session() | {"origin": street.url}

    def cases() -> int:
        with street.town.engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(table_of(CaseRow))).scalar_one()

    before = cases()
    inside = street.introduced({"x-hub-console": "1"}, cookie)
    subscribe(inside, query=CHANGE)
    assert code_of(heard(inside)) == "SUBSCRIPTIONS_ONLY"
    assert cases() == before
    made = street.post(cookie | {"x-hub-console": "1"}, CHANGE)
    assert json.loads(made.read())["data"]["openCase"]["case"]
    assert cases() == before + 1


def test_the_protocol_is_kept(street: Street):
    def told(*messages: dict[str, object] | str | bytes, first: bool = True) -> tuple[int, str]:
        opened = street.introduced() if first else street.socket()
        for message in messages:
            opened.send(message if isinstance(message, str | bytes) else json.dumps(message))
        how = hung_up(opened, any_more=True)
        street.leave()
        return how

    init = {"type": "connection_init"}
    ask = {"type": "subscribe", "id": "1", "payload": {"query": ALL}}
    assert told(ask, first=False) == (4401, "Unauthorized")
    assert told(init, init, first=False) == (4429, "Too many initialisation requests")
    assert told(init) == (4429, "Too many initialisation requests")
    assert told("{")[0] == told("{}")[0] == told("[]")[0] == told('{"type":"start"}')[0] == 4400
    assert told(b'{"type":"ping"}')[0] == 4400
    assert told(ask | {"id": 1})[0] == told(ask | {"id": ""})[0] == told(ask | {"id": "1" * 200})[0] == 4400
    assert told(ask | {"payload": {"query": "\0"}})[0] == 4400
    assert told({"type": "ping", "payload": []})[0] == 4400
    assert told("[" * 100_000)[0] == 4400
    assert told({"type": "ping", "payload": {"x": "x" * 300_000}})[0] == 1009


def test_an_id_is_for_one_subscription_until_that_is_over(street: Street):
    inside = street.introduced(street.proved(street.token(), "GET"))
    for _ in range(street.settings.streams_of_one + 1):
        subscribe(inside)
        assert json.loads(inside.recv(20)) == {"type": "ping"}
        say(inside, type="complete", id="it")
    say(inside, type="complete", id="never there")
    say(inside, type="ping", payload={"any": "thing"})
    assert heard(inside) == {"type": "pong"}
    subscribe(inside)
    subscribe(inside)
    assert hung_up(inside, any_more=True) == (4409, "Subscriber already exists")


def test_who_does_not_speak_the_protocol_is_told_so(street: Street):
    for spoken in (None, ["graphql-ws"]):
        assert hung_up(street.socket(subprotocols=spoken)) == (4406, "Subprotocol not acceptable")


def test_a_right_that_ends_ends_all_that_was_told_by_it(street: Street):
    token = street.token()
    inside = street.introduced(street.proved(token, "GET"))
    for id_ in ("a", "b"):
        subscribe(inside, id_)
        assert json.loads(inside.recv(20)) == {"type": "ping"}
    assert street.client(PEN).post("revoke", token=token).status_code == 200
    ends = [heard(inside), heard(inside)]
    assert {(each["id"], code_of(each)) for each in ends} == {("a", "TOKEN_DENIED"), ("b", "TOKEN_DENIED")}
    assert hung_up(inside) == (4403, "TOKEN_DENIED")


def test_a_right_that_ended_begins_nothing(street: Street):
    inside = street.introduced(street.proved(street.token(), "GET"))
    street.town.clock.advance(seconds=301)
    subscribe(inside)
    assert code_of(json.loads(inside.recv(20))) == "TOKEN_EXPIRED"
    assert hung_up(inside) == (4403, "TOKEN_EXPIRED")
    console = street.introduced({"x-hub-console": "1"}, street.session() | {"origin": street.url})
    with street.town.engine.begin() as connection:
        connection.execute(table_of(WebSessionRow).delete())
    subscribe(console)
    assert code_of(json.loads(console.recv(20))) == "SESSION_ENDED"
    assert hung_up(console) == (4403, "SESSION_ENDED")


# ---- Too much, too slow, too broken ----------------------------------------------------------------------------------


def test_sockets_are_counted_by_address_until_it_is_known_whose_they_are(street: Street):
    known = [street.introduced(street.proved(street.token(), "GET")) for _ in range(3)]
    fourth = street.socket()
    say(fourth, type="connection_init", payload=street.proved(street.token(), "GET"))
    assert hung_up(fourth) == (1013, "TOO_MANY_STREAMS")
    waiting = [street.socket() for _ in range(3)]
    with pytest.raises(InvalidStatus) as refused:
        street.socket()
    assert refused.value.response.status_code == 429
    waiting[0].close()
    known[0].close()
    until(lambda: opens(street), 5)


def opens(street: Street) -> bool:
    try:
        street.introduced(street.proved(street.token(), "GET"))
    except (InvalidStatus, ConnectionClosed):
        return False
    return True


def test_ten_thousand_subscriptions_in_one_socket_are_three(street: Street):
    inside = street.introduced(street.proved(street.token(), "GET"))
    codes = []
    for batch in range(20):
        for number in range(500):
            subscribe(inside, f"{batch} {number}")
        while len(codes) < 500 * (batch + 1) - 3:
            message = heard(inside)
            codes.append(code_of(message))
    assert set(codes) == {"TOO_MANY_STREAMS"}
    street.listen("sar")


def test_more_messages_at_once_than_anybody_needs_lose_the_socket(street: Street):
    with raw(street) as wire:
        assert answer_of(wire).startswith(b"HTTP/1.1 101 ")
        with suppress(ConnectionError):
            wire.sendall(frame(TEXT, b'{"type":"pong"}') * 20_000)
        assert closed_with(wire) == 1008


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"{", fin=False) + frame(PIECE, fin=False) * 2_000, 1009),
        (frame(TEXT, b"{" * 200_000, fin=False) + frame(PIECE, b" " * 200_000), 1009),
        (frame(TEXT, b"\xaa\x52" * 100, compressed=True), 1002),
        (frame(PIECE, b"{}"), 1002),
        (b"\x81\x02{}", 1002),
        (frame(3), 1002),
        (b"\x81\xff" + (2**62).to_bytes(8, "big") + b"\0\0\0\0", 1009),
    ],
    ids=[
        "no UTF-8",
        "pieces of nothing",
        "too much in pieces",
        "compressed",
        "no beginning",
        "unmasked",
        "unknown",
        "huge",
    ],
)
def test_frames_in_bad_faith_lose_the_socket(street: Street, sent: bytes, code: int):
    with raw(street) as wire:
        assert answer_of(wire).startswith(b"HTTP/1.1 101 ")
        wire.sendall(sent)
        assert closed_with(wire) == code


@pytest.mark.parametrize(
    ("start", "headers", "status"),
    [
        ("GET /graphql HTTP/1.1", ["sec-websocket-extensions: permessage-deflate"], b"101"),
        ("GET /console HTTP/1.1", [], b"403"),
        ("GET /graphql HTTP/1.1", [f"x-{number}: 1" for number in range(200)], b"431"),
        ("GET /graphql HTTP/1.1", ["x-long: " + "x" * 9_000], b"431"),
        ("POST /graphql HTTP/1.1", [], b"4"),
        ("GET /graphql HTTP/1.1", ["sec-websocket-key: twice"], b"4"),
    ],
    ids=["compression", "elsewhere", "many headers", "a long header", "POST", "two keys"],
)
def test_a_socket_is_asked_for_in_one_way(street: Street, start: str, headers: list[str], status: bytes):
    with raw(street, *headers, start=start) as wire:
        answer = answer_of(wire)
        assert answer.startswith(b"HTTP/1.1 " + status), answer
        assert b"sec-websocket-extensions" not in answer.lower()
        if status != b"101":
            assert ended(wire)


def test_no_socket_is_opened_behind_a_request_under_way(street: Street):
    body = b'{"query":"{ cities(first: 100) { nodes { name } } }"}'
    first = b"POST /graphql HTTP/1.1\r\nhost: hub\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
    upgrade = "GET /graphql HTTP/1.1\r\nhost: hub\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"
    with connected(street.url) as wire:
        wire.sendall(first % (len(body), body) + upgrade.encode())
        assert b"101 Switching" not in answer_of(wire)
        assert ended(wire)


@pytest.mark.parametrize("said", [b"", b'{"type":"connection_init"}', b'{"type":"ping"}' * 3])
def test_who_breaks_off_leaves_nothing(street: Street, said: bytes):
    for _ in range(street.settings.streams_of_one + 1):
        with raw(street) as wire:
            assert answer_of(wire).startswith(b"HTTP/1.1 101 ")
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            wire.sendall(frame(TEXT, said) * 50 if said else b"")
        until(lambda: opens(street), 5)
        street.leave()


class Watchful(Frames):
    """Looks often whether anything is taken."""

    look_seconds = 0.3


@pytest.fixture(scope="module")
def hasty(facts_template: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """A town whose hub waits for nobody."""
    patience = StreamPatience(beat=0.2, introduction=0.8, idle=1.2)
    more = {"cost_per_minute": 500, "body_bytes_max": 2_000}
    with opened(facts_template, tmp_path_factory.mktemp("hasty"), patience, more, ws=Watchful) as street:
        yield street


def test_who_does_not_say_who_they_are_is_not_waited_for(hasty: Street):
    silent = hasty.socket()
    say(silent, type="ping")
    assert json.loads(silent.recv(20)) == {"type": "pong"}
    assert hung_up(silent) == (4408, "Connection initialisation timeout")


def test_a_socket_nobody_uses_is_not_kept(hasty: Street):
    began = time.monotonic()
    assert hung_up(hasty.introduced()) == (1000, "Idle")
    known = hasty.introduced(hasty.proved(hasty.token(), "GET"))
    subscribe(known)
    for _ in range(6):
        assert json.loads(known.recv(20)) == {"type": "ping"}
    say(known, type="complete", id="it")
    assert hung_up(known) == (1000, "Idle")
    assert time.monotonic() - began < 10


def test_the_settings_say_how_large_a_message_may_be(hasty: Street):
    for size, code in ((1_900, 4400), (2_100, 1009)):
        inside = hasty.socket()
        inside.send("x" * size)
        assert hung_up(inside)[0] == code


def test_messages_are_paid_for(hasty: Street):
    known = hasty.introduced(hasty.proved(hasty.token("sar"), "GET", "sar"))
    for _ in range(400):
        say(known, type="ping")
        assert json.loads(known.recv(20)) == {"type": "pong"}
    with suppress(ConnectionClosed):
        for _ in range(400):
            say(known, type="ping")
    assert hung_up(known, any_more=True) == (1013, "RATE_LIMITED")


def test_who_takes_nothing_is_not_waited_for_and_fills_no_memory(hasty: Street):
    with raw(hasty) as wire:
        assert answer_of(wire).startswith(b"HTTP/1.1 101 ")
        wire.settimeout(10)
        pings, sent = frame(PING, b"x" * 125) * 500, 0
        with suppress(ConnectionError):
            while sent < MUCH:
                wire.sendall(pings)
                sent += len(pings)
    # What the kernel holds for the two of them, and no more.
    assert sent < MUCH
    hasty.listen()
