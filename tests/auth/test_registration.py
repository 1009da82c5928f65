import json

import pytest
from partner import Partner, new_key

from hub.auth import registry
from schema.vocabulary import AccessScope


def jwks():
    return {"keys": [new_key().as_dict(private=False) | {"kid": "k"}]}


def send(hub, **metadata):
    return hub.http.post(f"{hub.issuer}/oauth/register", content=json.dumps(metadata))


def test_registration_is_closed_by_default(hub):
    assert send(hub, client_name="x", grant_types=["client_credentials"], jwks=jwks()).status_code == 403


def test_a_client_that_registered_gets_nothing_until_somebody_grants_it(open_hub):
    hub = open_hub
    partner = Partner(hub.issuer, hub.clock, hub.http)
    answer = send(hub, client_name="A museum", grant_types=["client_credentials"], jwks=partner.jwks)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    partner.id = answer.json()["client_id"]
    assert partner.token().json()["error"] == "invalid_scope"
    hub.body("museum")
    with hub.session() as session:
        registry.grant(session, partner.id, scopes=[AccessScope.NETWORK_READ], purposes=[], body_slug="museum")
    assert partner.token().json()["scope"] == "network:read"


def test_a_site_registers_with_its_redirect_uris(open_hub):
    uris = ["https://site.example/back", "http://127.0.0.1:9999/back"]
    answer = send(open_hub, client_name="A site", redirect_uris=uris, jwks=jwks())
    assert answer.status_code == 201, answer.text
    assert answer.json()["redirect_uris"] == uris
    assert answer.json()["grant_types"] == ["authorization_code", "refresh_token"]


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({"redirect_uris": ["http://site.example/back"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://site.example/back#x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://user@site.example/back"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://*.example/back"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ['https://site.example/"><script>']}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": [7]}, "invalid_redirect_uri"),
        ({"redirect_uris": "https://site.example/back"}, "invalid_redirect_uri"),
        ({"token_endpoint_auth_method": "none"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "client_secret_basic"}, "invalid_client_metadata"),
        ({"grant_types": ["implicit"]}, "invalid_client_metadata"),
        ({"grant_types": ["authorization_code", "client_credentials"]}, "invalid_client_metadata"),
        ({"grant_types": "authorization_code"}, "invalid_client_metadata"),
        ({"client_name": ""}, "invalid_client_metadata"),
        ({"client_name": "x" * 101}, "invalid_client_metadata"),
        ({"client_name": "a\nb"}, "invalid_client_metadata"),
        ({"jwks": {"keys": [new_key().as_dict(private=True)]}}, "invalid_client_metadata"),
        ({"jwks": {"keys": []}}, "invalid_client_metadata"),
        ({"jwks": None}, "invalid_client_metadata"),
        ({"jwks_uri": "https://site.example/keys"}, "invalid_client_metadata"),
        ({"jwks": None, "jwks_uri": "ftp://site.example/keys"}, "invalid_client_metadata"),
        ({"software_statement": "a.b.c"}, "invalid_client_metadata"),
        ({"jwks": {"keys": [jwks()["keys"][0] | {"kid": "a\x00"}]}}, "invalid_client_metadata"),
        ({"jwks": {"keys": [jwks()["keys"][0] | {"more": "\ud800"}]}}, "invalid_client_metadata"),
        ({"jwks": None, "jwks_uri": "https://site.example/\x00"}, "invalid_client_metadata"),
        ({"redirect_uris": ["https://site.example/\x00"]}, "invalid_redirect_uri"),
        ({"client_name": "a\x00"}, "invalid_client_metadata"),
        ({"client_name": "\ud800"}, "invalid_client_metadata"),
    ],
    ids=map(str, range(29)),
)
def test_metadata_that_do_not_hold_are_refused(open_hub, metadata, error):
    good = {"client_name": "A site", "redirect_uris": ["https://site.example/back"], "jwks": jwks()}
    answer = send(open_hub, **(good | metadata))
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] == error


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{", b"[" * 100_000])
def test_what_is_no_metadata_is_refused(open_hub, body):
    answer = open_hub.http.post(f"{open_hub.issuer}/oauth/register", content=body)
    assert answer.status_code in {400, 413}
