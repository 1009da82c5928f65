from partner import ACCESS_TOKEN, read

from schema.vocabulary import AccessScope, Purpose

FRONT = "https://front.example/graphql"


def test_a_gateway_exchanges_what_was_sent_to_it_for_a_token_of_its_own(hub):
    partner = hub.machine(purposes=[Purpose.ASSESSMENT, Purpose.ADVOCACY])
    gateway = hub.gateway(resource=FRONT, purposes=[Purpose.ASSESSMENT])
    token = partner.access_token(resource=FRONT)
    answer = gateway.exchange(token, scope="network:read", audience=f"{hub.issuer}/graphql").json()
    assert answer["issued_token_type"] == ACCESS_TOKEN
    assert answer["token_type"] == "DPoP"
    assert answer["scope"] == "network:read"
    before, after = read(token)[1], read(answer["access_token"])[1]
    assert after["aud"] == f"{hub.issuer}/graphql"
    assert after["act"] == {"sub": gateway.id}
    assert after["client_id"] == gateway.id
    assert after["for_client"] == partner.id
    assert after["purposes"] == ["assessment"]
    assert after["cnf"] == {"jkt": gateway.jkt}
    for name in ("sub", "gid", "org", "roles", "exp"):
        assert after[name] == before[name], name
    assert gateway.read(answer["access_token"]).json()["sub"] == partner.id


def test_a_gateway_at_the_graphs_own_address_exchanges_the_graphs_tokens(hub):
    partner, gateway = hub.machine(), hub.gateway()
    token = gateway.exchange(partner.access_token()).json()["access_token"]
    assert gateway.read(token).status_code == 200


def test_a_persons_token_goes_through_a_gateway_with_how_the_person_signed_in(hub):
    resource = "https://people.example/graphql"
    gateway = hub.gateway(AccessScope.NETWORK_READ, resource=resource)
    console, person = hub.web(), hub.people.add(AccessScope.NETWORK_READ)
    token = console.redeem(console.code(person, resource=resource)).json()["access_token"]
    _, claims = read(gateway.exchange(token).json()["access_token"])
    assert claims["sub"] == str(person)
    assert claims["amr"] == ["hwk", "user"]
    assert claims["auth_time"] == read(token)[1]["auth_time"]


def test_a_gateway_learns_by_introspection_what_a_token_says(hub):
    partner = hub.machine()
    gateway = hub.gateway(resource="https://asks.example/graphql")
    token = partner.access_token(resource="https://asks.example/graphql")
    told, claims = gateway.post("introspect", token=token).json(), read(token)[1]
    assert told["active"] is True
    assert told["token_type"] == "DPoP"
    for name in ("iss", "sub", "aud", "client_id", "scope", "iat", "nbf", "exp", "jti", "cnf", "org", "roles"):
        assert told[name] == claims[name], name
