"""The client that connectors read with gets on with the hub's own authorization server."""

from types import SimpleNamespace

import pytest

from connectors.egress import Egress
from connectors.errors import Unauthorized, Unsupported
from connectors.transports.credentials import OAuthClient
from connectors.transports.https import Https
from schema.vocabulary import AccessScope


def client_of(hub, partner, **more):
    egress = Egress.to(hub.issuer, loopback=True)
    client = OAuthClient(
        issuer=hub.issuer,
        client_id=str(partner.id),
        kid=partner.kid,
        key=partner.key,
        egress=egress,
        now=hub.clock.now,
        **more,
    )
    return client, Https(hub.issuer, egress, client, hub.clock.now)


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519"])
async def test_it_gets_a_token_and_reads_with_it(hub, algorithm):
    partner = hub.machine(AccessScope.REFERRAL_RECEIVE, algorithm=algorithm)
    client, wire = client_of(hub, partner, scope="referral:receive", resource=f"{hub.issuer}/graphql")
    assert b"referral:receive" in await wire.read("/graphql")
    token = client._token  # noqa: SLF001  # to see that it is kept
    assert b"referral:receive" in await wire.read("/graphql")
    assert client._token == token  # noqa: SLF001  # as above
    assert token not in repr(client)


async def test_it_fetches_another_when_one_runs_out_or_is_refused(hub):
    client, wire = client_of(hub, hub.machine(AccessScope.REFERRAL_RECEIVE))
    await wire.read("/graphql")
    first = client._token  # noqa: SLF001  # to see that it changes
    hub.clock.advance(seconds=280)
    await wire.read("/graphql")
    second = client._token  # noqa: SLF001  # as above
    assert first != second
    client._token = first[:-4] + "AAAA"  # noqa: SLF001  # a token gone bad
    await wire.read("/graphql")
    assert client._token not in {first, second}  # noqa: SLF001  # as above


async def test_it_takes_nonces(hub):
    _, wire = client_of(hub, hub.machine(AccessScope.REFERRAL_RECEIVE, needs_nonce=True))
    assert b"referral:receive" in await wire.read("/graphql")


async def test_a_stranger_gets_none(hub):
    partner = hub.machine(AccessScope.REFERRAL_RECEIVE)
    stranger = SimpleNamespace(id=partner.id, kid=partner.kid, key=type(partner.key).generate_key("P-256"))
    _, wire = client_of(hub, stranger)
    with pytest.raises(Unauthorized):
        await wire.read("/graphql")


async def test_what_is_not_there_is_told_so(hub):
    _, wire = client_of(hub, hub.machine(AccessScope.REFERRAL_RECEIVE))
    with pytest.raises(Unsupported):
        await wire.read("/referrals/nowhere/packet")
