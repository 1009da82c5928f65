"""Access tokens of an OpenID provider beside the hub: checked by its keys, put into the hub's words, bounded here.

The provider says who somebody is; what they may is still for ICORN to say. So a token counts only for clients that an
operator created here as `provided`, within what was granted to them and what the agreement of their body covers today.
"""

from dataclasses import dataclass
from typing import Self

from sqlalchemy import Engine

from hub.auth.config import AuthConfig
from hub.auth.fetching import Fetcher
from hub.auth.openid.keys import ProviderKeys, Watch
from hub.auth.openid.signin import SignIn
from hub.auth.openid.standing import Standing
from hub.auth.openid.tokens import ProviderVerifier, Told, issuer_of
from hub.auth.root import RootKey
from hub.clock import Clock

__all__ = ["Provider", "SignIn", "Told", "issuer_of"]


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider, as the graph's door sees it."""

    issuer: str
    bearer: bool
    """Whether its tokens need not be bound to a key."""
    verifier: ProviderVerifier
    standing: Standing
    sign_in: SignIn | None
    """Lets people sign in by it; None where the hub is no client of it."""

    @classmethod
    def of(cls, config: AuthConfig, engine: Engine, root: RootKey, clock: Clock, watch: Watch) -> Self | None:
        """Take what the settings say of a provider; None where they name none."""
        if config.provider is None:
            return None
        fetcher = Fetcher(loopback=config.loopback_keys)
        keys = ProviderKeys(config.provider.issuer, fetcher, watch)
        client = config.provider.client
        return cls(
            config.provider.issuer,
            config.provider.bearer,
            ProviderVerifier(config.provider, keys, clock),
            Standing(config.provider, engine, clock),
            None
            if client is None
            else SignIn(config.provider, client, keys=keys, fetcher=fetcher, root=root, clock=clock),
        )
