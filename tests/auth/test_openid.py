"""Tokens of an OpenID provider that other people wrote, at the graph: taken for what they are worth, and no further."""

import json
import time
from datetime import timedelta

import pytest
from databases import cloned
from partner import MISSING, Partner, hs256, new_key, raw, read
from sqlalchemy import update
from town import SCOPES, own_client, own_token, settled

from hub.auth import registry
from hub.auth.errors import ClientRefused
from hub.auth.registry import NewClient
from hub.clock import SystemClock
from hub.settings import Bearer, ClaimNames, OwnTokens, ProviderTokens
from schema.tables import AgreementRow
from schema.tables.oauth import ClientKind
from schema.vocabulary import (
    AccessScope,
    AgreementState,
)


@pytest.fixture(scope="module")
def world(template):
    """A provider with its clients, and the database of hubs that take its tokens."""
    with cloned(template, "openid") as database, settled(database) as town:
        yield town, database


@pytest.fixture(scope="module")
def town(world):
    """The provider and a hub, both running."""
    town, database = world
    with town.providing(), town.asking(database):
        yield town


def test_a_program_of_a_body_comes_in_by_the_providers_token(town):
    token = town.token(scope="network:read")
    header, claims = read(token)
    assert (header["typ"], claims["iss"], claims["cnf"]) == (
        "at+jwt",
        town.issuer,
        {"jkt": town.clients["program"].jkt},
    )
    viewer = town.viewer(token)
    assert viewer.pop("tokenExpiresAt").startswith("20")
    assert viewer == {
        "relation": "PARTNER_AGREEMENT",
        "scopes": ["NETWORK_READ"],
        "purposes": ["RESIDENCY_PLACEMENT"],
        "organisation": {"slug": "pen"},
        "city": None,
    }


def test_the_agreement_bounds_what_the_provider_gives(town):
    everything = " ".join(scope.value for scope in AccessScope)
    assert town.viewer(town.token(scope=f"openid {everything}"))["scopes"] == ["NETWORK_READ", "STATS_READ"]
    of_a_guest = town.viewer(town.token("site", scope=f"openid {everything}"), "site")
    assert of_a_guest["scopes"] == ["NETWORK_READ"]
    assert of_a_guest["organisation"] == {"slug": "pen"}


def test_an_agreement_that_ends_bites_on_the_next_request(town):
    token, sites = town.token(), town.token("site")
    assert town.viewer(token)["scopes"] == ["NETWORK_READ"]
    with town.session() as session:
        session.execute(update(AgreementRow).values(state=AgreementState.ENDED))
    try:
        assert town.viewer(token)["scopes"] == []
        assert town.viewer(sites, "site")["scopes"] == []
    finally:
        with town.session() as session:
            session.execute(update(AgreementRow).values(state=AgreementState.IN_FORCE))
    assert town.viewer(token)["scopes"] == ["NETWORK_READ"]


@pytest.mark.parametrize("what", ["client", "body"])
def test_who_is_suspended_reads_nothing_from_the_next_request_on(town, what):
    token = town.token()
    assert not town.refuses(token)
    now = SystemClock().now()
    with town.session() as session:
        registry.suspend(session, "program") if what == "client" else registry.cut_body_off(session, "pen")
    assert town.refuses(token)
    assert town.refuses(town.token())
    with town.session() as session:
        if what == "client":
            registry.resume(session, "program", now=now - timedelta(minutes=1))
        else:
            registry.restore_body(session, "pen", now=now - timedelta(minutes=1))
    assert not town.refuses(town.token())


def test_people_stand_where_the_mapped_roles_say(town):
    desk, lead = town.viewer(town.token("desk"), "desk"), town.viewer(town.token("lead"), "lead")
    assert (desk["relation"], lead["relation"]) == ("CASEWORKER", "LEAD")
    host = town.viewer(town.token("host"), "host")
    assert (host["relation"], host["city"]) == ("CITY_HOST", {"slug": "no-oslo"})
    wide = town.viewer(town.token("desk", scope="network:read stats:read"), "desk")
    assert wide["scopes"] == ["NETWORK_READ"]


def test_a_program_of_a_body_is_not_the_secretariat_whatever_its_roles_say(town):
    viewer = town.viewer(town.token("poser"), "poser")
    assert (viewer["relation"], viewer["organisation"]) == ("PARTNER_AGREEMENT", {"slug": "pen"})


def test_without_a_mapping_nobody_is_the_secretariat(world, town):
    claims = {"roles": ["lead"], "role": "lead", "relation": "lead", "groups": ["lead"], "realm": {"roles": ["lead"]}}
    with town.asking(world[1], openid_claims=ClaimNames()):
        assert town.viewer(town.token("lead"), "lead") is None
        assert town.viewer(town.forged("lead", **claims), "lead") is None


@pytest.mark.parametrize("name", ["stranger", "liar", "unknown", "nowhere"])
def test_an_unknown_client_body_or_city_is_refused_like_a_bad_token(town, name):
    assert town.refuses(town.token(name), name)


def test_a_client_of_the_hub_cannot_be_named_by_the_provider(town):
    with town.session() as session:
        for kind in (ClientKind.MACHINE, ClientKind.WEB):
            more = {"redirect_uris": ["https://site.example/"]} if kind is ClientKind.WEB else {"body": "pen"}
            jwks = town.clients["program"].jwks
            registry.create(
                session,
                NewClient(name="own", kind=kind, id=f"own-{kind.value}", scopes=SCOPES, jwks=jwks, **more),
                now=SystemClock().now(),
            )
    assert town.refuses(town.forged(client_id="own-machine"))
    assert town.refuses(town.forged(client_id="own-web"))
    assert not town.refuses(town.forged())


def test_a_client_of_the_provider_gets_no_token_here(town):
    program = town.clients["program"]
    here = Partner(town.hub, SystemClock(), town.http, id="program", key=program.key, kid=program.kid)
    assert here.token().json()["error"] == "invalid_client"
    with town.session() as session:
        with pytest.raises(ClientRefused):
            registry.rekey(session, "program", jwks=program.jwks, jwks_uri=None)
        for more in ({"jwks": program.jwks, "id": "x"}, {"jwks_uri": "https://x.example/", "id": "x"}, {}):
            with pytest.raises(ClientRefused):
                registry.create(session, NewClient(name="x", kind=ClientKind.PROVIDED, **more), now=SystemClock().now())


def test_a_token_for_another_resource_is_refused(town):
    assert town.refuses(town.token(resource="https://other.example/graphql"))
    assert town.refuses(town.forged(aud=["https://other.example/graphql"]))
    assert town.refuses(town.forged(aud=MISSING))
    assert not town.refuses(town.forged(aud=["https://other.example/graphql", town.resource]))


LATER, LONG_AGO = 3600, -3600


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://provider.example"},
        {"iss": MISSING},
        {"iat": LATER, "exp": LATER + 300},
        {"iat": LONG_AGO, "exp": LONG_AGO + 300},
        {"nbf": LATER},
        {"exp": 700},
        {"exp": MISSING},
        {"exp": "soon"},
        {"exp": True},
        {"iat": MISSING},
        {"iat": "now"},
        {"sub": MISSING},
        {"sub": 7},
        {"client_id": MISSING},
        {"client_id": ["program"]},
        {"client_id": "program\x00"},
        {"organisation": ["pen"]},
        {"organisation": {"slug": "pen"}},
        {"scope": 7},
        {"scope": [7]},
        {"cnf": {}},
        {"cnf": "key"},
        {"cnf": {"jkt": "short"}},
        {"cnf": {"x5t#S256": "a" * 43}},
        {"nonce": "of an ID token"},
        {"at_hash": "of an ID token"},
        {"typ": "ID"},
        {"typ": "Refresh"},
        {"events": {}},
    ],
    ids=str,
)
def test_a_token_whose_claims_are_bent_is_refused(town, claims):
    now = int(time.time())
    moved = {
        name: now + value if name in {"iat", "exp", "nbf"} and type(value) is int else value
        for name, value in claims.items()
    }
    assert town.refuses(town.forged(**moved))


def test_a_token_without_signature_or_by_the_public_key_as_secret_is_refused(town):
    header, claims = read(town.forged())
    pem = town.key.as_pem(private=False)
    assert town.refuses(raw(header | {"alg": "none"}, claims))
    assert town.refuses(raw(header, claims))
    assert town.refuses(hs256(header | {"alg": "HS256"}, claims, pem))
    assert town.refuses(hs256(header | {"alg": "HS256"}, claims, json.dumps(town.key.as_dict(private=False)).encode()))


def test_a_token_by_another_key_is_refused(town):
    own = new_key()
    assert town.refuses(town.forged(key=own))
    assert town.refuses(town.forged(key=own, header={"jwk": own.as_dict(private=False)}))
    assert town.refuses(town.forged(key=own, header={"jku": f"{town.issuer}/keys"}))
    assert town.refuses(town.forged(key=own, header={"kid": "another"}))
    text = town.forged()
    assert town.refuses(text[:-4] + ("AAAA" if text[-4:] != "AAAA" else "BBBB"))


def test_a_token_of_another_type_is_refused_unless_the_settings_take_it(world, town):
    for typ in ("JWT", MISSING):
        assert town.refuses(town.forged(header={"typ": typ}))
    with town.asking(world[1], openid_tokens=ProviderTokens.ANY):
        for typ in ("JWT", "at+jwt", MISSING):
            assert not town.refuses(town.forged(header={"typ": typ}, typ="Bearer"))
        for typ in ("logout+jwt", "dpop+jwt", "id_token+jwt"):
            assert town.refuses(town.forged(header={"typ": typ}))
        for more in ({"nonce": "x"}, {"at_hash": "x"}, {"typ": "ID"}, {"events": {}}, {"aud": "program"}):
            assert town.refuses(town.forged(header={"typ": "JWT"}, **more))


def test_a_stolen_token_is_worth_nothing_without_its_key(town):
    token, thief = town.token(), new_key()
    assert town.refuses(token, proof=MISSING)
    assert town.refuses(token, proof=town.clients["program"].proof("POST", town.resource, token=token, key=thief))
    assert town.refuses(token, scheme="Bearer", proof=MISSING)
    assert town.refuses(token, scheme="Bearer")
    proof = town.clients["program"].proof("POST", town.resource, token=token)
    assert not town.refuses(token, proof=proof)
    assert town.refuses(token, proof=proof)


def test_a_token_bound_to_no_key_is_refused_unless_the_settings_take_it(world, town):
    loose = town.token(proof=MISSING)
    assert "cnf" not in read(loose)[1]
    assert town.refuses(loose, scheme="Bearer", proof=MISSING)
    assert town.refuses(loose, scheme="Bearer")
    assert town.refuses(loose)
    with town.asking(world[1], openid_bearer=Bearer.ALLOWED):
        assert town.viewer(loose, scheme="Bearer", proof=MISSING)["relation"] == "PARTNER_AGREEMENT"
        assert town.refuses(loose)
        assert town.refuses(loose, scheme="Basic", proof=MISSING)
        bound = town.token()
        assert town.refuses(bound, scheme="Bearer", proof=MISSING)
        assert not town.refuses(bound)
        assert not town.refuses(town.forged(cnf=MISSING), scheme="Bearer", proof=MISSING)
        for cnf in ({"x5t#S256": "a" * 43}, {}, None, {"jkt": "a" * 43}):
            assert town.refuses(town.forged(cnf=cnf), scheme="Bearer", proof=MISSING)


def test_tokens_of_the_hubs_own_go_on_beside(world, town):
    own = own_client(town)
    town.clients["own"] = own
    token = own_token(town, own).json()["access_token"]
    assert town.viewer(token, "own")["relation"] == "PARTNER_AGREEMENT"
    assert town.refuses(token, "own", scheme="Bearer", proof=MISSING)
    with town.asking(world[1], openid_bearer=Bearer.ALLOWED):
        assert town.refuses(token, "own", scheme="Bearer", proof=MISSING)
    with town.asking(world[1], own_tokens=OwnTokens.REFUSED):
        assert town.refuses(token, "own")
        assert own_token(town, own).status_code == 404
        assert not town.refuses(town.token())


def test_the_graph_tells_whose_tokens_it_takes(world, town):
    def told():
        return town.http.get(f"{town.hub}/.well-known/oauth-protected-resource/graphql").json()

    assert told()["authorization_servers"] == ["https://hub.example", town.issuer]
    assert told()["dpop_bound_access_tokens_required"] is True
    with town.asking(world[1], own_tokens=OwnTokens.REFUSED, openid_bearer=Bearer.ALLOWED):
        assert told()["authorization_servers"] == [town.issuer]
        assert told()["dpop_bound_access_tokens_required"] is False


def test_another_audience_can_be_set(world, town):
    with town.asking(world[1], openid_audience="urn:icorn"):
        assert not town.refuses(town.forged(aud="urn:icorn"))
        assert town.refuses(town.token())


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_a_provider_that_signs_by_rsa_is_understood(database, algorithm):
    with settled(database) as town:
        town.algorithm, town.key = algorithm, new_key(algorithm)
        with town.providing(), town.asking(database):
            token = town.token()
            assert read(token)[0]["alg"] == algorithm
            assert not town.refuses(token)
            assert town.refuses(town.forged(header={"alg": "ES256"}, key=new_key()))
