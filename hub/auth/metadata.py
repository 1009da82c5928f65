"""What authorization server and graph tell about themselves: RFC 8414, RFC 9728. Built from configuration alone."""

from typing import Final
from urllib.parse import urlsplit

from hub.auth.clients import EXCHANGE, METHOD
from hub.auth.config import AuthConfig
from hub.auth.jose import ALGORITHMS, Json
from schema.vocabulary import AccessScope

_ALGORITHMS: Final = list(ALGORITHMS)


def authorization_server(config: AuthConfig) -> Json:
    """Describe the authorization server: RFC 8414, section 2; RFC 9126, 5; RFC 9207, 3; RFC 9449, 5.1."""
    told: Json = {
        "issuer": config.issuer,
        "authorization_endpoint": config.endpoint("authorize"),
        "token_endpoint": config.endpoint("token"),
        "pushed_authorization_request_endpoint": config.endpoint("par"),
        "require_pushed_authorization_requests": True,
        "revocation_endpoint": config.endpoint("revoke"),
        "introspection_endpoint": config.endpoint("introspect"),
        "jwks_uri": config.endpoint("jwks"),
        "scopes_supported": [scope.value for scope in AccessScope],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token", EXCHANGE],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "dpop_signing_alg_values_supported": _ALGORITHMS,
        "protected_resources": [config.resource],
    }
    for endpoint in ("token", "revocation", "introspection"):
        told[f"{endpoint}_endpoint_auth_methods_supported"] = [METHOD]
        told[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = _ALGORITHMS
    if config.registration_open:
        told["registration_endpoint"] = config.endpoint("register")
    return told


def protected_resource(config: AuthConfig) -> Json:
    """Describe the graph as a protected resource: RFC 9728, section 2."""
    issuers = [config.issuer] if config.own_tokens else []
    if config.provider is not None:
        issuers.append(config.provider.issuer)
    return {
        "resource": config.resource,
        "resource_name": "The ICORN hub",
        "authorization_servers": issuers,
        "jwks_uri": config.endpoint("jwks"),
        "scopes_supported": [scope.value for scope in AccessScope],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": _ALGORITHMS,
        "dpop_bound_access_tokens_required": config.provider is None or not config.provider.bearer,
    }


def authorization_server_path(config: AuthConfig) -> str:
    """Give the path of the first document, before the issuer's own: RFC 8414, section 3.1."""
    return "/.well-known/oauth-authorization-server" + config.path


def protected_resource_path(config: AuthConfig) -> str:
    """Give the path of the second document: RFC 9728, section 3.1."""
    return "/.well-known/oauth-protected-resource" + urlsplit(config.resource).path
