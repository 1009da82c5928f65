"""Revocation (RFC 7009) and introspection (RFC 7662). Both tell strangers nothing: not whether a token ever was."""

from typing import Any

from authlib.oauth2.rfc6749 import UnauthorizedClientError
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from hub.auth import denials, once
from hub.auth.clients import METHOD, Client
from hub.auth.config import LEEWAY
from hub.auth.errors import TokenRefused
from hub.auth.grants import end_grant
from hub.auth.server import Server
from hub.auth.tokens import Claims, subjects_of
from schema.tables import RefreshTokenRow


class Revocation(RevocationEndpoint):
    """Ends tokens of the client that asks. Access tokens are signed, not kept: a denial of their jti ends them."""

    ENDPOINT_NAME = "revoke"
    CLIENT_AUTH_METHODS = (METHOD,)
    SUPPORTED_TOKEN_TYPES = ("access_token", "refresh_token")
    server: Server

    def authenticate_token(self, request: Any, client: Any) -> Any:  # Authlib's
        """Find the token among the client's own. Another's, or none, is answered like one that was revoked."""
        self.check_params(request, client)
        text: str = request.form["token"]
        refresh = self.server.session.get(RefreshTokenRow, once.hashed(text))
        if refresh is not None:
            return refresh if refresh.client_id == client.id else None
        try:
            claims = self.server.verifier.verify(text)
        except TokenRefused:
            return None
        return claims if client.id in {claims.client_id, claims.for_client} else None

    def revoke_token(self, token: Any, request: Any) -> None:  # noqa: ARG002  # Authlib's
        """End an access token alone, a refresh token with its grant: RFC 7009, section 2.1."""
        if isinstance(token, Claims):
            expires_at = token.expires_at + 2 * LEEWAY
            denials.deny(self.server.session, f"jti:{token.jti}", before=denials.FOREVER, expires_at=expires_at)
        else:
            end_grant(self.server, token.gid)


class Introspection(IntrospectionEndpoint):
    """Tells resource servers whether an access token is alive, and what it says."""

    ENDPOINT_NAME = "introspect"
    CLIENT_AUTH_METHODS = (METHOD,)
    SUPPORTED_TOKEN_TYPES = ("access_token", "refresh_token")
    server: Server

    def authenticate_token(self, request: Any, client: Any) -> Claims | None:
        """Find a live access token that the client may know about.

        Raises:
            UnauthorizedClientError: the client may not introspect at all.
        """
        if not client.introspects:
            raise UnauthorizedClientError(status_code=403)
        self.check_params(request, client)
        try:
            claims = self.server.verifier.verify(request.form["token"])
        except TokenRefused:
            return None
        server = self.server
        if claims.exp <= server.now.timestamp() or not self.check_permission(claims, client, request):
            return None
        return None if server.denied(subjects_of(claims), issued_at=claims.issued_at) else claims

    def check_permission(self, token: Claims, client: Client, request: Any) -> bool:  # noqa: ARG002  # Authlib's
        """Allow what is addressed to the client's own resource, or to the graph where it has none."""
        return token.aud == (client.resource or self.server.config.resource)

    def create_introspection_payload(self, token: Claims | None) -> dict[str, Any]:
        """Tell what the token says: RFC 7662, section 2.2; RFC 9449, section 6.2."""
        if token is None:
            return {"active": False}
        told = {
            "active": True,
            "token_type": "DPoP",
            "iss": token.iss,
            "sub": token.sub,
            "aud": token.aud,
            "client_id": token.client_id,
            "scope": " ".join(sorted(token.scopes)),
            "iat": token.iat,
            "nbf": token.nbf,
            "exp": token.exp,
            "jti": token.jti,
            "cnf": {"jkt": token.jkt},
            "org": None if token.organisation_id is None else str(token.organisation_id),
            "city": None if token.city_id is None else str(token.city_id),
            "roles": list(token.roles),
            "act": {"sub": token.actors[0]} if token.actors else None,
            "amr": list(token.amr) or None,
            "auth_time": token.auth_time,
        }
        return {name: value for name, value in told.items() if value is not None}
