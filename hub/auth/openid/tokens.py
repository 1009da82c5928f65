"""Access tokens of the OpenID provider: how they are checked, and what they say in the hub's words.

RFC 9068, section 4, where the token calls itself at+jwt. By choice of the operator also tokens that call themselves
JWT, or nothing; among those an ID token is told apart by its audience and by what only ID tokens hold.
"""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from hub.auth.config import LEEWAY, PROVIDED, ProviderConfig
from hub.auth.errors import TokenRefused
from hub.auth.jose import PROVIDERS, Json, Malformed, header_of, is_id, seconds, unverified, verified
from hub.auth.openid.keys import ProviderKeys
from hub.clock import Clock

CACHE_MAX: Final = 20_000
VALUES_MAX: Final = 200
_JKT_CHARS: Final = 43
_HEADER: Final = frozenset({"typ", "alg", "kid", "x5t", "x5t#S256"})
"""Certificates' hashes are hints, which nobody here follows."""
_TYPED: Final = ("at+jwt",)
_UNTYPED: Final = ("at+jwt", "jwt", None)
_OF_OTHERS: Final = frozenset({"nonce", "at_hash", "c_hash", "s_hash", "events"})
"""Claims of ID tokens and of logout tokens: OpenID Connect Core, sections 2 and 3.3.2.11; Back-Channel Logout, 2.4."""
_CALLED: Final = (None, "Bearer", "DPoP")
"""What the claim `typ`, which Keycloak writes, may say of an access token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a verified token says, as texts: none of it has been compared with what the hub knows."""

    sub: str
    client: str
    scopes: frozenset[str]
    body: str | None
    roles: frozenset[str]
    city: str | None
    jkt: str | None
    """Thumbprint of the key it is bound to; None when to none."""
    begins: float
    issued: float
    ends: float


def issuer_of(token: str) -> object:
    """Read whose a token claims to be, to learn who is to check it. None when it cannot be read."""
    try:
        return unverified(token).get("iss") if token.count(".") > 1 else None
    except Malformed:
        return None


class ProviderVerifier:
    """Checks tokens, and remembers what it verified: what they say, never a decision."""

    def __init__(self, config: ProviderConfig, keys: ProviderKeys, clock: Clock) -> None:
        self._config: Final = config
        self._keys: Final = keys
        self._clock: Final = clock
        self._seen: OrderedDict[bytes, Told] = OrderedDict()
        self._version = keys.version

    async def verified(self, token: str) -> Told:
        """Check a token. Proofs, denials, and what the client may, are looked at elsewhere, on every call.

        Raises:
            TokenRefused: it is not good.
            ProviderUnavailable: the provider's keys cannot be had.
        """
        await self._keys.ready()
        digest = sha256(token.encode()).digest()
        told = self._seen.get(digest) if self._version == self._keys.version else None
        if told is None:
            told = await self._checked(token)
            if self._version != self._keys.version:
                self._seen, self._version = OrderedDict(), self._keys.version
            self._seen[digest] = told
            if len(self._seen) > CACHE_MAX:
                self._seen.popitem(last=False)
        now, leeway = self._clock.now().timestamp(), LEEWAY.total_seconds()
        if told.ends + leeway <= now:
            raise TokenRefused("expired")
        if told.begins - leeway > now or told.issued - leeway > now:
            raise TokenRefused("not yet valid")
        return told

    async def _checked(self, token: str) -> Told:
        types = _UNTYPED if self._config.untyped else _TYPED
        try:
            header = header_of(token, typ=types, members=_HEADER, algorithms=PROVIDERS)
            key = await self._keys.find(header.get("kid"), header["alg"])
            if key is None:
                raise TokenRefused("key")
            claims = verified(token, key, PROVIDERS)
            self._check(claims)
            return self._told(claims)
        except Malformed as error:
            raise TokenRefused(str(error)) from None

    def _check(self, claims: Json) -> None:
        if claims.get("iss") != self._config.issuer:
            raise TokenRefused("issuer")
        audience = claims.get("aud")
        if self._config.audience not in (audience if isinstance(audience, list) else [audience]):
            raise TokenRefused("audience")
        if not _OF_OTHERS.isdisjoint(claims) or claims.get("typ") not in _CALLED:
            raise TokenRefused("no access token")

    def _told(self, claims: Json) -> Told:
        issued, ends = seconds(claims, "iat"), seconds(claims, "exp")
        if issued is None or ends is None or ends - issued > PROVIDED.total_seconds():
            raise TokenRefused("lifetime")
        names, begins = self._config.claims, seconds(claims, "nbf")
        client, sub = _one(_at(claims, names.client)), claims.get("sub")
        if client is None or not is_id(sub):
            raise TokenRefused("claims")
        return Told(
            sub=sub,
            client=client,
            scopes=_several(_at(claims, names.scopes)),
            body=_one(_at(claims, names.body)),
            roles=_several(_at(claims, names.roles)),
            city=_one(_at(claims, names.city)),
            jkt=_thumbprint(claims),
            begins=issued if begins is None else begins,
            issued=issued,
            ends=ends,
        )


def _at(claims: Json, path: tuple[str, ...] | None) -> Any:  # JSON
    """Follow a path through objects; None where it leads nowhere."""
    value: Any = None if path is None else claims
    for name in path or ():
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _one(value: Any) -> str | None:  # JSON
    """Read a claim that names one thing. Several, or what is no text, is no claim to build on.

    Raises:
        TokenRefused: it names no such thing.
    """
    if value is None or is_id(value):
        return value
    raise TokenRefused("claims")


def _several(value: Any) -> frozenset[str]:  # JSON
    """Read a claim that names several things: a list of texts, or one text with spaces between.

    Raises:
        TokenRefused: it is neither.
    """
    named = value.split() if isinstance(value, str) else [] if value is None else value
    if not isinstance(named, list) or len(named) > VALUES_MAX or not all(isinstance(one, str) for one in named):
        raise TokenRefused("claims")
    return frozenset(named)


def _thumbprint(claims: Json) -> str | None:
    """Read the key a token is bound to: RFC 9449, section 6.1. One bound in another way cannot be proved here.

    Raises:
        TokenRefused: it is bound to something else.
    """
    if "cnf" not in claims:
        return None
    bound = claims["cnf"]
    jkt = bound.get("jkt") if isinstance(bound, dict) and len(bound) == 1 else None
    if not is_id(jkt) or len(jkt) != _JKT_CHARS:
        raise TokenRefused("bound")
    return jkt
