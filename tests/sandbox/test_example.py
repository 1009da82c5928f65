"""The example for partners' developers, written from the page alone, gets on with the connectors."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from uuid import UUID, uuid4

import httpx
import pytest

from connectors import handoff as wire
from connectors.errors import Refused, Unauthorized
from connectors.protocol import Capability
from connectors.signing import Me, new_keys, unchecked
from tests.sandbox.counterpart import counterpart, now
from tests.sandbox.sandbox_process import ROOT, until

EXAMPLE = ROOT / "docs" / "examples" / "recipient.py"


@pytest.fixture
async def example(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with counterpart() as hub:
        (tmp_path / "partner.key").write_text(json.dumps(hub.client_key.as_dict(private=True)))
        me = f"http://127.0.0.1:{port}"
        environ = os.environ | {"ME": me, "HUB": hub.issuer, "CLIENT_ID": "sandbox", "PORT": str(port)}
        process = subprocess.Popen([sys.executable, str(EXAMPLE)], cwd=tmp_path, env=environ)  # noqa: ASYNC220  # a moment
        async with httpx.AsyncClient() as client:

            async def answers():
                try:
                    return (await client.get(f"{me}/health")).status_code == 200
                except httpx.HTTPError:
                    return False

            await until(answers)
        can = frozenset({Capability.NOTICE, Capability.STATUS, Capability.WITHDRAW})
        hub.speak_with("icorn", port, capabilities=can, timeout_seconds=30)
        yield hub
        process.terminate()
        await asyncio.to_thread(process.wait, 20)


def stop_of(hub, packet, cause="withdrawn"):
    said = unchecked(packet)
    handoff = UUID(said["handoff"])
    return wire.make_withdrawal(hub.me, said["aud"], handoff=handoff, number=1, at=now(), cause=cause, now=now())


async def test_it_takes_in_confirms_and_deletes(example):
    hub = example
    packet = hub.new_packet()
    handoff = UUID(unchecked(packet)["handoff"])
    for _ in range(2):
        assert (await hub.partner.send(packet)).message.version == 1
    assert len(hub.fetched) == 1
    status = await hub.partner.status(handoff)
    assert (await hub.partner.held(status, packet)).message.handoff == handoff
    assert (await hub.partner.status(uuid4())).message.known is False
    newer = hub.new_packet(handoff=handoff, version=2)
    assert (await hub.partner.send(newer)).message.version == 2
    assert (await hub.partner.withdraw(stop_of(hub, packet))).message.answer == "deleted"
    assert (await hub.partner.status(handoff)).message.receipt is None
    with pytest.raises(Refused):
        await hub.partner.send(newer)


async def test_it_refuses_what_it_must(example):
    hub = example
    packet = hub.new_packet()
    await hub.partner.send(packet)
    with pytest.raises(Refused):
        await hub.partner.send(hub.new_packet(handoff=UUID(unchecked(packet)["handoff"])))
    overtaken = hub.new_packet()
    await hub.partner.withdraw(stop_of(hub, overtaken, "consent_revoked"))
    with pytest.raises(Refused):
        await hub.partner.send(overtaken)
    forger = new_keys(hub.issuer)
    hub.partner._me = Me(hub.issuer, hub.me.kid, forger.key, hub.me.unsealing)  # noqa: SLF001  # a forger in our place
    with pytest.raises(Unauthorized):
        await hub.partner.send(packet)
    url = f"{hub.partner.settings.reach.base}/referrals/{unchecked(packet)['handoff']}/status"
    async with httpx.AsyncClient() as client:
        assert (await client.get(url)).status_code == 401
        aud = hub.partner.settings.reach.issuer
        forged = wire.sign_request(Me(hub.issuer, hub.me.kid, forger.key, {}), aud, method="GET", url=url, now=now())
        assert (await client.get(url, headers={"authorization": f"Signed {forged}"})).status_code == 401
    assert len(hub.fetched) == 1
