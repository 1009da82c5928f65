"""Token exchange for gateways: RFC 8693. A token that was sent to a gateway becomes one for the graph, only narrower.

The subject token must be alive and addressed to the gateway: to its own resource, or to the graph where the gateway
stands at the graph's address and has no resource of its own. The new token is for the graph, bound to the gateway's
key, lives no longer, carries no scope that subject or gateway lack, and names the gateway in `act`. It keeps the gid,
so that ending the grant ends it too.
"""

from typing import Any, Final
from uuid import UUID

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError, UnauthorizedClientError
from authlib.oauth2.rfc6749.grants import BaseGrant, TokenEndpointMixin

from hub.auth import clients
from hub.auth.clients import EXCHANGE, METHOD, Client, scopes_for
from hub.auth.errors import TokenRefused
from hub.auth.request import Request
from hub.auth.server import InvalidTarget, Server, scope_error
from hub.auth.tokens import Claims, subjects_of
from schema.vocabulary import AccessScope, Purpose

ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  # a name
ACTORS_MAX: Final = 3
"""How many gateways may stand in a row."""


class Exchange(BaseGrant, TokenEndpointMixin):
    """The grant urn:ietf:params:oauth:grant-type:token-exchange."""

    GRANT_TYPE = EXCHANGE
    request: Request
    server: Server

    def validate_token_request(self) -> None:
        """Check the request: RFC 8693, section 2.1.

        Raises:
            OAuth2Error: client or proof do not hold, or something else is asked for than a narrower access token.
        """
        client = self.server.authenticate_client(self.request, [METHOD])
        self.server.prove(self.request, client)
        if not client.check_grant_type(EXCHANGE):
            raise UnauthorizedClientError
        given = self.request.given
        if given("subject_token_type") != ACCESS_TOKEN or given("requested_token_type") not in {None, ACCESS_TOKEN}:
            raise InvalidRequestError("Only access tokens are exchanged, for access tokens.")
        if given("actor_token") is not None or given("actor_token_type") is not None:
            raise InvalidRequestError("The client itself is the actor; send no actor_token.")
        self._check_target()

    def create_token_response(self) -> Any:  # Authlib's
        """Issue the narrower token: RFC 8693, section 2.2.1."""
        client = self.request.client
        assert client is not None
        subject = self._subject(client)
        left = frozenset(scope for scope in client.scopes if scope.value in subject.scopes)
        scopes: frozenset[AccessScope] = scopes_for(self.request.given("scope"), left) or scope_error()
        token = self.server.issue(
            self.request,
            client,
            sub=subject.sub,
            aud=self.server.config.resource,
            gid=UUID(subject.gid),
            scopes=scopes,
            exp=subject.exp,
            more={
                "organisation_id": subject.organisation_id,
                "city_id": subject.city_id,
                "roles": subject.roles,
                "purposes": tuple(p.value for p in Purpose if p in client.purposes and p.value in subject.purposes),
                "actors": (client.id, *subject.actors),
                "for_client": subject.for_client or subject.client_id,
                "amr": subject.amr,
                "auth_time": subject.auth_time,
            },
        )
        return 200, token | {"issued_token_type": ACCESS_TOKEN}, ()

    def _subject(self, client: Client) -> Claims:
        """Check the subject token: alive, and addressed to this gateway."""
        server = self.server
        try:
            claims = server.verifier.verify(self.request.given("subject_token") or "")
        except TokenRefused:
            raise InvalidGrantError from None
        if claims.aud != (client.resource or server.config.resource):
            raise InvalidGrantError
        if claims.exp <= server.now.timestamp() or server.denied(subjects_of(claims), issued_at=claims.issued_at):
            raise InvalidGrantError
        first = clients.find(server.session, claims.for_client or claims.client_id, now=server.now)
        if first is None or len(claims.actors) >= ACTORS_MAX or client.id in claims.actors:
            raise InvalidGrantError
        return claims

    def _check_target(self) -> None:
        resource = self.server.config.resource
        named = {*self.request.payload.datalist.get("resource", ()), *filter(None, [self.request.given("audience")])}
        if named - {resource}:
            raise InvalidTarget("Tokens are exchanged for the graph only.")
