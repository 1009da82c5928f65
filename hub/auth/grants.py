"""The grants: client credentials, code, refresh token, token exchange. There are no others.

Authlib brings their frame; here is what it leaves open: one-time use by one statement, replays that end the grant, PKCE
by S256 for everybody, tokens bound to the key of the client's proof.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError, InvalidScopeError, grants
from sqlalchemy import select, update
from sqlmodel import col

from hub.auth import denials, once
from hub.auth.clients import METHOD, Client, scopes_for
from hub.auth.config import CODE, GRANT
from hub.auth.request import Request
from hub.auth.server import InvalidTarget, Server, scope_error
from hub.auth.sessions import Account
from hub.auth.text import random_text
from hub.log import logger
from schema.tables import AuthorizationCodeRow, RefreshTokenRow, TokenGrantRow
from schema.vocabulary import AccessScope

_log = logger()
CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class _Proven(grants.BaseGrant):
    """A grant whose client signs an assertion and proves its key."""

    request: Request
    server: Server

    def authenticate_token_endpoint_client(self) -> Client:
        """Authenticate the client, then use up its proof."""
        client = self.server.authenticate_client(self.request, [METHOD])
        self.server.prove(self.request, client)
        return client


class ClientCredentials(_Proven, grants.ClientCredentialsGrant):
    """A body's program asks for itself: RFC 6749, section 4.4."""

    def create_token_response(self) -> Any:  # Authlib's
        """Issue a token for the client itself."""
        server, client = self.server, self.request.client
        assert client is not None
        scopes = scopes_for(self.request.given("scope"), client.scopes) or scope_error()
        token = server.issue(
            self.request,
            client,
            sub=client.id,
            aud=server.target(self.request),
            scopes=scopes,
            more={
                "organisation_id": client.organisation_id,
                "roles": () if client.relation is None else (client.relation.value,),
                "purposes": tuple(purpose.value for purpose in client.purposes),
            },
        )
        return 200, token, ()


class Code(_Proven, grants.AuthorizationCodeGrant):
    """A person let a client in: RFC 6749, section 4.1; RFC 7636; FAPI 2.0 Security Profile, section 5.3.2.1."""

    @staticmethod
    def validate_authorization_redirect_uri(request: Any, client: Any) -> str:  # Authlib's
        """Compare the redirect uri exactly. It is not repeated in the error: Authlib fails on quotes in there."""
        uri = request.payload.redirect_uri
        if not uri or not client.check_redirect_uri(uri):
            raise InvalidRequestError("The redirect_uri is not one of the client's.")
        return str(uri)

    def create_authorization_response(self, redirect_uri: str, grant_user: Any) -> Any:  # Authlib's
        """Let the client in, with scopes that the person has too: RFC 6749, section 4.1.2."""
        account: Account | None = grant_user
        if account is not None:
            client = self.request.client
            assert client is not None
            scopes = scopes_for(self.request.given("scope"), client.scopes & account.scopes)
            if scopes is None:
                raise InvalidScopeError("The scope is wider than the person has.", redirect_uri=redirect_uri)
            self.request.scope = " ".join(sorted(scopes))
        return super().create_authorization_response(redirect_uri, account)

    def save_authorization_code(self, code: str, request: Any) -> None:
        """Keep the hash of a code, with a new grant behind it."""
        account: Account = request.user
        now, session = self.server.now, self.server.session
        grant = TokenGrantRow(
            client_id=request.client.id,
            account_id=account.id,
            scopes=sorted(scope for scope in AccessScope if scope.value in request.scope.split()),
            resource=self.server.target(request),
            jkt=request.jkt,
            amr=list(account.amr),
            auth_time=account.auth_time,
            created_at=now,
            expires_at=now + GRANT,
        )
        session.add(grant)
        session.flush()
        session.add(
            AuthorizationCodeRow(
                hash=once.hashed(code),
                gid=grant.id,
                client_id=request.client.id,
                redirect_uri=request.given("redirect_uri"),
                code_challenge=request.given("code_challenge"),
                expires_at=now + CODE,
            )
        )
        session.flush()

    def generate_authorization_code(self) -> str:
        """Make a code of 256 bits."""
        return random_text()

    def query_authorization_code(self, code: str, client: Any) -> "Redeemed | None":
        """Use the code up by one statement. One that was used before ends all that came of it (section 4.1.2)."""
        server, now = self.server, self.server.now
        row, digest = AuthorizationCodeRow, once.hashed(code)
        used = (
            update(row)
            .where(
                col(row.hash) == digest,
                col(row.client_id) == client.id,
                col(row.used_at).is_(None),
                col(row.expires_at) > now,
            )
            .values(used_at=now)
            .returning(col(row.gid), col(row.redirect_uri), col(row.code_challenge))
        )
        found = server.session.execute(used).first()
        if found is not None:
            grant = live_grant(server, found.gid)
            return None if grant is None else Redeemed(grant, found.redirect_uri, found.code_challenge)
        before = select(col(row.gid)).where(col(row.hash) == digest, col(row.used_at).is_not(None))
        gid = server.session.execute(before).scalar()
        if gid is not None:
            notice_replay(server, gid)
        return None

    def validate_token_request(self) -> None:
        """Check PKCE and the key after Authlib has checked client, code and redirect uri: the code is gone by now."""
        super().validate_token_request()
        redeemed: Redeemed = self.request.authorization_code  # type: ignore[assignment]  # set by Authlib
        check_verifier(self.request.given("code_verifier"), redeemed.challenge)
        assert self.request.proof is not None
        bind(redeemed.grant, self.request.proof.jkt)
        if self.server.target(self.request) != redeemed.grant.resource and "resource" in self.request.payload.data:
            raise InvalidTarget("The code is for another resource.")

    def authenticate_user(self, authorization_code: Any) -> Account | None:
        """Ask whether the person may still come in."""
        return self.server.sessions.account(authorization_code.grant.account_id)

    def generate_token(  # Authlib's
        self,
        user: Any = None,
        scope: str | None = None,
        grant_type: str | None = None,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> dict[str, Any]:
        """Issue the token and the refresh token."""
        del scope, grant_type, expires_in, include_refresh_token
        redeemed: Redeemed = self.request.authorization_code  # type: ignore[assignment]  # set by Authlib
        token = person_token(self.server, self.request, redeemed.grant, user, asked=None)
        return token | {"refresh_token": new_refresh(self.server, redeemed.grant)}

    def delete_authorization_code(self, authorization_code: Any) -> None:
        """Keep the used code, so that a replay is seen."""


class Redeemed:
    """A code that was used up just now."""

    def __init__(self, grant: TokenGrantRow, redirect_uri: str, challenge: str) -> None:
        self.grant = grant
        self.challenge = challenge
        self._redirect_uri = redirect_uri

    def get_redirect_uri(self) -> str:
        """Give the redirect uri the code was sent to."""
        return self._redirect_uri

    def get_scope(self) -> str:
        """Give the scopes of the grant."""
        return " ".join(self.grant.scopes)


class Held:
    """A refresh token that may be used."""

    def __init__(self, grant: TokenGrantRow, digest: bytes) -> None:
        self.grant = grant
        self.hash = digest

    def check_client(self, client: Client) -> bool:
        """Compare the client."""
        return self.grant.client_id == client.id

    def get_scope(self) -> str:
        """Give the scopes of the grant."""
        return " ".join(self.grant.scopes)


class Refresh(_Proven, grants.RefreshTokenGrant):
    """A new access token without the person: RFC 6749, section 6; RFC 9700, section 4.14.

    The refresh token stays the same unless the client rotates: rotation loses sessions when an answer is lost, which
    FAPI 2.0 Security Profile, section 5.3.2.1, advises against for clients that are bound otherwise.
    """

    def authenticate_refresh_token(self, refresh_token: str) -> Any:  # Authlib's
        """Find a refresh token of this client. One that was used before ends its grant."""
        row, client = RefreshTokenRow, self.request.client
        assert client is not None
        found = self.server.session.get(row, once.hashed(refresh_token))
        if found is None or found.client_id != client.id or found.expires_at <= self.server.now:
            return None
        if found.used_at is not None:
            notice_replay(self.server, found.gid)
            return None
        grant = live_grant(self.server, found.gid)
        if grant is None:
            return None
        assert self.request.proof is not None
        bind(grant, self.request.proof.jkt)
        if "resource" in self.request.payload.data and self.server.target(self.request) != grant.resource:
            raise InvalidTarget("The refresh token is for another resource.")
        return Held(grant, found.hash)

    def authenticate_user(self, refresh_token: Any) -> Account | None:
        """Ask whether the person may still come in."""
        account = self.server.sessions.account(refresh_token.grant.account_id)
        if account is None:
            raise InvalidGrantError
        return account

    def issue_token(self, user: Any, refresh_token: Any) -> dict[str, Any]:
        """Issue the token; where the client rotates, use the refresh token up and give the next one."""
        asked = self.request.given("scope")
        token = person_token(self.server, self.request, refresh_token.grant, user, asked=asked)
        assert self.request.client is not None
        if not self.request.client.rotates_refresh:
            return token
        row = RefreshTokenRow
        unused = update(row).where(col(row.hash) == refresh_token.hash, col(row.used_at).is_(None))
        used = unused.values(used_at=self.server.now).returning(col(row.gid))
        if self.server.session.execute(used).first() is None:
            notice_replay(self.server, refresh_token.grant.id)
            raise InvalidGrantError
        return token | {"refresh_token": new_refresh(self.server, refresh_token.grant)}

    def revoke_old_credential(self, refresh_token: Any) -> None:
        """Do nothing more: it was used up where the token was issued."""


def check_verifier(verifier: str | None, challenge: str) -> None:
    """Check a code verifier by S256: RFC 7636, section 4.6.

    Raises:
        InvalidRequestError: there is none, or it is none.
        InvalidGrantError: it is not the challenge's.
    """
    if verifier is None or VERIFIER.fullmatch(verifier) is None:
        raise InvalidRequestError("Send the code_verifier.")
    made = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if not hmac.compare_digest(made, challenge):
        raise InvalidGrantError


def bind(grant: TokenGrantRow, jkt: str) -> None:
    """Bind a grant to the key of the first proof; later ones must be of the same: RFC 9449, sections 5 and 10.

    Raises:
        InvalidGrantError: the grant is bound to another key.
    """
    if grant.jkt is None:
        grant.jkt = jkt
    elif not hmac.compare_digest(grant.jkt, jkt):
        raise InvalidGrantError


def live_grant(server: Server, gid: UUID) -> TokenGrantRow | None:
    """Give a grant that is neither over, ended nor denied."""
    grant = server.session.get(TokenGrantRow, gid)
    if grant is None or grant.revoked_at is not None or grant.expires_at <= server.now:
        return None
    subjects = (f"gid:{gid}", f"sub:{grant.account_id}", f"client:{grant.client_id}")
    return None if server.denied(subjects, issued_at=grant.created_at) else grant


def end_grant(server: Server, gid: UUID) -> None:
    """End a grant with all tokens that came of it; access tokens by a denial, as they are not kept."""
    now = server.now
    grant = server.session.get(TokenGrantRow, gid)
    if grant is not None:
        grant.revoked_at = grant.revoked_at or now
        denials.deny(server.session, f"gid:{gid}", before=denials.FOREVER, expires_at=grant.expires_at)
        server.session.flush()


def notice_replay(server: Server, gid: UUID) -> None:
    """End a grant whose code or refresh token came twice: somebody else may have it."""
    _log.warning("oauth.replay_noticed")
    end_grant(server, gid)


def new_refresh(server: Server, grant: TokenGrantRow) -> str:
    """Make a refresh token of 256 bits; its hash is kept."""
    text, now = random_text(), server.now
    server.session.add(
        RefreshTokenRow(
            hash=once.hashed(text),
            gid=grant.id,
            client_id=grant.client_id,
            created_at=now,
            expires_at=grant.expires_at,
        )
    )
    server.session.flush()
    return text


def person_token(
    server: Server, request: Request, grant: TokenGrantRow, account: Account, *, asked: str | None
) -> dict[str, Any]:
    """Issue a token for a person: never more than was granted, and than client and account may have now.

    Raises:
        InvalidScopeError: more was asked for.
        InvalidGrantError: nothing is left of the grant, or the person's body was cut off.
    """
    client = request.client
    assert client is not None
    if account.organisation_id is not None and server.denied(
        (f"org:{account.organisation_id}",), issued_at=grant.created_at
    ):
        raise InvalidGrantError
    left = frozenset(grant.scopes) & client.scopes & account.scopes
    scopes = scopes_for(asked, left)
    if scopes is None:
        raise InvalidScopeError("The scope is wider than what was granted.") if asked else InvalidGrantError()
    return server.issue(
        request,
        client,
        sub=str(account.id),
        aud=grant.resource,
        gid=grant.id,
        scopes=scopes,
        more={
            "organisation_id": account.organisation_id,
            "city_id": account.city_id,
            "roles": (account.relation.value,),
            "purposes": tuple(purpose.value for purpose in client.purposes),
            "amr": tuple(grant.amr),
            "auth_time": _seconds(grant.auth_time),
        },
    )


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
