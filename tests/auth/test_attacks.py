"""Attacks. Each test is one bad input at one check, and the same request without it succeeds somewhere in this folder.

`python -m tests.auth.mutants` switches the checks off one by one and asks that a test here fails.
Long, because it is one list: who reviews the checks reads it from top to bottom.
"""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jws
from joserfc.jwk import RSAKey
from looking import grant_of
from partner import MISSING, b64, back, challenge_of, hs256, new_key, raw, read, signed, unb64
from sqlalchemy import delete
from sqlmodel import col
from structlog.testing import LogCapture

from hub.auth import registry
from hub.auth.keys import listed, replace
from schema.tables import DenialRow
from schema.vocabulary import AccessScope, AgreementState, Category

BOTH = (AccessScope.NETWORK_READ, AccessScope.CASE_READ)
REFUSED = {"error": "invalid_client", "error_description": "The client could not be authenticated."}


@pytest.fixture
def partner(hub):
    return hub.machine()


@pytest.fixture
def console(hub):
    return hub.web()


@pytest.fixture
def person(hub):
    return hub.people.add(*BOTH)


def refused(answer, error="invalid_client", status=400):
    assert answer.status_code == status, answer.text
    assert answer.json()["error"] == error
    assert "access_token" not in answer.json()


def unread(answer):
    assert answer.status_code == 401, answer.text


# Access tokens, at the resource server.


def test_a_token_without_signature_is_refused(partner):
    header, claims = read(partner.access_token())
    for algorithm in ("none", "None", "NONE", ""):
        token = raw(header | {"alg": algorithm}, claims)
        unread(partner.read(token))


def test_a_token_signed_with_the_public_key_as_secret_is_refused(hub, partner):
    header, claims = read(partner.access_token())
    public = hub.http.get(f"{hub.issuer}/oauth/jwks").json()["keys"][0]
    for secret in (json.dumps(public).encode(), unb64(public["x"]), public["kid"].encode()):
        unread(partner.read(hs256(header | {"alg": "HS256"}, claims, secret)))


@pytest.mark.parametrize("kid", ["", "../../dev/null", "' or 1=1 --", "0", MISSING, 7, None])
def test_a_token_that_plays_with_the_key_id_is_refused(partner, kid):
    header, claims = read(partner.access_token())
    unread(partner.read(signed(header | {"kid": kid}, claims, new_key())))


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c", "crit", "b64"])
def test_a_token_that_brings_its_own_key_is_refused(partner, member):
    header, claims = read(partner.access_token())
    mine = new_key()
    values = {"jwk": mine.as_dict(private=False), "x5c": ["MIIB"], "crit": ["exp"], "b64": True}
    value = values.get(member, "https://evil.example/keys")
    unread(partner.read(signed(header | {member: value}, claims, mine)))


def own_signature(hub, header, claims):
    """Sign as the hub would."""
    hub.auth.server.ring.refresh()
    return signed(header, claims, hub.auth.server.ring.signer().key)


@pytest.mark.parametrize("member", ["jku", "x5u"])
def test_a_token_of_ours_with_a_strange_header_is_refused(hub, partner, member):
    header, claims = read(partner.access_token())
    unread(partner.read(own_signature(hub, header | {member: "https://evil.example/keys"}, claims)))


@pytest.mark.parametrize(
    "bent",
    [
        {"iss": "https://evil.example"},
        {"aud": "https://other.example/graphql"},
        {"aud": ["a", "b"]},
        {"exp": 1},
        {"nbf": 4_000_000_000},
        {"iat": 4_000_000_000},
        {"exp": "4000000000"},
        {"exp": True},
        {"exp": MISSING},
        {"cnf": MISSING},
        {"cnf": {}},
        {"jti": MISSING},
        {"gid": MISSING},
        {"scope": ["case:read"]},
        {"org": "no uuid"},
        {"act": {"sub": 7}},
    ],
    ids=lambda bent: f"{next(iter(bent))}",
)
def test_a_token_of_ours_whose_claims_are_bent_is_refused(hub, partner, bent):
    header, claims = read(partner.access_token())
    unread(partner.read(own_signature(hub, header, claims | bent)))


def test_a_token_of_ours_under_an_unknown_key_id_is_refused(hub, partner):
    header, claims = read(partner.access_token())
    unread(partner.read(own_signature(hub, header | {"kid": "another"}, claims)))
    unread(partner.read(own_signature(hub, header | {"kid": MISSING}, claims)))


def test_a_token_that_lives_too_long_is_refused(hub, partner):
    header, claims = read(partner.access_token())
    unread(partner.read(own_signature(hub, header, claims | {"exp": claims["iat"] + 3600})))


@pytest.mark.parametrize("typ", ["JWT", "dpop+jwt", "id_token", MISSING, 7])
def test_a_token_of_another_type_is_refused(hub, partner, typ):
    header, claims = read(partner.access_token())
    unread(partner.read(own_signature(hub, header | {"typ": typ}, claims)))


def test_an_assertion_is_no_access_token(partner):
    unread(partner.read(partner.assertion()))


def test_a_token_is_refused_when_its_time_is_over(hub, partner):
    token = partner.access_token()
    assert partner.read(token).status_code == 200
    hub.clock.advance(seconds=311)
    unread(partner.read(token))


def test_a_changed_token_is_refused(partner):
    token = partner.access_token()
    header, claims, signature = token.split(".")
    _, values = read(token)
    wider = b64(json.dumps(values | {"scope": "health:read"}).encode())
    unread(partner.read(f"{header}.{wider}.{signature}"))
    unread(partner.read(f"{header}.{claims}.{b64(bytes(64))}"))


def test_a_token_for_another_resource_is_refused_here(hub, partner):
    gateway = hub.gateway(resource=f"https://{uuid4()}.example/graphql")
    with hub.session() as session:
        resource = registry.client(session, gateway.id).resource
    token = partner.access_token(resource=resource)
    assert read(token)[1]["aud"] == resource
    unread(partner.read(token))


# Client assertions.


@pytest.mark.parametrize(
    "bent",
    [
        {"exp": -100},
        {"exp": 3700},
        {"exp": 10**9},
        {"exp": MISSING},
        {"exp": "soon"},
        {"iat": 100},
        {"nbf": 100},
        {"jti": MISSING},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 1000},
        {"aud": MISSING},
        {"aud": "https://evil.example"},
        {"iss": "somebody"},
        {"sub": "somebody"},
        {"sub": MISSING},
    ],
    ids=lambda bent: "-".join(
        f"{name}={'missing' if value is MISSING else value}"[:20] for name, value in bent.items()
    ),
)
def test_a_bent_assertion_is_refused(partner, bent):
    at = {name: partner.now + bent[name] for name in ("exp", "iat", "nbf") if isinstance(bent.get(name), int)}
    answer = partner.token(assertion=partner.assertion(**(bent | at)))
    refused(answer)
    assert answer.json() == REFUSED


def test_the_audience_is_the_issuer_as_one_string(hub, partner):
    for audience in ([hub.issuer], [hub.issuer, "https://evil.example"], partner.url("token"), hub.issuer + "/"):
        refused(partner.token(assertion=partner.assertion(aud=audience)))


def test_operators_are_told_what_was_wrong_and_strangers_are_not(hub, partner, monkeypatch):
    told, used = LogCapture(), partner.assertion()
    assert partner.token(assertion=used).status_code == 200
    monkeypatch.setattr("hub.auth.server._log", structlog.wrap_logger(None, [told], structlog.BoundLogger))
    tomorrow = int((hub.clock.now() + timedelta(days=1)).timestamp())
    for assertion in (
        partner.assertion(aud=partner.url("token")),
        partner.assertion(exp=tomorrow),
        partner.assertion(sub="nobody", iss="nobody"),
        used,
    ):
        answer = partner.token(assertion=assertion)
        refused(answer)
        assert answer.json() == REFUSED
    reasons = [entry["reason"] for entry in told.entries if entry["event"] == "oauth.assertion_refused"]
    assert reasons == ["audience", "exp", "signature", "used before"]


def test_an_old_library_may_name_the_token_endpoint_where_that_is_marked(hub):
    old = hub.machine(legacy_audience=True)
    assert old.token(assertion=old.assertion(aud=old.url("token"))).status_code == 200
    refused(old.token(assertion=old.assertion(aud=[old.url("token")])))
    refused(old.token(assertion=old.assertion(aud="https://evil.example")))


def test_a_replayed_assertion_is_refused(partner):
    assertion = partner.assertion()
    assert partner.token(assertion=assertion).status_code == 200
    refused(partner.token(assertion=assertion))
    refused(partner.post("par", assertion=assertion))


def test_an_assertion_used_for_a_refused_request_is_used(partner):
    assertion = partner.assertion()
    refused(partner.token(assertion=assertion, scope="no:such"), "invalid_scope")
    refused(partner.token(assertion=assertion))


def test_an_assertion_without_signature_is_refused(partner):
    header, claims = read(partner.assertion())
    refused(partner.token(assertion=raw(header | {"alg": "none"}, claims)))


def test_an_assertion_with_the_public_key_as_secret_is_refused(partner):
    header, claims = read(partner.assertion())
    secret = json.dumps(partner.jwks["keys"][0]).encode()
    refused(partner.token(assertion=hs256(header | {"alg": "HS256"}, claims, secret)))


def test_an_assertion_by_an_algorithm_off_the_list_is_refused(hub):
    partner = hub.machine(algorithm="PS256")
    assert partner.token().status_code == 200
    refused(partner.token(assertion=partner.assertion(header={"alg": "RS256"})))


def test_an_assertion_by_anothers_key_is_refused(hub, partner):
    other = hub.machine()
    refused(partner.token(assertion=partner.assertion(key=other.key)))
    refused(partner.token(assertion=partner.assertion(key=other.key, header={"kid": other.kid})))


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c", "crit"])
def test_an_assertion_that_brings_its_own_key_is_refused(partner, member):
    mine = new_key()
    values = {"jwk": mine.as_dict(private=False), "x5c": ["MIIB"], "crit": ["exp"]}
    header = {member: values.get(member, "https://evil.example/keys")}
    refused(partner.token(assertion=partner.assertion(header=header, key=mine)))
    refused(partner.token(assertion=partner.assertion(header=header)))


def test_an_assertion_that_says_a_thing_twice_is_refused(partner):
    header, claims = read(partner.assertion())
    twice = json.dumps(claims)[:-1] + f', "aud": "{partner.issuer}"}}'
    text = f"{b64(json.dumps(header).encode())}.{b64(twice.encode())}"
    signature = jws.JWSRegistry.algorithms["ES256"].sign(text.encode(), partner.key)
    refused(partner.token(assertion=f"{text}.{b64(signature)}"))


def test_an_assertion_for_another_client_id_is_refused(hub, partner):
    refused(partner.token(client_id=hub.machine().id))


def test_a_token_of_another_type_is_no_assertion(partner):
    refused(partner.token(assertion=partner.assertion(header={"typ": "at+jwt"})))
    refused(partner.token(assertion=partner.assertion(header={"typ": "dpop+jwt"})))


def test_no_other_way_to_authenticate_is_taken(hub, partner):
    form = {"grant_type": "client_credentials", "client_id": partner.id, "client_secret": "secret"}
    refused(hub.http.post(partner.url("token"), data=form))
    answer = hub.http.post(partner.url("token"), data=form, auth=(partner.id, "secret"))
    refused(answer, status=401)
    assert answer.headers["www-authenticate"]
    refused(partner.token(assertion=MISSING, client_id=partner.id))


def test_nothing_tells_whether_a_client_exists(hub, partner):
    nobody = hub.machine()
    nobody.id = str(uuid4())
    answers = [nobody.token(), partner.token(assertion=partner.assertion(key=new_key())), nobody.post("par")]
    assert {(a.status_code, a.text) for a in answers} == {(400, json.dumps(REFUSED, separators=(",", ":")))}


# Proofs of possession.


@pytest.mark.parametrize(
    "bent",
    [
        {"htm": "GET"},
        {"htm": MISSING},
        {"htu": "https://evil.example/oauth/token"},
        {"htu": MISSING},
        {"iat": -61},
        {"iat": 60},
        {"iat": MISSING},
        {"iat": "now"},
        {"jti": MISSING},
        {"jti": ""},
        {"jti": "x" * 1000},
        {"nonce": "of another"},
        {"nonce": 7},
    ],
    ids=lambda bent: "-".join(
        f"{name}={'missing' if value is MISSING else value}"[:20] for name, value in bent.items()
    ),
)
def test_a_bent_proof_is_refused(partner, bent):
    if isinstance(bent.get("iat"), int):
        bent = {"iat": partner.now + bent["iat"]}
    answer = partner.token(proof=partner.proof("POST", partner.url("token"), **bent))
    refused(answer, "use_dpop_nonce" if bent.get("nonce") == "of another" else "invalid_dpop_proof")


def test_an_address_may_be_written_in_another_way(partner):
    host = partner.issuer.removeprefix("http://")
    for written in (f"HTTP://{host}/oauth/token", f"http://{host}/oauth/token?x=1", f"http://{host}/oauth/token#x"):
        assert partner.token(proof=partner.proof("POST", written)).status_code == 200
    for other in (
        f"http://{host}/oauth/token/",
        f"http://{host}/oauth/TOKEN",
        f"https://{host}/oauth/token",
        f"http://a@{host}/oauth/token",
    ):
        refused(partner.token(proof=partner.proof("POST", other)), "invalid_dpop_proof")


def test_there_is_no_token_without_proof(partner):
    refused(partner.token(proof=MISSING), "invalid_dpop_proof")


def test_two_proofs_are_none(hub, partner):
    headers = [("DPoP", partner.proof("POST", partner.url("token"))) for _ in range(2)]
    form = {"grant_type": "client_credentials", "client_assertion": partner.assertion()}
    form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    refused(hub.http.post(partner.url("token"), data=form, headers=headers), "invalid_dpop_proof")


def test_a_replayed_proof_is_refused(partner):
    proof = partner.proof("POST", partner.url("token"))
    assert partner.token(proof=proof).status_code == 200
    refused(partner.token(proof=proof), "invalid_dpop_proof")


def test_a_replayed_proof_is_refused_at_the_resource(partner):
    token = partner.access_token()
    proof = partner.proof("GET", f"{partner.issuer}/graphql", token=token)
    assert partner.read(token, proof=proof).status_code == 200
    unread(partner.read(token, proof=proof))


@pytest.mark.parametrize("typ", ["JWT", MISSING, "at+jwt"])
def test_a_proof_of_another_type_is_refused(partner, typ):
    proof = partner.proof("POST", partner.url("token"), header={"typ": typ})
    refused(partner.token(proof=proof), "invalid_dpop_proof")


def test_a_proof_with_its_private_key_inside_is_refused(partner):
    header = {"jwk": partner.dpop_key.as_dict(private=True)}
    refused(partner.token(proof=partner.proof("POST", partner.url("token"), header=header)), "invalid_dpop_proof")


def test_a_proof_by_an_algorithm_off_the_list_is_refused(partner):
    for algorithm, key in (("RS256", new_key("RS256")), ("HS256", new_key("HS256"))):
        proof = partner.proof(
            "POST", partner.url("token"), key=key, header={"alg": algorithm, "jwk": key.as_dict(private=False)}
        )
        refused(partner.token(proof=proof), "invalid_dpop_proof")
    header, claims = read(partner.proof("POST", partner.url("token")))
    refused(partner.token(proof=raw(header | {"alg": "none"}, claims)), "invalid_dpop_proof")


def test_a_proof_by_a_short_rsa_key_is_refused(partner):
    short = RSAKey(rsa.generate_private_key(65537, 1024), None)  # noqa: S505  # the attack
    proof = partner.proof("POST", partner.url("token"), key=short, header={"alg": "PS256"})
    refused(partner.token(proof=proof), "invalid_dpop_proof")


def test_a_proof_by_a_long_rsa_key_is_taken(partner):
    partner.dpop_key = new_key("PS256")
    proof = partner.proof("POST", partner.url("token"), header={"alg": "PS256"})
    assert partner.token(proof=proof).status_code == 200


def test_a_proof_whose_key_is_not_the_signers_is_refused(partner):
    proof = partner.proof("POST", partner.url("token"), header={"jwk": new_key().as_dict(private=False)})
    refused(partner.token(proof=proof), "invalid_dpop_proof")


def test_a_stolen_token_is_worth_nothing_without_its_key(partner, hub):
    token, thief = partner.access_token(), hub.machine()
    unread(thief.read(token))
    unread(partner.read(token, proof=MISSING))
    unread(partner.read(token, proof=MISSING, scheme="Bearer"))
    unread(partner.read(token, scheme="Bearer"))


def test_a_proof_for_another_token_or_none_is_refused(partner):
    one, other = partner.access_token(), partner.access_token()
    url = f"{partner.issuer}/graphql"
    unread(partner.read(one, proof=partner.proof("GET", url, token=other)))
    unread(partner.read(one, proof=partner.proof("GET", url)))


def test_a_client_marked_so_must_use_nonces_of_ours(hub):
    careful = hub.machine(needs_nonce=True)
    answer = careful.token()
    refused(answer, "use_dpop_nonce")
    nonce = answer.headers["dpop-nonce"]
    url = careful.url("token")
    assert careful.token(proof=careful.proof("POST", url, nonce=nonce)).status_code == 200
    refused(careful.token(proof=careful.proof("POST", url, nonce=nonce[:-2] + "xx")), "use_dpop_nonce")
    hub.clock.advance(minutes=3)
    refused(careful.token(proof=careful.proof("POST", url, nonce=nonce)), "use_dpop_nonce")


# Pushed requests.


@pytest.mark.parametrize(
    ("bent", "error"),
    [
        ({"code_challenge": MISSING}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": MISSING}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "x" * 44}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": 'code"'}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "unsupported_response_type"),
        ({"client_id": "another"}, "invalid_client"),
        ({"client_id": MISSING}, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"scope": "network:read health:read"}, "invalid_scope"),
        ({"scope": "no:such"}, "invalid_scope"),
        ({"resource": "https://evil.example/graphql"}, "invalid_target"),
        ({"dpop_jkt": "short"}, "invalid_request"),
    ],
    ids=str,
)
def test_a_bent_request_is_not_taken(console, bent, error):
    refused(console.push(**bent), error)


@pytest.mark.parametrize(
    "uri",
    [
        "https://console.example/back/",
        "https://console.example/back?x=1",
        "https://console.example/back#x",
        "https://console.example/Back",
        "https://console.example:443/back",
        "https://console.example.evil.example/back",
        "https://console.example@evil.example/back",
        "https://console.example/back/../evil",
        "http://console.example/back",
        "//evil.example",
        "javascript:alert(1)",
        'https://console.example/back"',
        "https://console.example\\@evil.example/back",
        "https://console.example/back%0d%0ax:y",
        "*",
    ],
)
def test_a_redirect_uri_is_compared_letter_by_letter(console, uri):
    answer = console.push(redirect_uri=uri)
    refused(answer, "invalid_request")
    assert "location" not in answer.headers


def test_a_redirect_uri_is_never_guessed(console):
    answer = console.post(
        "par",
        response_type="code",
        client_id=console.id,
        code_challenge=challenge_of("v" * 43),
        code_challenge_method="S256",
    )
    refused(answer, "invalid_request")


def test_a_parameter_that_comes_twice_is_refused(hub, console):
    form = [("client_assertion", console.assertion()), ("scope", "network:read"), ("scope", "case:read")]
    answer = hub.http.post(
        console.url("par"),
        content="&".join(f"{name}={value}" for name, value in form),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    refused(answer, "invalid_request")


def test_there_is_no_authorization_without_a_pushed_request(hub, console, person):
    query = {"response_type": "code", "client_id": console.id, "redirect_uri": "https://console.example/back"}
    answer = hub.http.get(console.url("authorize"), params=query, headers={"Cookie": f"person={person}"})
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_a_pushed_request_is_taken_once(console, person):
    pushed = console.push().json()["request_uri"]
    assert console.authorize(pushed, person=person).status_code == 303
    assert console.authorize(pushed, person=person).status_code == 400


def test_a_pushed_request_is_taken_once_also_by_who_is_not_signed_in(console, person):
    pushed = console.push().json()["request_uri"]
    assert console.authorize(pushed).status_code == 303
    assert console.authorize(pushed, person=person).status_code == 400


def test_a_pushed_request_runs_out(hub, console, person):
    pushed = console.push().json()
    assert pushed["expires_in"] == 90
    hub.clock.advance(seconds=91)
    assert console.authorize(pushed["request_uri"], person=person).status_code == 400


def test_a_pushed_request_is_its_clients_alone(hub, console, person):
    pushed = console.push().json()["request_uri"]
    assert hub.web().authorize(pushed, person=person).status_code == 400


def test_parameters_beside_a_pushed_request_change_nothing(console, person):
    pushed = console.push(scope="network:read").json()["request_uri"]
    more = {"scope": "case:read", "redirect_uri": "https://evil.example", "state": "other"}
    answer = console.authorize(pushed, person=person, **more)
    assert answer.headers["location"].startswith("https://console.example/back?")
    assert back(answer)["state"] == "a state"
    assert console.redeem(back(answer)["code"]).json()["scope"] == "network:read"


def test_a_half_finished_sign_in_is_worth_nothing_in_another_browser(hub, console, person):
    answer = console.authorize(console.push().json()["request_uri"])
    ticket = back(answer)["next"]
    again = hub.http.get(hub.issuer + ticket, headers={"Cookie": f"person={person}"})
    assert again.status_code == 400
    other = hub.http.get(hub.issuer + ticket, headers={"Cookie": f"person={person}; hub-authorize={'x' * 43}"})
    assert other.status_code == 400


def test_sign_in_leads_back_to_the_hub_only(console):
    answer = console.authorize(console.push().json()["request_uri"])
    assert back(answer)["next"].startswith("/oauth/authorize?")
    assert answer.headers["location"].startswith(console.issuer + "/signin?")


def test_machines_push_nothing(partner):
    refused(partner.push(), "unauthorized_client")


# Codes.


def test_a_replayed_code_ends_what_came_of_it(hub, console, person):
    code = console.code(person)
    tokens = console.redeem(code).json()
    assert console.read(tokens["access_token"]).status_code == 200
    refused(console.redeem(code), "invalid_grant")
    unread(console.read(tokens["access_token"]))
    refused(console.refresh(tokens["refresh_token"]), "invalid_grant")
    with hub.session() as session:
        assert grant_of(session, tokens).revoked_at is not None


def test_a_code_is_its_clients_alone(hub, console, person):
    code = console.code(person)
    refused(hub.web().redeem(code), "invalid_grant")
    assert console.redeem(code).status_code == 200


def test_a_code_runs_out(hub, console, person):
    code = console.code(person)
    hub.clock.advance(seconds=61)
    refused(console.redeem(code), "invalid_grant")


@pytest.mark.parametrize(
    ("verifier", "error"),
    [
        (MISSING, "invalid_request"),
        ("", "invalid_request"),
        ("w" * 43, "invalid_grant"),
        ("v" * 42, "invalid_request"),
        (challenge_of("v" * 43), "invalid_grant"),
        ("v" * 42 + "é", "invalid_request"),
    ],
    ids=["missing", "empty", "wrong", "short", "the challenge itself", "not ascii"],
)
def test_a_code_without_its_verifier_is_refused_and_gone(console, person, verifier, error):
    code = console.code(person)
    refused(console.redeem(code, verifier=verifier), error)
    refused(console.redeem(code), "invalid_grant")


def test_a_code_goes_with_its_redirect_uri(hub, person):
    console = hub.web(redirect_uris=["https://console.example/back", "https://console.example/other"])
    code = console.code(person)
    refused(console.redeem(code, redirect_uri="https://console.example/other"), "invalid_grant")


def test_a_code_bound_to_a_key_is_refused_with_another(console, person):
    code = console.code(person, dpop_jkt=console.jkt)
    mine = console.dpop_key
    console.dpop_key = new_key()
    refused(console.redeem(code), "invalid_grant")
    console.dpop_key = mine
    assert console.redeem(console.code(person, dpop_jkt=console.jkt)).status_code == 200


def test_a_code_pushed_with_a_proof_is_bound_to_its_key(console, person):
    code = console.code(person, proof=console.proof("POST", console.url("par")))
    console.dpop_key = new_key()
    refused(console.redeem(code), "invalid_grant")


def test_proof_and_thumbprint_of_a_pushed_request_must_agree(console):
    proof = console.proof("POST", console.url("par"))
    refused(console.push(proof=proof, dpop_jkt=new_key().thumbprint()), "invalid_dpop_proof")


def test_a_guessed_code_is_refused(console):
    refused(console.redeem("x" * 43), "invalid_grant")


def test_a_code_for_another_resource_is_refused(hub, console, person):
    code = console.code(person)
    gateway = f"https://{uuid4()}.example/graphql"
    hub.gateway(resource=gateway)
    refused(console.redeem(code, resource=gateway), "invalid_target")


# Refresh tokens.


@pytest.fixture
def tokens(console, person):
    return console.redeem(console.code(person, scope="network:read")).json()


def test_a_scope_is_not_widened_by_refreshing(console, tokens):
    refused(console.refresh(tokens["refresh_token"], scope="network:read case:read"), "invalid_scope")
    assert console.refresh(tokens["refresh_token"]).json()["scope"] == "network:read"


def test_a_refresh_token_is_its_clients_alone(hub, console, tokens):
    other = hub.web()
    other.dpop_key = console.dpop_key
    refused(other.refresh(tokens["refresh_token"]), "invalid_grant")


def test_a_refresh_token_is_refused_with_another_key(console, tokens):
    console.dpop_key = new_key()
    refused(console.refresh(tokens["refresh_token"]), "invalid_grant")


def test_a_refresh_token_used_twice_ends_its_grant(hub, person):
    console = hub.web(rotates_refresh=True)
    first = console.redeem(console.code(person)).json()
    second = console.refresh(first["refresh_token"]).json()
    assert console.read(second["access_token"]).status_code == 200
    refused(console.refresh(first["refresh_token"]), "invalid_grant")
    refused(console.refresh(second["refresh_token"]), "invalid_grant")
    unread(console.read(second["access_token"]))


def test_a_grant_that_ended_is_ended_even_without_its_denial(hub, console, tokens):
    assert console.post("revoke", token=tokens["refresh_token"]).status_code == 200
    with hub.session() as session:
        session.execute(delete(DenialRow).where(col(DenialRow.subject) == f"gid:{grant_of(session, tokens).id}"))
    refused(console.refresh(tokens["refresh_token"]), "invalid_grant")


def test_a_refresh_token_gives_no_more_than_the_client_may_have_now(hub, person):
    console = hub.web()
    tokens = console.redeem(console.code(person)).json()
    with hub.session() as session:
        registry.grant(session, console.id, scopes=[AccessScope.NETWORK_READ], purposes=[])
    assert console.refresh(tokens["refresh_token"]).json()["scope"] == "network:read"
    refused(console.refresh(tokens["refresh_token"], scope="case:read"), "invalid_scope")


def test_a_refresh_token_for_another_resource_is_refused(hub, console, tokens):
    gateway = f"https://{uuid4()}.example/graphql"
    hub.gateway(resource=gateway)
    refused(console.refresh(tokens["refresh_token"], resource=gateway), "invalid_target")


# Scopes and targets.


@pytest.mark.parametrize("scope", ["health:read", "no:such", "network:read health:read", "*", "network:*", "  "])
def test_a_wider_scope_is_refused_not_narrowed(partner, scope):
    refused(partner.token(scope=scope), "invalid_scope")


@pytest.mark.parametrize(
    "resource", ["https://evil.example/graphql", ["https://evil.example/graphql", "{issuer}/graphql"], "{issuer}"]
)
def test_an_unknown_target_is_refused(hub, partner, resource):
    named = [resource] if isinstance(resource, str) else resource
    refused(partner.token(resource=[one.format(issuer=hub.issuer) for one in named]), "invalid_target")


@pytest.mark.parametrize("grant", ["password", "implicit", "authorization_code", "refresh_token", "", "urn:x"])
def test_no_other_grant_is_given(partner, grant):
    answer = partner.token(grant_type=grant, code="x", refresh_token="x", username="x", password="x")
    assert answer.status_code == 400
    assert answer.json()["error"] in {"unsupported_grant_type", "unauthorized_client"}


def test_people_need_a_web_client(hub):
    refused(hub.web().token(), "unauthorized_client")


# Token exchange.


@pytest.fixture
def front(hub):
    resource = f"https://{uuid4()}.example/graphql"
    gateway = hub.gateway(resource=resource)
    gateway.resource = resource
    return gateway


def test_an_exchange_does_not_widen_the_scope(hub, partner, front):
    narrow = partner.access_token(resource=front.resource, scope="network:read")
    refused(front.exchange(narrow, scope="network:read referral:send"), "invalid_scope")
    wide = partner.access_token(resource=front.resource)
    assert front.exchange(wide).json()["scope"] == "network:read referral:send"
    narrow_front = hub.gateway(AccessScope.NETWORK_READ, resource=f"https://{uuid4()}.example/graphql")
    with hub.session() as session:
        resource = registry.client(session, narrow_front.id).resource
    token = partner.access_token(resource=resource)
    refused(narrow_front.exchange(token, scope="referral:send"), "invalid_scope")
    assert narrow_front.exchange(token).json()["scope"] == "network:read"


def test_an_exchange_does_not_lengthen_a_life(hub, partner, front):
    token = partner.access_token(resource=front.resource)
    hub.clock.advance(seconds=200)
    answer = front.exchange(token).json()
    assert answer["expires_in"] == 100
    assert read(answer["access_token"])[1]["exp"] == read(token)[1]["exp"]


def test_an_exchange_is_for_the_graph_only(partner, front):
    token = partner.access_token(resource=front.resource)
    refused(front.exchange(token, resource="https://evil.example"), "invalid_target")
    refused(front.exchange(token, audience="https://evil.example"), "invalid_target")
    refused(front.exchange(token, resource=front.resource), "invalid_target")


def test_a_token_that_was_sent_elsewhere_is_not_exchanged(hub, partner, front):
    refused(front.exchange(partner.access_token()), "invalid_grant")
    other = f"https://{uuid4()}.example/graphql"
    hub.gateway(resource=other)
    refused(front.exchange(partner.access_token(resource=other)), "invalid_grant")


def test_a_dead_token_is_not_exchanged(hub, partner, front):
    revoked = partner.access_token(resource=front.resource)
    assert partner.post("revoke", token=revoked).status_code == 200
    refused(front.exchange(revoked), "invalid_grant")
    old = partner.access_token(resource=front.resource)
    hub.clock.advance(seconds=301)
    refused(front.exchange(old), "invalid_grant")
    refused(front.exchange("no token"), "invalid_grant")
    refused(front.exchange(MISSING), "invalid_grant")


def test_only_gateways_exchange(partner):
    refused(partner.exchange(partner.access_token()), "unauthorized_client")


def test_an_exchanged_token_dies_with_the_first_client(hub, front):
    partner = hub.machine()
    token = front.exchange(partner.access_token(resource=front.resource)).json()["access_token"]
    assert front.read(token).status_code == 200
    with hub.session() as session:
        registry.suspend(session, partner.id)
    unread(front.read(token))


def test_an_exchanged_token_dies_with_its_gateway(hub, partner, front):
    token = front.exchange(partner.access_token(resource=front.resource)).json()["access_token"]
    with hub.session() as session:
        registry.suspend(session, front.id)
    unread(front.read(token))


def test_a_gateway_behind_a_gateway_stands_and_falls_with_both(hub, partner, front):
    inner = hub.gateway()
    once = front.exchange(partner.access_token(resource=front.resource)).json()["access_token"]
    token = inner.exchange(once).json()["access_token"]
    assert read(token)[1]["act"] == {"sub": inner.id, "act": {"sub": front.id}}
    assert inner.read(token).status_code == 200
    refused(inner.exchange(token), "invalid_grant")
    with hub.session() as session:
        registry.suspend(session, front.id)
    unread(inner.read(token))


def test_an_exchanged_token_is_bound_to_the_gateway(partner, front):
    token = front.exchange(partner.access_token(resource=front.resource)).json()["access_token"]
    unread(partner.read(token))


@pytest.mark.parametrize(
    "bent",
    [
        {"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"subject_token_type": MISSING},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"actor_token": "x", "actor_token_type": "urn:ietf:params:oauth:token-type:access_token"},
    ],
    ids=str,
)
def test_nothing_but_access_tokens_is_exchanged(partner, front, bent):
    refused(front.exchange(partner.access_token(resource=front.resource), **bent), "invalid_request")


# Revocation, introspection, cutting off.


def test_a_revoked_token_is_dead_everywhere(hub, partner):
    watcher = hub.gateway()
    token = partner.access_token()
    assert watcher.post("introspect", token=token).json()["active"] is True
    assert partner.post("revoke", token=token).status_code == 200
    assert watcher.post("introspect", token=token).json() == {"active": False}
    unread(partner.read(token))
    assert partner.read(partner.access_token()).status_code == 200


def test_a_revoked_refresh_token_takes_its_grant_along(console, tokens):
    assert console.post("revoke", token=tokens["refresh_token"], token_type_hint="refresh_token").status_code == 200
    refused(console.refresh(tokens["refresh_token"]), "invalid_grant")
    unread(console.read(tokens["access_token"]))


def test_nobody_revokes_anothers_tokens(hub, partner, console, tokens):
    token, other = partner.access_token(), hub.machine()
    answers = [
        other.post("revoke", token=token),
        other.post("revoke", token=tokens["refresh_token"]),
        other.post("revoke", token="no token"),
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, "{}")}
    assert partner.read(token).status_code == 200
    assert console.refresh(tokens["refresh_token"]).status_code == 200


def test_only_who_may_introspects(partner):
    refused(partner.post("introspect", token=partner.access_token()), "unauthorized_client", 403)
    refused(partner.post("introspect", assertion=MISSING, token="x"))


def test_introspection_tells_nothing_of_tokens_for_others(partner, front):
    token = partner.access_token()
    assert front.post("introspect", token=token).json() == {"active": False}
    assert front.post("introspect", token="no token").json() == {"active": False}
    assert front.post("introspect", token=partner.access_token(resource=front.resource)).json()["active"] is True


def test_an_expired_token_is_not_active(hub, partner):
    watcher, token = hub.gateway(), partner.access_token()
    hub.clock.advance(seconds=301)
    assert watcher.post("introspect", token=token).json() == {"active": False}


def test_a_suspended_client_is_off_at_once(hub):
    partner = hub.machine()
    token = partner.access_token()
    with hub.session() as session:
        registry.suspend(session, partner.id)
    unread(partner.read(token))
    answer = partner.token()
    refused(answer)
    assert answer.json() == REFUSED
    hub.clock.advance(seconds=5)
    with hub.session() as session:
        registry.resume(session, partner.id, now=hub.clock.now())
    unread(partner.read(token))
    assert partner.read(partner.access_token()).status_code == 200


def test_a_suspended_clients_grants_stay_dead(hub, person):
    console = hub.web()
    tokens = console.redeem(console.code(person)).json()
    with hub.session() as session:
        registry.suspend(session, console.id)
    hub.clock.advance(seconds=5)
    with hub.session() as session:
        registry.resume(session, console.id, now=hub.clock.now())
    refused(console.refresh(tokens["refresh_token"]), "invalid_grant")
    assert console.redeem(console.code(person)).status_code == 200


def test_a_body_that_is_cut_off_is_off_at_once(hub):
    slug = f"body-{uuid4()}"
    body = hub.body(slug)
    partner, console = hub.machine(body=slug), hub.web()
    person = hub.people.add(*BOTH, organisation_id=body)
    token, tokens = partner.access_token(), console.redeem(console.code(person)).json()
    with hub.session() as session:
        registry.cut_body_off(session, slug)
    unread(partner.read(token))
    unread(console.read(tokens["access_token"]))
    refused(partner.token())
    refused(console.refresh(tokens["refresh_token"]), "invalid_grant")
    hub.clock.advance(seconds=5)
    with hub.session() as session:
        registry.restore_body(session, slug, now=hub.clock.now())
    unread(partner.read(token))
    refused(console.refresh(tokens["refresh_token"]), "invalid_grant")
    assert partner.read(partner.access_token()).status_code == 200
    assert console.read(console.redeem(console.code(person)).json()["access_token"]).status_code == 200


def test_keys_that_leaked_are_worth_nothing(own_hub):
    partner = own_hub.machine()
    token = partner.access_token()
    assert partner.read(token).status_code == 200
    header, claims = read(token)
    leaked = own_hub.auth.server.ring.signer().key
    with own_hub.session() as session:
        replace(session, own_hub.auth.root, now=own_hub.clock.now())
        assert len(listed(session)) == 2
    unread(partner.read(token))
    unread(partner.read(signed(header, claims | {"jti": str(uuid4())}, leaked)))
    own_hub.auth.server.ring.refresh(older_than=0)
    own_hub.clock.advance(seconds=1)
    fresh = partner.access_token()
    assert read(fresh)[0]["kid"] != header["kid"]
    assert partner.read(fresh).status_code == 200
    unread(partner.read(signed(header, claims | {"jti": str(uuid4())}, leaked)))


# The forms themselves.


def test_only_forms_in_the_body_are_read(hub, partner):
    fields = {"grant_type": "client_credentials", "client_assertion": partner.assertion()}
    url = partner.url("token")
    assert hub.http.post(url, json=fields).status_code == 400
    assert hub.http.post(url, params=fields).status_code == 400
    assert hub.http.post(url, data=fields, params={"x": "y"}).status_code == 400
    assert hub.http.get(url, params=fields).status_code == 405


def test_a_form_too_large_is_refused(hub, partner):
    answer = hub.http.post(partner.url("token"), data={"x": "y" * 70_000})
    assert answer.status_code == 413


@pytest.mark.parametrize("body", [b"grant_type=%00", b"a=b&" * 60, b"x=\xff", b"client_assertion=..&x=%ff"])
def test_strange_forms_are_refused_in_form(hub, partner, body):
    media = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = hub.http.post(partner.url("token"), content=body, headers=media)
    assert answer.status_code == 400
    assert answer.json()["error"] in {"invalid_request", "invalid_client", "unsupported_grant_type"}


@pytest.mark.parametrize(
    "assertion",
    ["", "a", "a.b", "a.b.c", "a.b.c.d", ".".join(["e30"] * 3), "é.é.é", "." * 20_000, b64(b"[" * 5000) + ".e30.e30"],
    ids=lambda text: text[:10],
)
def test_what_is_no_token_is_no_assertion(partner, assertion):
    answer = partner.token(assertion=assertion or " ")
    assert answer.status_code == 400
    assert answer.json()["error"] in {"invalid_client", "invalid_request"}


@pytest.mark.parametrize("odd", ["\x00", "a\x00b", "\ud800", "\n", "\u202e"])
def test_odd_characters_are_refused_in_form(hub, partner, console, person, odd):
    partner_id, partner.id = partner.id, odd
    refused(partner.token())
    partner.id = partner_id
    refused(partner.token(assertion=partner.assertion(jti=odd)))
    refused(partner.token(proof=partner.proof("POST", partner.url("token"), jti=odd)), "invalid_dpop_proof")
    refused(partner.token(proof=partner.proof("POST", partner.url("token"), nonce=odd)), "invalid_dpop_proof")
    refused(partner.token(assertion=partner.assertion(header={"kid": odd})))
    if odd != "\ud800":
        for name in ("request_uri", "client_id", "ticket"):
            query = {"client_id": console.id, "request_uri": "urn:x"} | {name: odd}
            answer = hub.http.get(console.url("authorize"), params=query, headers={"Cookie": f"person={person}"})
            assert answer.status_code == 400, name
        refused(partner.token(resource=odd), "invalid_request" if "\x00" in odd else "invalid_target")
        assert console.push(state=odd).status_code in {201, 400}
        assert partner.post("revoke", token=odd).status_code in {200, 400}


def test_numbers_beyond_the_world_are_refused(partner):
    for name in ("exp", "iat", "nbf"):
        refused(partner.token(assertion=partner.assertion(**{name: 10**400})))
    proof = partner.proof("POST", partner.url("token"), iat=10**400)
    refused(partner.token(proof=proof), "invalid_dpop_proof")


def test_an_agreement_bounds_its_body(hub):
    def scopes(**agreement):
        slug = f"body-{uuid4()}"
        hub.body(slug, **agreement)
        asked = (AccessScope.NETWORK_READ, AccessScope.CASE_READ, AccessScope.HEALTH_READ)
        answer = hub.machine(*asked, body=slug).token()
        return answer.json().get("scope"), answer.json().get("error")

    today = hub.clock.now().date()
    month, before = today.isoformat()[:7], (today - timedelta(days=1)).isoformat()
    assert scopes(categories=(Category.CASE,)) == ("case:read network:read", None)
    assert scopes(categories=()) == ("network:read", None)
    assert scopes(state=AgreementState.SUSPENDED) == (None, "invalid_scope")
    assert scopes(state=AgreementState.DRAFT) == (None, "invalid_scope")
    assert scopes(state=AgreementState.ENDED) == (None, "invalid_scope")
    assert scopes(until_on=before) == (None, "invalid_scope")
    assert scopes(from_on=(today + timedelta(days=1)).isoformat()) == (None, "invalid_scope")
    assert scopes(from_on=month, until_on=month, categories=()) == ("network:read", None)
