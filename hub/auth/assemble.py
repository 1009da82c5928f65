"""The authorization server, put together."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from hub.auth.config import AuthConfig
from hub.auth.endpoints import Introspection, Revocation
from hub.auth.exchange import Exchange
from hub.auth.grants import ClientCredentials, Code, Refresh
from hub.auth.keys import KeyRing
from hub.auth.openid import Provider
from hub.auth.openid.keys import Watch
from hub.auth.root import RootKey
from hub.auth.server import Server
from hub.auth.sessions import NobodySignedIn, Sessions
from hub.auth.tokens import Verifier
from hub.clock import Clock, SystemClock
from hub.settings import Settings


@dataclass(frozen=True, slots=True)
class Auth:
    """What the rest of the house holds of this room."""

    config: AuthConfig
    server: Server
    """Answers the OAuth endpoints; `web.oauth` stands before it."""
    verifier: Verifier
    """Checks access tokens for the graph."""
    root: RootKey
    provider: Provider | None = None
    """Checks access tokens of an OpenID provider; None without one."""


def assemble(
    settings: Settings,
    engine: Engine,
    *,
    sessions: Sessions | None = None,
    clock: Clock | None = None,
    watch: Watch = time.monotonic,
    admit: Callable[[str], None] | None = None,
) -> Auth:
    """Put the authorization server together over a database whose tables are up to date.

    Args:
        settings: addresses and the root key's file, which is made where there is none.
        engine: writes; whoever made it disposes of it.
        sessions: who is signed in; nobody when absent.
        clock: tells the time.
        watch: tells how much of it passes.
        admit: counts requests of a client that has authenticated, and raises a `HubError` when there are too many.
    """
    config, root, clock = AuthConfig.of(settings), RootKey.load(settings.root_key), clock or SystemClock()
    ring = KeyRing(engine, root, clock)
    ring.refresh()
    server = Server(
        config=config,
        engine=engine,
        ring=ring,
        root=root,
        sessions=sessions or NobodySignedIn(),
        clock=clock,
        admit=admit,
    )
    for grant in (ClientCredentials, Code, Refresh, Exchange):
        server.register_grant(grant)
    for endpoint in (Revocation, Introspection):
        server.register_endpoint(endpoint)
    verifier = Verifier(ring, issuer=config.issuer, audience=config.resource, clock=clock)
    return Auth(config, server, verifier, root, Provider.of(config, engine, root, clock, watch))
