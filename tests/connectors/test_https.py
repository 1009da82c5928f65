"""Every answer of a partner, and every failure on the way, is exactly one error."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from connectors_wires import answering, http, resolving

from connectors.egress import Egress, Reply
from connectors.errors import (
    ConnectorError,
    Invalid,
    Refused,
    Throttled,
    Unauthorized,
    Unavailable,
    Uncertain,
    Unsupported,
)
from connectors.signing import new_keys
from connectors.transports.credentials import SignedRequest
from connectors.transports.https import Https, refuse, retry_after

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def wired(wire, **more):
    egress = Egress.to(wire.url, loopback=True, resolve=resolving("127.0.0.1"), **more)
    return Https(wire.url, egress, SignedRequest(new_keys("https://hub.example"), wire.url, lambda: NOW), lambda: NOW)


POSTED = {
    300: Refused,
    301: Refused,
    302: Refused,
    307: Refused,
    400: Invalid,
    401: Unauthorized,
    403: Unauthorized,
    404: Unsupported,
    405: Unsupported,
    408: Unavailable,
    409: Refused,
    410: Refused,
    413: Invalid,
    415: Invalid,
    418: Refused,
    422: Invalid,
    425: Unavailable,
    429: Throttled,
    451: Refused,
    500: Uncertain,
    501: Unsupported,
    502: Uncertain,
    503: Unavailable,
    504: Uncertain,
    507: Uncertain,
}


@pytest.mark.parametrize(("status", "error"), POSTED.items())
async def test_what_was_posted_is_answered_by_one_error(status, error):
    async with answering(http(status)) as wire:
        with pytest.raises(ConnectorError) as raised:
            await wired(wire).deliver("token", key="k")
        assert type(raised.value) is error
        assert raised.value.facts["status"] == status


@pytest.mark.parametrize(("status", "error"), POSTED.items())
async def test_what_was_read_leaves_no_doubt(status, error):
    async with answering(http(status)) as wire:
        with pytest.raises(ConnectorError) as raised:
            await wired(wire).read("/referrals/x/status")
        assert type(raised.value) is (Unavailable if error is Uncertain else error)


def test_there_is_no_status_without_an_error():
    for status in range(100, 1000):
        for posted in (True, False):
            with pytest.raises(ConnectorError):
                refuse(Reply(status, {}, b""), now=NOW, posted=posted)


async def test_a_token_comes_back_or_nothing():
    async with answering(http(200, b"a.b.c", content_type="application/jose; charset=ascii")) as wire:
        assert await wired(wire).deliver("token", key="the-handoff") == "a.b.c"
        head = wire.came[0].lower()
        assert b"idempotency-key: the-handoff" in head
        assert b"content-type: application/jose" in head
    async with answering(http(202)) as wire:
        assert await wired(wire).deliver("token", key="k") is None


@pytest.mark.parametrize(
    "answer", [{"body": b"<html>", "content_type": "text/html"}, {"body": b"\xff", "content_type": "application/jose"}]
)
async def test_an_answer_that_is_none_leaves_doubt(answer):
    async with answering(http(200, **answer)) as wire:
        with pytest.raises(Uncertain):
            await wired(wire).deliver("token", key="k")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("999999999", 86_400),
        ("-5", 60),
        ("soon", 60),
        ("", 60),
        ("1e9", 60),
        ("٣", 3),
        (format_datetime(NOW + timedelta(seconds=90)), 90),
        (format_datetime(NOW - timedelta(days=1)), 0),
        ("Fri, 99 Nov 2026", 60),
        ("9" * 400, 60),
    ],
)
def test_retry_after_is_read_or_a_minute(text, seconds):
    assert retry_after(Reply(429, {"retry-after": text}, b""), now=NOW) == seconds


async def test_a_partner_that_throttles_says_for_how_long():
    async with answering(http(429, retry_after="12")) as wire:
        with pytest.raises(Throttled) as throttled:
            await wired(wire).deliver("token", key="k")
        assert throttled.value.retry_seconds == 12


async def test_only_the_code_of_a_problem_is_kept():
    body = b'{"code": "reused", "detail": "planted-secret"}'
    async with answering(http(409, body, content_type="application/problem+json")) as wire:
        with pytest.raises(Refused) as refused:
            await wired(wire).deliver("token", key="k")
        assert refused.value.facts == {"status": 409, "problem": "reused"}
        assert "planted" not in str(refused.value)
    for body in (b'{"code": 5}', b"[]", b"[" * 5000, b'{"code": "' + b"x" * 100 + b'"}', b"\xff"):
        async with answering(http(409, body, content_type="application/problem+json")) as wire:
            with pytest.raises(Refused) as refused:
                await wired(wire).deliver("token", key="k")
            assert refused.value.facts == {"status": 409}
