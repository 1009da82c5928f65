"""What goes over the wire in bad faith: too slowly, too much, too broken."""

import socket
import threading
import time

import pytest
from doors import open_endpoint
from serving import hub_process, serving, until
from wire import BODY, HEAD, WHOLE, answer_of, connected, ended

from hub.operations import Operations
from hub.store import Database
from hub.web.connection import Connection


class Constant:
    """A reader that knows one answer."""

    async def fetch_text(self, _sql, _args=()):
        return b'{"__typename":"Query"}'


@pytest.fixture(scope="module")
def small():
    """A hub that waits a quarter of a second for a body."""
    endpoint = open_endpoint(Operations(reader=Constant()), body_bytes_max=1000, body_seconds=0.25)

    async def app(scope, receive, send):
        if scope["type"] == "http":
            await endpoint(scope, receive, send)
        else:
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})

    return app


@pytest.fixture(scope="module")
def impatient(small):
    """It, and it waits a second for the next request."""
    with serving(small, timeout_keep_alive=1) as url:
        yield url


class Watchful(Connection):
    """Looks twice a second whether a request gets on."""

    look_seconds = 0.5


@pytest.fixture(scope="module")
def watchful(small):
    """It, and it is watchful."""
    with serving(small, timeout_keep_alive=1, http=Watchful) as url:
        yield url


def test_a_body_that_never_ends_is_given_up(impatient):
    with connected(impatient) as slow:
        slow.sendall(HEAD + b"content-length: 24\r\n\r\n{")
        answer = answer_of(slow)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"BODY_TOO_SLOW" in answer
        assert ended(slow)


def test_a_body_that_never_begins_is_given_up(impatient):
    with connected(impatient) as slow:
        slow.sendall(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        assert answer_of(slow).startswith(b"HTTP/1.1 408 ")


def test_many_slow_bodies_hold_up_nobody(impatient):
    slow = [socket.create_connection(("127.0.0.1", int(impatient.rpartition(":")[2])), timeout=30) for _ in range(50)]
    for each in slow:
        each.sendall(HEAD + b"content-length: 24\r\n\r\n")
    with connected(impatient) as quick:
        quick.sendall(WHOLE)
        assert answer_of(quick).startswith(b"HTTP/1.1 200 ")
    for each in slow:
        assert answer_of(each).startswith(b"HTTP/1.1 408 ")
        each.close()


def test_a_connection_serves_on_after_a_body_was_too_large(impatient):
    with connected(impatient) as client:
        client.sendall(HEAD + b"content-length: 5000\r\n\r\n" + b" " * 5000)
        assert answer_of(client).startswith(b"HTTP/1.1 413 ")
        client.sendall(WHOLE)
        assert answer_of(client).startswith(b"HTTP/1.1 200 ")


def test_a_chunked_body_is_counted(impatient):
    with connected(impatient) as client:
        client.sendall(HEAD + b"transfer-encoding: chunked\r\n\r\n" + (b"64\r\n" + b" " * 100 + b"\r\n") * 11)
        assert answer_of(client).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_goes_away_leaves_nothing(impatient):
    with connected(impatient) as client:
        client.sendall(HEAD + b"content-length: 24\r\n\r\n{")
    with connected(impatient) as client:
        client.sendall(WHOLE)
        assert answer_of(client).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("size", [40_000, 300_000])
def test_a_head_that_is_too_large_is_refused(hub, size):
    with connected(hub) as client:
        begun = b"POST /graphql HTTP/1.1\r\nhost: hub\r\nx-much: "
        try:
            client.sendall(begun + b"a" * size)
        except ConnectionError:
            return
        assert answer_of(client).startswith((b"HTTP/1.1 431 ", b""))
        assert ended(client)


def test_many_headers_do_no_harm(hub):
    with connected(hub) as client:
        client.sendall(HEAD + b"x-a: b\r\n" * 2000 + b"content-length: %d\r\n\r\n" % len(BODY) + BODY)
        assert answer_of(client).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "sent",
    [
        b"\0" * 100 + b"\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: hub\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: hub\r\ncontent-length: -1\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: hub\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nhost: hub\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: hub\r\nbad header: 1\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(hub, sent):
    with connected(hub) as client:
        client.sendall(sent)
        assert answer_of(client).startswith(b"HTTP/1.1 400 ")
        assert ended(client)


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"POST /graphql HT",
        HEAD,
        WHOLE + b"POST",
        HEAD.replace(b"json", b"text") + b"content-length: 100\r\n\r\n1",
    ],
    ids=["nothing", "half a line", "half a head", "half a second request", "half a body, refused"],
)
def test_a_request_that_does_not_get_on_loses_its_connection(watchful, begun):
    with connected(watchful, seconds=10) as client:
        client.sendall(begun)
        assert ended(client)


def test_an_empty_line_does_not_keep_a_connection(watchful):
    with connected(watchful, seconds=10) as client:
        client.sendall(WHOLE)
        assert answer_of(client).startswith(b"HTTP/1.1 200 ")
        client.sendall(b"\r\n")
        assert ended(client)


def test_a_connection_that_lies_idle_is_closed(watchful):
    with connected(watchful, seconds=10) as client:
        client.sendall(WHOLE)
        assert answer_of(client).startswith(b"HTTP/1.1 200 ")
        assert ended(client)


def test_a_connection_in_use_is_kept(watchful):
    with connected(watchful) as client:
        for _ in range(20):
            client.sendall(WHOLE)
            assert answer_of(client).startswith(b"HTTP/1.1 200 ")
            time.sleep(0.1)


def test_requests_that_come_at_once_are_answered_in_turn(watchful):
    with connected(watchful) as client:
        client.sendall(WHOLE * 5 + HEAD.replace(b"json", b"text") + b"content-length: 0\r\n\r\n" + WHOLE)
        got = b"".join(answer_of(client) for _ in range(7))
        assert [each[:3] for each in got.split(b"HTTP/1.1 ")[1:]] == [b"200"] * 5 + [b"415", b"200"]


def test_the_short_way_out_tells_what_the_long_one_does(impatient):
    with connected(impatient) as client:
        client.sendall(WHOLE)
        short = answer_of(client)
        client.sendall(WHOLE.replace(b"host:", b"connection: close\r\nhost:", 1))
        long = answer_of(client)
        assert ended(client)
    assert sorted(long.split(b"\r\n")) == sorted([*short.split(b"\r\n"), b"connection: close"])


def test_a_stop_lets_requests_under_way_finish(facts_database: Database):
    with hub_process(facts_database) as (url, process), connected(url) as client:
        engine = facts_database.engine()
        with engine.connect() as blocking:
            blocking.exec_driver_sql("lock table city in access exclusive mode")
            body = b'{"query":"{city(slug:\\"no-bergen\\"){name}}"}'
            client.sendall(HEAD + b"content-length: %d\r\n\r\n" % len(body) + body)
            until(lambda: _waiting(facts_database))
            process.terminate()
            timer = threading.Timer(0.5, blocking.rollback)
            timer.start()
            answer = answer_of(client)
            timer.join()
        engine.dispose()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"Bergen" in answer
        process.wait(30)


def _waiting(database: Database) -> bool:
    engine = database.engine()
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        ).first()
    engine.dispose()
    return found is not None
