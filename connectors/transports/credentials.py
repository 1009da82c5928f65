"""How we show who we are when we read from a partner: a signed request, or a token of the partner's own server."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol
from urllib.parse import urlencode
from uuid import uuid4

import anyio
from joserfc.jwk import ECKey

from connectors import jose
from connectors.egress import Egress, Reply
from connectors.errors import Unauthorized, Unavailable
from connectors.handoff import sign_request
from connectors.jose import Key
from connectors.signing import Me, loads

SCHEME: Final = "Signed"
ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EARLY_SECONDS: Final = 30
METADATA_SECONDS: Final = 3600
_OK: Final = 200
_NONCE_CHARS_MAX: Final = 512


class Credentials(Protocol):
    """Shows who we are."""

    async def headers(self, method: str, url: str) -> Mapping[str, str]:
        """Make the headers of one request."""
        ...

    def renew(self, reply: Reply) -> bool:
        """Learn from a 401. Tell whether asking once more makes sense."""
        ...


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """Each request carries leave to read this address once, signed by us. For partners without a token server."""

    me: Me
    aud: str
    now: Callable[[], datetime]

    async def headers(self, method: str, url: str) -> Mapping[str, str]:
        """Sign for this one address."""
        token = sign_request(self.me, self.aud, method=method, url=url, now=self.now())
        return {"authorization": f"{SCHEME} {token}"}

    def renew(self, reply: Reply) -> bool:  # noqa: ARG002  # nothing to learn
        """Nothing was stale."""
        return False


@dataclass
class OAuthClient:
    """A client of the other side's authorization server: `client_credentials`, `private_key_jwt`, DPoP.

    Sources: RFC 6749, section 4.4; RFC 7523, section 2.2; RFC 9449; RFC 8414.
    """

    issuer: str
    client_id: str
    kid: str
    key: Key = field(repr=False)
    egress: Egress = field(repr=False)
    now: Callable[[], datetime] = field(repr=False)
    scope: str | None = None
    resource: str | None = None
    _proving: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"), repr=False)
    _token: str = field(default="", repr=False)
    _until: float = 0.0
    _endpoint: str = ""
    _endpoint_until: float = 0.0
    _nonces: dict[str, str] = field(default_factory=dict, repr=False)
    _gate: anyio.Lock = field(default_factory=anyio.Lock, repr=False)

    async def headers(self, method: str, url: str) -> Mapping[str, str]:
        """Give a token, fetched when there is none, and prove that we hold its key."""
        token = await self._held()
        return {"authorization": f"DPoP {token}", "dpop": self._proof(method, url, self._nonces.get("resource"), token)}

    def renew(self, reply: Reply) -> bool:
        """Take a nonce that was asked for; else the token is forgotten, and a new one fetched."""
        if self._learn("resource", reply):
            return True
        self._token = ""
        return True

    async def _held(self) -> str:
        async with self._gate:
            if not self._token or self.now().timestamp() >= self._until:
                reply = await self._asked()
                if reply.status in {400, 401} and self._learn("server", reply):
                    reply = await self._asked()
                self._keep(reply)
            return self._token

    async def _asked(self) -> Reply:
        endpoint = await self._discovered()
        form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION} | {
            "client_assertion": self._signed({"kid": self.kid, "typ": "JWT"}, self._claims(), self.key)
        }
        form |= {"scope": self.scope} if self.scope else {}
        form |= {"resource": self.resource} if self.resource else {}
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
            "dpop": self._proof("POST", endpoint, self._nonces.get("server")),
        }
        # A token that was made and lost hurts nobody, so this may be done again.
        return await self.egress.post(endpoint, urlencode(form).encode(), headers=headers, safe=True)

    def _keep(self, reply: Reply) -> None:
        if reply.status >= 500 or reply.status == 429:  # noqa: PLR2004  # not now
            raise Unavailable("no token now", status=reply.status)
        found = loads(reply.body) if reply.status == _OK else {}
        token, kind, seconds = found.get("access_token"), found.get("token_type"), found.get("expires_in", 60)
        if not isinstance(token, str) or str(kind).lower() != "dpop" or type(seconds) is not int:
            raise Unauthorized("no token for us", status=reply.status)
        self._token = token
        self._until = self.now().timestamp() + max(1, seconds - EARLY_SECONDS)

    async def _discovered(self) -> str:
        if self._endpoint and self.now().timestamp() < self._endpoint_until:
            return self._endpoint
        reply = await self.egress.get(f"{self.issuer}/.well-known/oauth-authorization-server")
        if reply.status != _OK:
            raise Unavailable("the server does not describe itself", status=reply.status)
        found = loads(reply.body)
        endpoint = found.get("token_endpoint")
        if found.get("issuer") != self.issuer or not isinstance(endpoint, str):
            raise Unauthorized("the server describes somebody else")
        self._endpoint, self._endpoint_until = endpoint, self.now().timestamp() + METADATA_SECONDS
        return endpoint

    def _claims(self) -> dict[str, Any]:
        now = int(self.now().timestamp())
        who = {"iss": self.client_id, "sub": self.client_id, "aud": self.issuer}
        return who | {"jti": str(uuid4()), "iat": now, "exp": now + 60}

    def _proof(self, method: str, url: str, nonce: str | None, token: str | None = None) -> str:
        claims: dict[str, Any] = {"htm": method, "htu": url.partition("?")[0], "jti": str(uuid4())}
        claims["iat"] = int(self.now().timestamp())
        if token is not None:
            claims["ath"] = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        if nonce is not None:
            claims["nonce"] = nonce
        return self._signed({"typ": "dpop+jwt", "jwk": self._proving.as_dict(private=False)}, claims, self._proving)

    def _learn(self, whom: str, reply: Reply) -> bool:
        nonce = reply.headers.get("dpop-nonce", "")
        if not 0 < len(nonce) <= _NONCE_CHARS_MAX or nonce == self._nonces.get(whom):
            return False
        self._nonces[whom] = nonce
        return True

    @staticmethod
    def _signed(header: dict[str, Any], claims: dict[str, Any], key: Key) -> str:
        return jose.signed({"alg": jose.algorithm(key), **header}, json.dumps(claims).encode(), key)
