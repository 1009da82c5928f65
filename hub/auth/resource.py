"""The graph as a protected resource: who asks, read off the headers of a request.

A token comes by the scheme DPoP with a proof of its key, which is used up by one statement: RFC 9449, section 7. The
issuer it names decides whose keys check it, the hub's or the OpenID provider's. A cookie counts for our own console
alone, which is told when its session is over. Nothing at all is a stranger. Whether the token was revoked is not looked
at here: the statement that reads looks, so that a cut bites on the request at hand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool

from hub.auth.assemble import Auth
from hub.auth.config import AuthConfig
from hub.auth.dpop import check_proof
from hub.auth.errors import ProofRefused, TokenRefused
from hub.auth.metadata import protected_resource_path
from hub.auth.once import USE_PROOF
from hub.auth.openid import Provider, issuer_of
from hub.auth.people.console import HEADER, Console
from hub.auth.profile import profile_of
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


class TokenExpired(Unauthorized):
    """The token came to its end while a stream was open."""

    code = "TOKEN_EXPIRED"
    public = "The token has expired. Ask again with a new one."


class Statements(Protocol):
    """Runs a single statement that writes."""

    async def fetch_text(self, sql: str, args: Sequence[object] = ()) -> bytes | None:
        """Run it and give the text it returns."""
        ...


class ResourceServer:
    """Tells who asks."""

    def __init__(self, auth: Auth, console: Console | None, statements: Statements, clock: Clock) -> None:
        self._verifier: Final = auth.verifier
        self._provider: Final = auth.provider
        self._own_tokens: Final = auth.config.own_tokens
        self._resource: Final = auth.config.resource
        self._metadata: Final = _metadata_address(auth.config)
        self._console: Final = console
        self._statements: Final = statements
        self._clock: Final = clock

    async def profile(
        self, method: str, headers: Headers, *, url: str | None = None, socket: bool = False
    ) -> AccessProfile:
        """Read the access profile off a request.

        Args:
            method: of the request.
            headers: names in lower case; those that carry credentials came once.
            url: of the request, as the configured address says; the graph's when absent. Proofs are for it.
            socket: whether the headers began a WebSocket, and hold what was said in it of who asks.

        Raises:
            Unauthorized: a token or a proof does not hold.
            SessionEnded: our own console asks, and its cookies name nobody.
            PurposeRefused: the client may not declare this purpose.
            ProviderUnavailable: the OpenID provider's keys cannot be had.
        """
        credentials = headers.get(b"authorization")
        if credentials is not None:
            return await self._bearer(method, headers, credentials, url or self._resource)
        if HEADER in headers and self._console is not None:
            found = await run_in_threadpool(self._console.profile_from_cookie, headers.items(), socket=socket)
            if found is None:
                # A stranger's answer would look as if the data were withheld.
                raise SessionEnded("invalid_token", self._metadata)
            return found
        return ANONYMOUS

    async def still(self, headers: Headers, *, socket: bool = False) -> AccessProfile:
        """Look who it is now that opened a stream by these headers. Their proof was used up then.

        Args:
            headers: as `profile` took them.
            socket: as `profile` took it.

        Raises:
            TokenExpired: the token came to its end.
            Unauthorized: it does not hold any more.
            SessionEnded: the console's session is over; that its stream is open does not keep it alive.
            PurposeRefused: the client may not declare this purpose any more.
            ProviderUnavailable: the OpenID provider's keys cannot be had.
        """
        credentials = headers.get(b"authorization")
        if credentials is not None:
            return await self._still_bears(headers, credentials.decode("latin-1").partition(" ")[2])
        if HEADER not in headers or self._console is None:
            return ANONYMOUS
        found = await run_in_threadpool(self._console.profile_from_cookie, headers.items(), seen=False, socket=socket)
        if found is None:
            raise SessionEnded("invalid_token", self._metadata)
        return found

    async def _still_bears(self, headers: Headers, token: str) -> AccessProfile:
        header = headers.get(_PURPOSE)
        purpose = None if header is None else header.decode("latin-1")
        try:
            if self._provider is not None and issuer_of(token) == self._provider.issuer:
                told = await self._provider.verifier.verified(token)
                profile = await run_in_threadpool(self._provider.standing.profile, told, purpose)
            else:
                profile = profile_of(await self._verifier.verified(token), purpose)
        except TokenRefused:
            raise TokenExpired("invalid_token", self._metadata) from None
        if profile.expires_at is not None and profile.expires_at <= self._clock.now():
            raise TokenExpired("invalid_token", self._metadata)
        return profile

    def denied(self) -> Unauthorized:
        """Say what is to be said of a token that was good once."""
        return Unauthorized("invalid_token", self._metadata)

    async def _bearer(self, method: str, headers: Headers, credentials: bytes, url: str) -> AccessProfile:
        scheme, _, token = credentials.decode("latin-1").partition(" ")
        header = headers.get(_PURPOSE)
        sent = _Sent(scheme.lower(), token, method, url, headers, None if header is None else header.decode("latin-1"))
        try:
            if self._provider is not None and issuer_of(token) == self._provider.issuer:
                return await self._provided(self._provider, sent)
            return await self._own(sent)
        except TokenRefused:
            raise Unauthorized("invalid_token", self._metadata) from None
        except ProofRefused:
            raise Unauthorized("invalid_dpop_proof", self._metadata) from None

    async def _own(self, sent: "_Sent") -> AccessProfile:
        if sent.scheme != "dpop":
            # Every token is bound to a key: without proof it is nobody's.
            raise Unauthorized("invalid_token" if sent.scheme == "bearer" else "invalid_request", self._metadata)
        if not self._own_tokens:
            raise TokenRefused("issuer")
        claims = await self._verifier.verified(sent.token)
        await self._prove(sent, claims.jkt)
        return profile_of(claims, sent.purpose)

    async def _provided(self, provider: Provider, sent: "_Sent") -> AccessProfile:
        """Take a token of the provider: with a proof where it is bound to a key, and else where the settings allow."""
        told = await provider.verifier.verified(sent.token)
        if told.jkt is not None and sent.scheme == "dpop":
            await self._prove(sent, told.jkt)
        elif told.jkt is not None or sent.scheme != "bearer" or not provider.bearer:
            # A bound token is never taken as a bearer's: who stole it would ask for just that.
            raise TokenRefused("unproved")
        return await run_in_threadpool(provider.standing.profile, told, sent.purpose)

    async def _prove(self, sent: "_Sent", jkt: str) -> None:
        proof = check_proof(
            sent.headers.get(b"dpop", b"").decode("latin-1"),
            method=sent.method,
            url=sent.url,
            now=self._clock.now(),
            token=sent.token,
            jkt=jkt,
        )
        if await self._statements.fetch_text(USE_PROOF, (proof.hash, proof.expires_at)) is None:
            raise ProofRefused("used")


@dataclass(slots=True)
class _Sent:
    """A token with what came along."""

    scheme: str
    token: str
    method: str
    url: str
    headers: Headers
    purpose: str | None


def _metadata_address(config: AuthConfig) -> str:
    parts = urlsplit(config.resource)
    return f"{parts.scheme}://{parts.netloc}{protected_resource_path(config)}"
