"""What the authorization server must know of its place in the world, and how long things live.

All addresses are built from here, never from a request: behind a proxy a request knows neither scheme nor host.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self
from urllib.parse import urlsplit

from hub.settings import Bearer, ClaimNames, ClientKeys, OwnTokens, ProviderTokens, Registration, Settings

ACCESS: Final = timedelta(seconds=300)
"""Life of an access token."""
CODE: Final = timedelta(seconds=60)
"""Life of a code: FAPI 2.0 Security Profile, section 5.3.2.1, asks for 60 s at most."""
PUSHED: Final = timedelta(seconds=90)
"""Life of a request_uri; below 600 s by the same section."""
TICKET: Final = timedelta(minutes=15)
"""How long a person may take to sign in and decide."""
GRANT: Final = timedelta(days=30)
"""Life of a grant, and so of its refresh tokens."""
LEEWAY: Final = timedelta(seconds=10)
"""How far clocks may differ: FAPI 2.0 asks to accept 10 s and to refuse 60 s."""
PROOF: Final = timedelta(seconds=60)
"""How old a DPoP proof may be."""
ASSERTION: Final = timedelta(seconds=3600)
"""How far ahead a client assertion may expire."""


PROVIDED: Final = timedelta(minutes=10)
"""Longest life of an access token of an OpenID provider: five to ten minutes, by the access model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderConfig:
    """An OpenID provider whose access tokens the graph takes."""

    issuer: str
    audience: str
    claims: ClaimNames
    untyped: bool
    """Whether its tokens may call themselves JWT, or nothing."""
    bearer: bool
    """Whether its tokens need not be bound to a key."""
    client: str | None = None
    """Id of the hub as its client, where people sign in by it."""
    home: str = ""
    """Address of the pages they come back to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthConfig:
    """Addresses and switches of the authorization server."""

    issuer: str
    resource: str
    """Identifier of the graph as a protected resource: RFC 8707, section 2."""
    registration_open: bool = False
    loopback_keys: bool = False
    """Whether jwks_uri may be http on this machine: for tests and demonstrations."""
    own_tokens: bool = True
    """Whether the graph takes the hub's own tokens."""
    provider: ProviderConfig | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Take from the settings what this room needs."""
        resource, provider = settings.public_url + "/graphql", None
        if settings.openid_issuer is not None:
            provider = ProviderConfig(
                issuer=settings.openid_issuer,
                audience=settings.openid_audience or resource,
                claims=settings.openid_claims,
                untyped=settings.openid_tokens is ProviderTokens.ANY,
                bearer=settings.openid_bearer is Bearer.ALLOWED,
                client=settings.openid_client,
                home=settings.public_url,
            )
        return cls(
            issuer=settings.issuer or settings.public_url,
            resource=resource,
            registration_open=settings.registration is Registration.OPEN,
            loopback_keys=settings.client_keys is ClientKeys.LOOPBACK,
            own_tokens=settings.own_tokens is OwnTokens.ACCEPTED,
            provider=provider,
        )

    def endpoint(self, name: str) -> str:
        """Give the address of an endpoint."""
        return f"{self.issuer}/oauth/{name}"

    @property
    def path(self) -> str:
        """The path of the issuer, before which well-known addresses go: RFC 8414, section 3.1."""
        return urlsplit(self.issuer).path

    @property
    def origin(self) -> str:
        """The issuer as browsers write it into the header Origin."""
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def secure(self) -> bool:
        """True when browsers reach the hub by TLS."""
        return self.issuer.startswith("https:")
