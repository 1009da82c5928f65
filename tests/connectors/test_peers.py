"""Keys of the other side: published, kept, changed."""

import json

import pytest
from connectors_wires import answering, http, resolving

from connectors.egress import Egress
from connectors.errors import Invalid, Unavailable
from connectors.peers import PeerKeys
from connectors.signing import new_keys, private_jwks, public_jwks

PEN = new_keys("https://pen.example")


def published(me):
    return http(200, json.dumps(public_jwks(me)).encode())


def keys_at(wire, now):
    egress = Egress.to(wire.url, loopback=True, resolve=resolving("127.0.0.1"))
    return PeerKeys(PEN.issuer, f"{wire.url}/jwks", egress, clock=lambda: now[0])


async def test_they_are_kept_and_looked_at_again_for_a_key_that_is_new():
    now, turned = [0.0], new_keys(PEN.issuer)
    async with answering(published(PEN)) as wire:
        keys = keys_at(wire, now)
        assert PEN.kid in (await keys.find(PEN.kid)).keys
        wire.answer = published(turned)
        for _ in range(3):
            assert turned.kid not in (await keys.find(turned.kid)).keys
        assert len(wire.came) == 1
        now[0] = 61
        assert turned.kid in (await keys.find(turned.kid)).keys
        for _ in range(3):
            assert PEN.kid not in (await keys.find(PEN.kid)).keys
        assert len(wire.came) == 2
        now[0] = 62 + 20 * 60
        await keys.find()
        assert len(wire.came) == 3


async def test_old_keys_go_on_for_a_while_when_they_cannot_be_had():
    now = [0.0]
    async with answering(published(PEN)) as wire:
        keys = keys_at(wire, now)
        await keys.find()
        wire.answer = http(500)
        now[0] = 20 * 60 + 1
        assert PEN.kid in (await keys.find()).keys
        assert PEN.kid in (await keys.find()).keys
        assert len(wire.came) == 2


async def test_without_any_it_says_so_and_does_not_ask_at_once_again():
    now = [0.0]
    async with answering(http(503)) as wire:
        keys = keys_at(wire, now)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await keys.find()
        assert len(wire.came) == 1
        wire.answer = published(PEN)
        now[0] = 2.1
        assert (await keys.find()).issuer == PEN.issuer


@pytest.mark.parametrize(
    "body",
    [b"no json", b"[]", b"{}", b"[" * 9000, json.dumps(private_jwks(PEN)).encode()],
    ids=lambda body: str(body[:9]),
)
async def test_what_is_no_key_set_is_refused(body):
    async with answering(http(200, body)) as wire:
        with pytest.raises(Invalid):
            await keys_at(wire, [0.0]).find()
