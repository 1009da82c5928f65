"""People who sign in by the OpenID provider: the hub as its client, by code, PKCE and a signed assertion.

OpenID Connect Core 1.0, section 3.1; Authlib writes the requests and reads the answers, joserfc checks signatures. What
must be remembered between leaving and coming back is sealed in a cookie of the browser that left. The provider is asked
to have the person prove anew who they are, so that a screen left open there opens nothing here.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from starlette.concurrency import run_in_threadpool

from hub.auth.config import LEEWAY, ProviderConfig
from hub.auth.errors import KeyRefused, RootKeyRefused
from hub.auth.fetching import Fetcher
from hub.auth.jose import PROVIDERS, Json, Malformed, header_of, is_id, seconds, sign, verified
from hub.auth.openid.keys import ProviderKeys
from hub.auth.people.accounts import subject_of
from hub.auth.people.errors import SignInRefused
from hub.auth.root import RootKey
from hub.auth.text import random_text
from hub.clock import Clock
from hub.log import logger

TRIP_SECONDS: Final = 600
"""How long somebody may take at the provider."""
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS: Final = 60
_METHOD: Final = "private_key_jwt"
_LABEL: Final = "openid client"
_SEAL: Final = "openid trip"
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_HEADER: Final = frozenset({"typ", "alg", "kid", "x5t", "x5t#S256"})
_TYPES: Final = ("jwt", None)
_log = logger()


@dataclass(frozen=True, slots=True)
class Trip:
    """Somebody who came back, with where they were going."""

    subject: str
    """Issuer and subject, as accounts keep them."""
    goal: str


class SignIn:
    """The hub as a client of the provider."""

    def __init__(
        self,
        config: ProviderConfig,
        client: str,
        *,
        keys: ProviderKeys,
        fetcher: Fetcher,
        root: RootKey,
        clock: Clock,
    ) -> None:
        """Take the provider, the id of the hub there, and what keeps its keys."""
        self.name: Final = urlsplit(config.issuer).netloc
        """What people are told."""
        self._issuer: Final = config.issuer
        self._client: Final = client
        self._back: Final = f"{config.home}/signin/provider/back"
        self._keys: Final = keys
        self._fetcher: Final = fetcher
        self._root: Final = root
        self._clock: Final = clock
        self._key: Final = _derived(root)
        self._kid: Final = self._key.thumbprint()

    def jwks(self) -> Json:
        """Give the key to publish, by which the provider checks the hub's assertions."""
        return {"keys": [self._key.as_dict(private=False) | {"kid": self._kid, "use": "sig", "alg": "ES256"}]}

    async def begin(self, goal: str) -> tuple[str, str]:
        """Begin a trip.

        Args:
            goal: where the person wants to go afterwards; empty for nowhere.

        Returns:
            where to send the browser, and what it must bring back in a cookie.

        Raises:
            ProviderUnavailable: the provider cannot be reached.
            SignInRefused: it does not say where people sign in.
        """
        await self._keys.ready()
        state, nonce, verifier = random_text(), random_text(), random_text()
        # max_age=0 asks for a proof of now: OpenID Connect Core, section 3.1.2.1.
        address, _ = self._oauth().create_authorization_url(
            self._endpoint("authorization_endpoint"),
            state=state,
            code_verifier=verifier,
            nonce=nonce,
            max_age=0,
            prompt="login",
        )
        kept = {"state": state, "nonce": nonce, "verifier": verifier, "goal": goal, "begun": self._now}
        return str(address), self._seal(kept)

    async def finish(self, query: Sequence[tuple[str, str]], kept: str) -> Trip:
        """Take the provider's answer.

        Args:
            query: of the address the browser was sent back to.
            kept: the cookie that `begin` gave.

        Raises:
            ProviderUnavailable: the provider cannot be reached.
            SignInRefused: the answer is not one to this browser's question, or the provider vouches for nobody.
        """
        await self._keys.ready()
        given, trip = dict(query), self._opened(kept)
        if len(given) != len(query) or given.get("state") != trip["state"]:
            raise self._refused("state")
        issuer = given.get("iss")
        if issuer != self._issuer and (
            issuer is not None or self._keys.described.get("authorization_response_iss_parameter_supported") is True
        ):
            # Mix-up: RFC 9207, section 2.4.
            raise self._refused("issuer")
        if "error" in given or not is_id(given.get("code")):
            raise self._refused("no code")
        tokens = await run_in_threadpool(self._redeem, given["code"], trip["verifier"])
        claims = await self._claims(tokens, trip)
        return Trip(subject_of(self._issuer, claims["sub"]), trip["goal"])

    def _redeem(self, code: str, verifier: str) -> Mapping[str, Any]:  # JSON
        try:
            tokens: Mapping[str, Any] = self._oauth().fetch_token(
                self._endpoint("token_endpoint"), code=code, code_verifier=verifier, redirect_uri=self._back
            )
        except (KeyRefused, OAuth2Error, ValueError) as error:
            raise self._refused("code") from error
        return tokens

    async def _claims(self, tokens: Mapping[str, Any], trip: Json) -> Json:
        """Check an ID token: OpenID Connect Core, section 3.1.3.7."""
        text, leeway = tokens.get("id_token"), int(LEEWAY.total_seconds())
        try:
            header, claims = await self._verified(text if isinstance(text, str) else "")
            options: Any = {
                "iss": {"essential": True, "value": self._issuer},
                "aud": {"essential": True, "value": self._client},
            }
            params = {
                "client_id": self._client,
                "nonce": trip["nonce"],
                "access_token": tokens.get("access_token"),
            }
            CodeIDToken(claims, header, options, params).validate(now=self._now, leeway=leeway)
            proved = seconds(claims, "auth_time")
        except (Malformed, JoseError, ValueError, TypeError) as error:
            raise self._refused("ID token") from error
        if not is_id(claims.get("sub")):
            raise self._refused("subject")
        if proved is None or proved < trip["begun"] - leeway:
            raise self._refused("proved long ago")
        return claims

    async def _verified(self, text: str) -> tuple[Json, Json]:
        header = header_of(text, typ=_TYPES, members=_HEADER, algorithms=PROVIDERS)
        key = await self._keys.find(header.get("kid"), header["alg"])
        if key is None:
            raise Malformed("key")
        return header, verified(text, key, PROVIDERS)

    def _oauth(self) -> Any:  # untyped in Authlib
        oauth = OAuth2Client(
            _Session(self._fetcher),
            self._client,
            token_endpoint_auth_method=_METHOD,
            redirect_uri=self._back,
            scope="openid",
            code_challenge_method="S256",
        )
        oauth.register_client_auth_method((_METHOD, self._assert))
        return oauth

    def _assert(self, _auth: Any, _method: str, uri: str, headers: Any, body: Any) -> Any:  # Authlib's
        """Authenticate the hub: RFC 7523, section 3, with the issuer as audience."""
        claims: Json = {
            "iss": self._client,
            "sub": self._client,
            "aud": self._issuer,
            "jti": str(uuid4()),
            "iat": self._now,
            "exp": self._now + _ASSERTION_SECONDS,
        }
        assertion = sign({"alg": "ES256", "kid": self._kid}, claims, self._key)
        proof = {"client_id": self._client, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        return uri, headers, dict(body) | proof

    def _endpoint(self, name: str) -> str:
        address = self._keys.described.get(name)
        if not isinstance(address, str) or urlsplit(address).scheme not in {"https", urlsplit(self._issuer).scheme}:
            raise self._refused(name)
        return address

    @property
    def _now(self) -> int:
        return int(self._clock.now().timestamp())

    def _seal(self, kept: Json) -> str:
        sealed = self._root.seal(json.dumps(kept).encode(), label=_SEAL, context=self._issuer)
        return urlsafe_b64encode(sealed).decode()

    def _opened(self, kept: str) -> Json:
        try:
            sealed = urlsafe_b64decode(kept.encode())
            trip: Json = json.loads(self._root.open(sealed, label=_SEAL, context=self._issuer))
        except (RootKeyRefused, ValueError) as error:
            raise self._refused("cookie") from error
        if not 0 <= self._now - trip["begun"] <= TRIP_SECONDS:
            raise self._refused("too late")
        return trip

    def _refused(self, reason: str) -> SignInRefused:
        _log.warning("openid.sign_in_refused", reason=reason)
        return SignInRefused(reason)


class _Session:
    """What Authlib takes for a session: one that goes out by the narrow door only."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher: Final = fetcher

    def post(self, url: str, *, data: Any, headers: Any, auth: Any) -> "_Answer":
        """Send a form."""
        _, _, body = auth.prepare("POST", url, headers, data)
        return _Answer(self._fetcher.fetch(url, body))


class _Answer:
    """What Authlib takes for a response; the fetcher lets none through but 200."""

    status_code: Final = 200

    def __init__(self, body: Json) -> None:
        self._body: Final = body

    def json(self) -> Json:
        """Give the body."""
        return self._body


def _derived(root: RootKey) -> ECKey:
    """Derive the hub's key as a client from the root key: hubs that share the one share the other, and none is kept."""
    number = int.from_bytes(root.derive(_LABEL)) % (_P256_ORDER - 1) + 1
    private = ec.derive_private_key(number, ec.SECP256R1())
    return ECKey.import_key(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
