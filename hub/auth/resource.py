"""The graph as a protected resource: who asks, read off the headers of a request.

A token comes by the scheme DPoP with a proof of its key, which is used up by one statement: RFC 9449, section 7. A
cookie counts for our own console alone, which is told when its session is over. Nothing at all is a stranger. Whether
the token was revoked is not looked at here: the statement that reads looks, so that a cut bites on the request at hand.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool

from hub.auth.assemble import Auth
from hub.auth.config import AuthConfig
from hub.auth.dpop import check_proof
from hub.auth.errors import ProofRefused, TokenRefused
from hub.auth.metadata import protected_resource_path
from hub.auth.once import USE_PROOF
from hub.auth.people.console import HEADER, Console
from hub.auth.profile import profile_of
from hub.auth.tokens import Claims
from hub.clock import Clock
from hub.errors import HubError
from schema.access import ANONYMOUS, AccessProfile

Headers = Mapping[bytes, bytes]
_PURPOSE: Final = b"purpose-of-use"
_ALGORITHMS: Final = "ES256 PS256 EdDSA Ed25519"


class Unauthorized(HubError):
    """The credentials that came do not hold. RFC 6750, section 3; RFC 9449, section 7.1."""

    code = "UNAUTHORIZED"
    public = "The credentials do not hold."

    def __init__(self, error: str, metadata: str) -> None:
        super().__init__()
        self.challenge: Final = f'DPoP algs="{_ALGORITHMS}", error="{error}", resource_metadata="{metadata}"'.encode()


class SessionEnded(Unauthorized):
    """The console asks, and there is no session any more."""

    code = "SESSION_ENDED"
    public = "The session has ended. Sign in again."


class Statements(Protocol):
    """Runs a single statement that writes."""

    async def fetch_text(self, sql: str, args: Sequence[object] = ()) -> bytes | None:
        """Run it and give the text it returns."""
        ...


class ResourceServer:
    """Tells who asks."""

    def __init__(self, auth: Auth, console: Console | None, statements: Statements, clock: Clock) -> None:
        self._verifier: Final = auth.verifier
        self._resource: Final = auth.config.resource
        self._metadata: Final = _metadata_address(auth.config)
        self._console: Final = console
        self._statements: Final = statements
        self._clock: Final = clock

    async def profile(self, method: str, headers: Headers) -> AccessProfile:
        """Read the access profile off a request.

        Args:
            method: of the request.
            headers: names in lower case; those that carry credentials came once.

        Raises:
            Unauthorized: a token or a proof does not hold.
            SessionEnded: our own console asks, and its cookies name nobody.
            PurposeRefused: the client may not declare this purpose.
        """
        credentials = headers.get(b"authorization")
        if credentials is not None:
            return await self._bearer(method, headers, credentials)
        if HEADER in headers and self._console is not None:
            found = await run_in_threadpool(self._console.profile_from_cookie, headers.items())
            if found is None:
                # A stranger's answer would look as if the data were withheld.
                raise SessionEnded("invalid_token", self._metadata)
            return found
        return ANONYMOUS

    def denied(self) -> Unauthorized:
        """Say what is to be said of a token that was good once."""
        return Unauthorized("invalid_token", self._metadata)

    async def _bearer(self, method: str, headers: Headers, credentials: bytes) -> AccessProfile:
        scheme, _, token = credentials.decode("latin-1").partition(" ")
        if scheme.lower() != "dpop":
            # Every token is bound to a key: without proof it is nobody's.
            raise Unauthorized("invalid_token" if scheme.lower() == "bearer" else "invalid_request", self._metadata)
        try:
            claims = await self._verifier.verified(token)
            await self._prove(method, headers, token, claims)
        except TokenRefused:
            raise Unauthorized("invalid_token", self._metadata) from None
        except ProofRefused:
            raise Unauthorized("invalid_dpop_proof", self._metadata) from None
        purpose = headers.get(_PURPOSE)
        return profile_of(claims, None if purpose is None else purpose.decode("latin-1"))

    async def _prove(self, method: str, headers: Headers, token: str, claims: Claims) -> None:
        proof = check_proof(
            headers.get(b"dpop", b"").decode("latin-1"),
            method=method,
            url=self._resource,
            now=self._clock.now(),
            token=token,
            jkt=claims.jkt,
        )
        if await self._statements.fetch_text(USE_PROOF, (proof.hash, proof.expires_at)) is None:
            raise ProofRefused("used")


def _metadata_address(config: AuthConfig) -> str:
    parts = urlsplit(config.resource)
    return f"{parts.scheme}://{parts.netloc}{protected_resource_path(config)}"
