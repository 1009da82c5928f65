import pytest
from partner import read

from schema.vocabulary import AccessScope


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "Ed25519", "EdDSA"])
def test_a_program_gets_a_token_bound_to_its_key(hub, algorithm):
    partner = hub.machine(algorithm=algorithm)
    answer = partner.token()
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told["token_type"] == "DPoP"
    assert told["expires_in"] == 300
    assert told["scope"] == "network:read referral:send"
    assert "refresh_token" not in told
    header, claims = read(told["access_token"])
    assert header["typ"] == "at+jwt"
    assert header["alg"] == "ES256"
    assert claims["aud"] == f"{hub.issuer}/graphql"
    assert claims["iss"] == hub.issuer
    assert claims["sub"] == claims["client_id"] == partner.id
    assert claims["exp"] - claims["iat"] == 300
    assert claims["cnf"] == {"jkt": partner.jkt}
    assert claims["roles"] == ["partner_agreement"]
    assert partner.read(told["access_token"]).json()["scopes"] == ["network:read", "referral:send"]


def test_a_narrower_scope_is_given_as_asked(hub):
    partner = hub.machine(AccessScope.NETWORK_READ, AccessScope.REFERRAL_SEND)
    assert partner.token(scope="network:read").json()["scope"] == "network:read"
