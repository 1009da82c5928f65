"""The authorization server: Authlib's, with the hub's clients, proofs, tokens and answers.

Authlib is synchronous. Each request is one call in a worker thread and one transaction, whose session the hooks find in
a context variable. The transaction is committed also when the answer is an OAuth error: a replay that was noticed must
leave its revocation behind.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final, NoReturn, TypeVar
from uuid import UUID, uuid4

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer, InvalidClientError, InvalidScopeError
from sqlalchemy import Engine, select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session, col

from hub.auth import assertion, clients, denials, once
from hub.auth.clientkeys import ClientKeys
from hub.auth.clients import METHOD, Client
from hub.auth.config import ACCESS, AuthConfig
from hub.auth.dpop import Nonces, check_proof
from hub.auth.errors import ProofRefused
from hub.auth.fetching import Fetcher
from hub.auth.jose import Malformed
from hub.auth.keys import KeyRing
from hub.auth.request import JSON, NO_STORE, Form, Reply, Request
from hub.auth.root import RootKey
from hub.auth.sessions import Sessions
from hub.auth.tokens import Claims, Verifier, mint
from hub.clock import Clock
from hub.errors import StoreUnavailable
from hub.log import logger
from schema.tables import ClientRow
from schema.vocabulary import AccessScope

SWEEP_SECONDS: Final = 60.0
TRANSACTIONS_MAX: Final = 6
"""At once, per process: each may need a second connection, to ask about a person, and the engine has fifteen."""
_BAD_REQUEST: Final = 400
_UNAUTHORIZED: Final = 401
T = TypeVar("T")
_log = logger()
_session: ContextVar[Session] = ContextVar("session")

# Authlib writes tokens into its log at DEBUG.
logging.getLogger("authlib").setLevel(logging.INFO)


class InvalidTarget(OAuth2Error):
    """The resource is unknown, or not for this grant: RFC 8707, section 2."""

    error = "invalid_target"


class InvalidProof(OAuth2Error):
    """The DPoP proof is missing or not good: RFC 9449, section 5."""

    error = "invalid_dpop_proof"


class NonceNeeded(OAuth2Error):
    """The proof must hold a nonce of ours: RFC 9449, section 8."""

    error = "use_dpop_nonce"


class Server(AuthorizationServer):
    """The authorization server of one hub."""

    def __init__(
        self,
        *,
        config: AuthConfig,
        engine: Engine,
        ring: KeyRing,
        root: RootKey,
        sessions: Sessions,
        clock: Clock,
        client_keys: ClientKeys | None = None,
        admit: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(scopes_supported=[scope.value for scope in AccessScope])
        self.config: Final = config
        self.ring: Final = ring
        self.root: Final = root
        self.sessions: Final = sessions
        self.clock: Final = clock
        self.nonces: Final = Nonces(root)
        self.verifier: Final = Verifier(ring, issuer=config.issuer, audience=None, clock=clock)
        self._engine: Final = engine
        self._keys: Final = client_keys or ClientKeys(Fetcher(loopback=config.loopback_keys))
        self._admit: Final = admit
        self._places: Final = threading.BoundedSemaphore(TRANSACTIONS_MAX)
        self._swept = time.monotonic()
        self.register_client_auth_method(METHOD, self._by_assertion)

    # The transaction.

    @property
    def session(self) -> Session:
        """The session of the request at hand."""
        return _session.get()

    @property
    def now(self) -> datetime:
        """The present instant."""
        return self.clock.now()

    def within(self, call: Callable[[], T]) -> T:
        """Make one call in one transaction; what it answers is committed, what it raises is not.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        try:
            self.ring.refresh()
            with self._places, Session(self._engine, expire_on_commit=False) as session, session.begin():
                token = _session.set(session)
                try:
                    reply = call()
                finally:
                    _session.reset(token)
            self._sweep()
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            raise StoreUnavailable("the authorization server cannot reach it") from error
        return reply

    def _sweep(self) -> None:
        if time.monotonic() - self._swept > SWEEP_SECONDS:
            self._swept = time.monotonic()
            with Session(self._engine) as session, session.begin():
                once.sweep(session, self.now)

    # Endpoints that answer a form.

    def token(self, form: Form) -> Reply:
        """Answer the token endpoint: RFC 6749, section 3.2."""
        return self.answer("token", form, self.create_token_response)

    def endpoint(self, name: str, form: Form) -> Reply:
        """Answer an endpoint that Authlib knows by name."""
        return self.answer(name, form, lambda request: self.create_endpoint_response(name, request))  # type: ignore[no-untyped-call]  # untyped

    def answer(self, address: str, form: Form, call: Callable[[Request], Any]) -> Reply:
        """Answer a form at an endpoint, by a call in one transaction."""
        request = Request(self.config.endpoint(address), form)

        def answer() -> Reply:
            try:
                request.payload.refuse_repeated()
            except OAuth2Error as error:
                return self.refusal(request, error)
            reply = call(request)
            assert isinstance(reply, Reply)
            asked = isinstance(reply.body, Mapping) and reply.body.get("error") == NonceNeeded.error
            if asked or (request.client is not None and request.client.needs_nonce):
                return reply.with_headers(("DPoP-Nonce", self.nonces.at(self.now)))
            return reply

        reply = self.within(answer)
        if reply.status >= _BAD_REQUEST and isinstance(reply.body, Mapping):
            _log.info("oauth.refused", path=address, code=str(reply.body.get("error")), status=reply.status)
        return reply

    # What Authlib asks of a framework.

    def query_client(self, client_id: str) -> Client:
        """Find a client that is not cut off; None, which Authlib refuses, when there is none."""
        found = clients.find(self.session, client_id, now=self.now)
        if found is not None and self.denied(found.subjects()):
            found = None
        return found  # type: ignore[return-value]  # None is Authlib's way

    def create_oauth2_request(self, request: Any) -> Request:
        """Take the request as it is: it was made for Authlib."""
        assert isinstance(request, Request)
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Reply:
        """Turn Authlib's answer into a value: redirects by 303 (RFC 9700, section 4.12) and with iss (RFC 9207)."""
        location = dict(headers).get("Location")
        if location is not None:
            location = add_params_to_uri(location, [("iss", self.config.issuer)])
            return Reply(303, None, (("Location", location), *NO_STORE))
        return Reply(status, body, (JSON, *NO_STORE, *self._challenge(status)))

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Signal nothing: there is nobody to listen."""

    def save_token(self, token: dict[str, str | int], request: Any) -> None:
        """Keep nothing: access tokens are signed, refresh tokens kept where they are made."""

    def refusal(self, request: Request, error: OAuth2Error) -> Reply:
        """Answer an error."""
        reply = self.handle_error_response(request, error)
        assert isinstance(reply, Reply)
        return reply

    @staticmethod
    def _challenge(status: int) -> tuple[tuple[str, str], ...]:
        return (("WWW-Authenticate", "Basic realm=oauth"),) if status == _UNAUTHORIZED else ()

    # Clients.

    def _by_assertion(self, query_client: Callable[[str], Client | None], request: Request) -> Client | None:
        """Authenticate a client by its assertion. None, whatever is wrong: RFC 6749, section 5.2, tells no more.

        What it was is for the log alone, so that operators can help.
        """
        try:
            return self._asserted(query_client, request)
        except Malformed as error:
            _log.info("oauth.assertion_refused", reason=str(error))
            return None

    def _asserted(self, query_client: Callable[[str], Client | None], request: Request) -> Client | None:
        text = request.given("client_assertion")
        if request.given("client_assertion_type") != assertion.TYPE or text is None:
            raise Malformed("none")
        client_id = assertion.named_client(text)
        client = query_client(client_id)
        audiences: tuple[str, ...] = (self.config.issuer,)
        if client is not None and client.legacy_audience:
            audiences += (self.config.endpoint("token"),)
        jti, expires_at = assertion.check(text, client, self._keys, audiences=audiences, now=self.now)
        if request.given("client_id") not in {None, client_id}:
            raise Malformed("client_id")
        if not once.use_assertion(self.session, client_id, jti, expires_at=expires_at):
            raise Malformed("used before")
        return client

    def authenticate_client(self, request: Any, methods: Collection[str], endpoint: str = "token") -> Client:
        """Authenticate the client, whatever the endpoint, by its assertion alone."""
        del methods
        try:
            client = super().authenticate_client(request, [METHOD], endpoint)
        except InvalidClientError:
            # By a header of its own the client would be told which scheme to use: RFC 6749, section 5.2.
            status = _UNAUTHORIZED if request.form_values.authorization else _BAD_REQUEST
            raise _Unknown(status) from None
        assert isinstance(client, Client)
        if self._admit is not None:
            self._admit(client.id)
        request.client = client
        return client

    # Proofs, targets, tokens.

    def prove(self, request: Request, client: Client) -> None:
        """Check the request's proof and use it up: RFC 9449, section 5.

        Raises:
            InvalidProof: there is none, more than one, or it is not good.
            NonceNeeded: the client's proofs must hold a nonce.
        """
        if len(request.form_values.proofs) != 1:
            raise InvalidProof("Send one DPoP proof.")
        try:
            proof = check_proof(request.form_values.proofs[0], method="POST", url=request.url, now=self.now)
        except ProofRefused as error:
            raise InvalidProof(error.public) from None
        if (client.needs_nonce or proof.nonce is not None) and not self.nonces.holds(proof.nonce, self.now):
            raise NonceNeeded("Use the nonce of the header DPoP-Nonce.")
        if not once.use_proof(self.session, proof.hash, expires_at=proof.expires_at):
            raise InvalidProof(ProofRefused.public)
        request.proof = proof

    def target(self, request: Request) -> str:
        """Settle the audience: RFC 8707, section 2. One, and one that is known; the graph when none is named.

        Raises:
            InvalidTarget: it is unknown, or there are several.
        """
        named = set(request.payload.datalist.get("resource", ()))
        if not named:
            return self.config.resource
        if named == {self.config.resource}:
            return self.config.resource
        if len(named) == 1:
            resource: str = named.pop()
            gateway = select(col(ClientRow.id)).where(col(ClientRow.resource) == resource)
            if self.session.execute(gateway).first() is not None:
                return resource
        raise InvalidTarget("Name one resource that is known.")

    def denied(self, subjects: Sequence[str], issued_at: datetime | None = None) -> bool:
        """Tell whether tokens of these subjects, issued then or now, are denied."""
        return denials.denied(self.session, subjects, issued_at=issued_at or self.now, now=self.now)

    def issue(
        self,
        request: Request,
        client: Client,
        *,
        sub: str,
        aud: str,
        gid: UUID | None = None,
        scopes: frozenset[AccessScope],
        more: Mapping[str, Any],
        exp: int | None = None,
    ) -> dict[str, Any]:
        """Make an access token bound to the key of the request's proof, and the answer around it.

        Args:
            request: with its proof.
            client: who gets the token.
            sub: the client's id, or the account's.
            aud: the one resource that it is for.
            gid: the grant it came of; of a new one by default. Ending the grant ends the token.
            scopes: all of them settled before.
            more: other claims, by their names in `Claims`.
            exp: in seconds since 1970; not later than its own lifetime allows.

        Source: RFC 6749, section 5.1; RFC 9068; RFC 9449, section 5.
        """
        assert request.proof is not None
        now = int(self.now.timestamp())
        end = now + int(ACCESS.total_seconds())
        claims = Claims(
            iss=self.config.issuer,
            sub=sub,
            aud=aud,
            client_id=client.id,
            iat=now,
            nbf=now,
            exp=end if exp is None else min(exp, end),
            jti=str(uuid4()),
            gid=str(gid or uuid4()),
            kid="",
            scopes=frozenset(scope.value for scope in scopes),
            jkt=request.proof.jkt,
            **more,
        )
        return {
            "access_token": mint(claims, self.ring),
            "token_type": "DPoP",
            "expires_in": claims.exp - now,
            "scope": " ".join(sorted(claims.scopes)),
        }


class _Unknown(OAuth2Error):
    """Client authentication failed. The same for every cause: RFC 6749, section 5.2."""

    error = "invalid_client"

    def __init__(self, status: int) -> None:
        super().__init__("The client could not be authenticated.", status_code=status)


def scope_error() -> NoReturn:
    """Refuse scopes that are unknown or too wide.

    Raises:
        InvalidScopeError: always.
    """
    raise InvalidScopeError("The scope is unknown, or wider than what was granted.")
