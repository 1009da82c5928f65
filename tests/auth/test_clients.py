"""Clients that other people wrote, and most partners use, against the hub."""

import json
from pathlib import Path

import pytest
from partner import ACCESS_TOKEN
from web import node

from schema.vocabulary import AccessScope

CLIENTS = Path(__file__).parent / "clients"
FRONT = "https://front.example/graphql"


def named(partner):
    key = partner.key.as_dict(private=True)
    return {"id": partner.id, "kid": partner.kid, "algorithm": partner.algorithm, "jwk": key}


@pytest.fixture
def world(live_hub):
    hub = live_hub
    return {
        "issuer": hub.issuer,
        "resource": f"{hub.issuer}/graphql",
        "front": FRONT,
        "machines": [
            named(hub.machine(AccessScope.NETWORK_READ, algorithm=algorithm, needs_nonce=algorithm == "PS256"))
            for algorithm in ("ES256", "PS256", "Ed25519")
        ],
        "console": named(hub.web()),
        "gateway": named(hub.gateway(resource=FRONT)),
        "person": str(hub.people.add(AccessScope.NETWORK_READ)),
    }


@pytest.mark.parametrize("script", ["oauth4webapi.mjs", "openid-client.mjs"])
def test_a_client_of_other_people_does_all_there_is_to_do(world, script):
    told = node.run(script, json.dumps(world), folder=CLIENTS)
    good = ["dpop", "network:read", True]
    assert told.pop("machines") == {"ES256": good, "PS256": good, "Ed25519": good}
    assert told.pop("exchanged") == [ACCESS_TOKEN, True]
    assert (told.pop("active"), told.pop("revoked")) == (True, False)
    assert told.pop("person") == told.pop("refreshed") == world["person"]
    if script == "oauth4webapi.mjs":
        assert told == {"discovered": True, "servers": [world["issuer"]], "nonce": True}
