import httpx
from running import world

from hub.clock import SystemClock
from schema.vocabulary import AccessScope


def test_the_server_describes_itself(hub):
    told = hub.http.get(f"{hub.issuer}/.well-known/oauth-authorization-server").json()
    assert told["issuer"] == hub.issuer
    assert told["require_pushed_authorization_requests"] is True
    assert told["authorization_response_iss_parameter_supported"] is True
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert told["dpop_signing_alg_values_supported"] == ["ES256", "PS256", "Ed25519", "EdDSA"]
    assert set(told["scopes_supported"]) == {scope.value for scope in AccessScope}
    assert "registration_endpoint" not in told
    assert not {"RS256", "HS256", "none"} & set(told["token_endpoint_auth_signing_alg_values_supported"])


def test_every_endpoint_it_names_is_there(hub):
    told = hub.http.get(f"{hub.issuer}/.well-known/oauth-authorization-server").json()
    for name, url in told.items():
        if name.endswith("_endpoint"):
            assert hub.http.post(url).status_code in {400, 403}, name
    assert hub.http.get(told["jwks_uri"]).headers["content-type"] == "application/jwk-set+json"


def test_the_graph_describes_itself(hub):
    told = hub.http.get(f"{hub.issuer}/.well-known/oauth-protected-resource/graphql").json()
    assert told["resource"] == f"{hub.issuer}/graphql"
    assert told["authorization_servers"] == [hub.issuer]
    assert told["dpop_bound_access_tokens_required"] is True


def test_published_keys_are_public(hub):
    for key in hub.http.get(f"{hub.issuer}/oauth/jwks").json()["keys"]:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


def test_addresses_come_from_the_settings_whatever_the_request_says(engine, tmp_path):
    with world(engine, tmp_path, SystemClock(), base_url="https://hub.example/a") as running:
        here = f"http://127.0.0.1:{running.port}"
        lies = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
        told = httpx.get(f"{here}/.well-known/oauth-authorization-server/a", headers=lies)
        assert "evil" not in told.text
        assert told.json()["token_endpoint"] == "https://hub.example/a/oauth/token"
        answer = httpx.get(f"{here}/.well-known/oauth-protected-resource/a/graphql", headers=lies)
        assert answer.json()["resource"] == "https://hub.example/a/graphql"


def test_no_endpoint_answers_other_origins(hub):
    for name in ("token", "par", "revoke", "introspect", "authorize"):
        answer = hub.http.options(
            f"{hub.issuer}/oauth/{name}",
            headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
        )
        assert not [header for header in answer.headers if header.startswith("access-control")], name
