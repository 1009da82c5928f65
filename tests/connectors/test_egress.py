"""The one way out, tried from all sides: real sockets, and resolvers that lie."""

import asyncio
import logging
import ssl
import threading
import time
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
from connectors_wires import Authority, answering, http, resolving

from connectors.egress import Egress, Place, checked, pin_of, resolved, tls_context
from connectors.errors import Invalid, Refused, Unauthorized, Unavailable, Uncertain

LOCAL = resolving("127.0.0.1")


def to(wire, **more):
    return Egress.to(wire.url, **({"loopback": True, "resolve": LOCAL} | more))


async def test_what_a_place_answers_comes_back():
    async with answering(http(201, b"hello", X_Thing="one")) as wire:
        reply = await to(wire).post(f"{wire.url}/inbox", b"body", headers={"x-mine": "yes"})
        assert (reply.status, reply.body, reply.headers["x-thing"]) == (201, b"hello", "one")
        head = wire.came[0].lower()
        assert head.startswith(b"post /inbox http/1.1\r\n")
        assert b"x-mine: yes" in head
        assert b"host: partner.example:" in head
        assert b"accept-encoding: identity" in head
        assert b"cookie" not in head


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example/",
        "https://partner.example:444/",
        "http://partner.example/",
        "https://partner.example.evil.example/",
        "https://partner.example@evil.example/",
        "https://evil.example@partner.example/",
        "https://127.0.0.1/",
        "ftp://partner.example/",
        "file:///etc/passwd",
        "//partner.example/",
        "https://[::1/",
        "https://partner.example:0x1bb/",
        "https://pärtner.example/",
        "",
    ],
)
async def test_a_place_that_is_not_registered_is_refused(url):
    async def resolve(host, _):
        raise AssertionError(host)

    with pytest.raises(Refused):
        await Egress.to("https://partner.example/handoff", resolve=resolve).get(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:0:0:0:0:0:80ff:fffe",
    ],
)
async def test_an_address_inside_is_refused_alone_or_among_good_ones(address):
    for addresses in ([address], ["93.184.216.34", address], [address, "2606:4700::1111"]):
        egress = Egress.to("https://partner.example", resolve=resolving(*addresses))
        with pytest.raises(Refused):
            await egress.get("https://partner.example/")


def test_public_addresses_pass():
    assert checked(["93.184.216.34", "2606:4700::1111"], loopback=False) == ("93.184.216.34", "2606:4700::1111")


def test_a_sandbox_leads_nowhere_else():
    for address in ("93.184.216.34", "10.0.0.1", "169.254.169.254"):
        with pytest.raises(Refused):
            checked([address], loopback=True)
    assert checked(["127.0.0.1", "::1"], loopback=True) == ("127.0.0.1", "::1")
    with pytest.raises(Unavailable):
        checked([], loopback=True)


async def test_without_the_sandbox_loopback_and_http_are_shut():
    async with answering(http()) as wire:
        with pytest.raises(Refused):
            await to(wire, loopback=False).get(wire.url)
        assert not wire.came

    async def resolve(host, _):
        raise AssertionError(host)

    with pytest.raises(Refused):
        await Egress.to("http://partner.example", resolve=resolve).get("http://partner.example/")


async def test_a_name_that_changes_its_meaning_is_not_asked_twice():
    asked = []

    async def rebinding(host, _):
        asked.append(host)
        return ["93.184.216.34"] if len(asked) > 1 else ["127.0.0.1"]

    async with answering(http()) as wire:
        await to(wire, resolve=rebinding).get(wire.url)
        assert asked == ["partner.example"]
        with pytest.raises(Refused):
            await to(wire, resolve=rebinding).get(wire.url)
        assert len(wire.came) == 1


async def test_the_second_address_is_tried_when_the_first_is_silent():
    async with answering(http()) as wire:
        egress = to(wire, resolve=resolving("127.0.0.2", "127.0.0.1"))
        assert (await egress.get(wire.url)).status == 200


async def test_redirects_are_not_followed():
    async with answering(http(302, location="http://169.254.169.254/latest/meta-data")) as wire:
        assert (await to(wire).get(wire.url)).status == 302
        assert len(wire.came) == 1


async def test_proxies_of_the_environment_are_not_used(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with answering(http()) as wire:
        assert (await to(wire).get(wire.url)).status == 200


# ---- What goes wrong: before anything was sent, and after


async def test_a_shut_door_did_nothing():
    async with answering(http()) as wire:
        pass
    with pytest.raises(Unavailable):
        await to(wire).post(wire.url, b"x", headers={})


async def test_a_name_that_cannot_be_resolved_did_nothing():
    with pytest.raises(Unavailable):
        await Egress.to("https://no-such-name.invalid").post("https://no-such-name.invalid/", b"x", headers={})


async def test_a_resolver_that_hangs_is_left_alone():
    held, asked = threading.Event(), threading.Event()

    def hangs(*_: object) -> list[str]:
        asked.set()
        held.wait(20)
        return []

    egress = Egress.to("https://partner.example", timeout_seconds=0.3, resolve=partial(resolved, look=hangs))
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        await egress.post("https://partner.example/", b"x", headers={})
    assert time.monotonic() - begun < 5
    assert asked.is_set()
    held.set()


@pytest.mark.parametrize(
    "told",
    [
        {"chunks": [], "reset": True},
        {"chunks": []},
        {"chunks": [b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this"]},
        {"chunks": [b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this"], "reset": True},
        {"chunks": [b"this is no http\r\n\r\n"]},
        {"chunks": [], "hang": True},
        {"chunks": [http(200, b"x" * 50)], "bytes_max": 10},
    ],
    ids=["reset", "closed", "cut short", "reset midway", "garbled", "silence", "too long"],
)
async def test_an_answer_that_is_lost_leaves_doubt_only_where_something_was_done(told):
    limits = {"timeout_seconds": 0.4} | ({"bytes_max": told.pop("bytes_max")} if "bytes_max" in told else {})
    async with answering(*told.pop("chunks"), **told) as wire:
        with pytest.raises(Uncertain):
            await to(wire, **limits).post(wire.url, b"x", headers={})
        with pytest.raises((Unavailable, Invalid)):
            await to(wire, **limits).get(wire.url)
        with pytest.raises((Unavailable, Invalid)):
            await to(wire, **limits).post(wire.url, b"x", headers={}, safe=True)


async def test_an_answer_that_drips_is_not_waited_for():
    body = http(200, b"x" * 100)
    async with answering(*(body[at : at + 1] for at in range(len(body))), pause=0.05) as wire:
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            await to(wire, timeout_seconds=0.3).get(wire.url)
        assert time.monotonic() - begun < 2


async def test_compressed_bombs_stay_compressed():
    async with answering(http(200, b"\x1f\x8b" + b"z" * 100, content_encoding="gzip")) as wire:
        assert len((await to(wire).get(wire.url)).body) == 102


async def test_nothing_is_logged_at_any_level(caplog):
    caplog.set_level(logging.DEBUG)
    async with answering(http(200, b"planted-body", dpop_nonce="planted-nonce")) as wire:
        await to(wire).post(f"{wire.url}/planted", b"planted", headers={"authorization": "DPoP planted"})
    assert "planted" not in caplog.text
    assert "partner.example" not in caplog.text
    assert not [record for record in caplog.records if record.name.startswith("httpcore2")]


# ---- TLS


async def test_a_valid_certificate_of_somebody_else_is_not_enough(tmp_path):
    authority = Authority(tmp_path)
    ours, certificate = authority.server("ours")
    theirs, _ = authority.server("theirs")
    tls = tls_context(str(authority.file))
    async with answering(http(200, b"ours"), tls=ours) as wire:
        assert (await to(wire, tls=tls, pins=[pin_of(certificate)]).get(wire.url)).body == b"ours"
        assert (await to(wire, tls=tls).get(wire.url)).body == b"ours"
    async with answering(http(200, b"theirs"), tls=theirs) as wire:
        assert (await to(wire, tls=tls).get(wire.url)).body == b"theirs"
        with pytest.raises(Unauthorized):
            await to(wire, tls=tls, pins=[pin_of(certificate)]).post(wire.url, b"secret", headers={})
        assert len(wire.came) == 1


async def test_a_certificate_that_does_not_hold_is_told_apart_from_silence(tmp_path):
    authority = Authority(tmp_path)
    other, _ = authority.server("other", host="other.example")
    good, _ = authority.server("good")
    async with answering(http(), tls=good) as wire:
        with pytest.raises(Unauthorized):
            await to(wire).get(wire.url)
    async with answering(http(), tls=other) as wire:
        with pytest.raises(Unauthorized):
            await to(wire, tls=tls_context(str(authority.file))).post(wire.url, b"x", headers={})
        assert not wire.came


async def test_old_tls_is_not_spoken(tmp_path):
    authority = Authority(tmp_path)
    old, _ = authority.server("old")
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with answering(http(), tls=old) as wire:
        with pytest.raises(Unavailable):
            await to(wire, tls=tls_context(str(authority.file))).get(wire.url)
        assert not wire.came


async def test_requests_beside_each_other_do_not_mind():
    async with answering(http(200, b"x")) as wire:
        replies = await asyncio.gather(*(to(wire).get(f"{wire.url}/{number}") for number in range(20)))
        assert {reply.status for reply in replies} == {200}


def test_places_are_told_apart():
    assert Place.of("https://A.example") == Place("https", "a.example", 443)
    assert Place.of("https://a.example:8443/x") != Place.of("https://a.example/x")


class Keeping:
    """A server that answers one request after another on a connection, until it is told to hang up."""

    def __init__(self):
        self.writers = []
        self.asked = 0
        self.rest = 0.0

    async def serve(self, reader, writer):
        self.writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.asked += 1
                await asyncio.sleep(self.rest)
                writer.write(http(200, b"there"))
                await writer.drain()
        writer.close()

    def hang_up(self):
        for writer in self.writers:
            writer.close()


async def test_a_connection_may_be_kept_for_the_next_request_until_either_side_hangs_up():
    keeping = Keeping()
    server = await asyncio.start_server(keeping.serve, "127.0.0.1", 0)
    url = f"http://partner.example:{server.sockets[0].getsockname()[1]}"
    egress = Egress.to(url, loopback=True, resolve=LOCAL, keep_seconds=5)
    for _ in range(3):
        assert (await egress.post(f"{url}/inbox", b"", headers={})).body == b"there"
    assert len(keeping.writers) == 1
    keeping.hang_up()
    await asyncio.sleep(0.05)
    # One that was hung up is not taken for one that lost an answer.
    assert (await egress.post(f"{url}/inbox", b"", headers={})).body == b"there"
    assert (len(keeping.writers), keeping.asked) == (2, 4)
    await egress.aclose()
    await asyncio.sleep(0.05)
    assert keeping.writers[1].is_closing()
    server.close()
    with pytest.raises(Unavailable):
        await egress.get(url)
    await egress.aclose()


@asynccontextmanager
async def keeping(**more):
    keeping = Keeping()
    server = await asyncio.start_server(keeping.serve, "127.0.0.1", 0)
    url = f"http://partner.example:{server.sockets[0].getsockname()[1]}"
    egress = Egress.to(url, **({"loopback": True, "resolve": LOCAL} | more))
    try:
        yield keeping, egress, url
    finally:
        await egress.aclose()
        server.close()


async def closed(keeping, which):
    await asyncio.wait_for(keeping.writers[which].wait_closed(), 5)


async def test_what_lies_idle_is_closed_also_when_nobody_comes_again():
    async with keeping(keep_seconds=0.05) as (server, egress, url):
        await egress.get(url)
        assert not server.writers[0].is_closing()
        await closed(server, 0)
        await egress.get(url)
        assert len(server.writers) == 2


async def again_and_again(egress, url):
    while True:
        await egress.get(url)
        await asyncio.sleep(0.01)


async def test_a_connection_that_is_never_idle_is_not_kept_for_ever():
    meanings = [["127.0.0.1"]]

    async def resolve(_host, _port):
        return meanings[-1]

    async with keeping(keep_seconds=5, longest_seconds=0.1, resolve=resolve) as (server, egress, url):
        await egress.get(url)
        meanings.append(["169.254.169.254"])
        # Of what was checked a moment ago the meaning stays.
        await egress.get(url)
        assert len(server.writers) == 1
        with pytest.raises(Refused):
            await asyncio.wait_for(again_and_again(egress, url), 5)
        assert len(server.writers) == 1
        await closed(server, 0)


async def test_a_request_under_way_ends_when_its_connection_is_too_old():
    async with keeping(keep_seconds=5, longest_seconds=0.05) as (server, egress, url):
        server.rest = 0.2
        slow = asyncio.create_task(egress.get(url))
        await asyncio.sleep(0.1)
        server.rest = 0.0
        assert (await egress.get(url)).body == b"there"
        assert len(server.writers) == 2
        assert not server.writers[0].is_closing()
        assert (await slow).body == b"there"
        await closed(server, 0)
