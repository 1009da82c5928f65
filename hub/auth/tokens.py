"""Access tokens: what they say, how they are signed, how they are checked.

RFC 9068 (at+jwt), ES256, 300 s, one audience, bound to the client's key (RFC 9449, section 6). No person data: ids,
scopes and times. What changes faster than a token expires (relation to a person, consent) is never in it.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from hub.auth.config import ACCESS, LEEWAY
from hub.auth.errors import KeyUnknown, TokenRefused
from hub.auth.jose import Json, Malformed, header_of, sign, verified
from hub.auth.keys import AGAIN_SECONDS, KeyRing
from hub.clock import Clock

CACHE_MAX: Final = 20_000
RING_SECONDS: Final = 60.0
"""How old the keys in memory may grow while tokens are only checked."""
_HEADER: Final = frozenset({"typ", "alg", "kid"})
_ES256: Final = ("ES256",)
_LEEWAY_SECONDS: Final = LEEWAY.total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a verified access token says."""

    iss: str
    sub: str
    aud: str
    client_id: str
    iat: int
    nbf: int
    exp: int
    jti: str
    gid: str
    kid: str
    scopes: frozenset[str]
    jkt: str
    """Thumbprint of the key whose proofs must come along."""
    organisation_id: UUID | None = None
    city_id: UUID | None = None
    roles: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    """Gateways that exchanged the token, the last first: RFC 8693, section 4.1."""
    for_client: str | None = None
    """The client the subject's token was issued to, where a gateway exchanged it."""
    amr: tuple[str, ...] = ()
    auth_time: int | None = None

    @property
    def issued_at(self) -> datetime:
        """When it was issued."""
        return datetime.fromtimestamp(self.iat, UTC)

    @property
    def expires_at(self) -> datetime:
        """When it ends."""
        return datetime.fromtimestamp(self.exp, UTC)


def subjects_of(claims: Claims) -> tuple[str, ...]:
    """Name everything about a token that a denial can name."""
    named = [
        f"jti:{claims.jti}",
        f"gid:{claims.gid}",
        f"client:{claims.client_id}",
        f"sub:{claims.sub}",
        f"kid:{claims.kid}",
        *(f"client:{actor}" for actor in claims.actors),
    ]
    if claims.for_client is not None:
        named.append(f"client:{claims.for_client}")
    if claims.organisation_id is not None:
        named.append(f"org:{claims.organisation_id}")
    return tuple(dict.fromkeys(named))


def mint(claims: Claims, ring: KeyRing) -> str:
    """Sign an access token; `kid` of the claims gives way to that of the key that signs."""
    signer = ring.signer()
    body: Json = {
        "iss": claims.iss,
        "sub": claims.sub,
        "aud": claims.aud,
        "client_id": claims.client_id,
        "iat": claims.iat,
        "nbf": claims.nbf,
        "exp": claims.exp,
        "jti": claims.jti,
        "gid": claims.gid,
        "scope": " ".join(sorted(claims.scopes)),
        "cnf": {"jkt": claims.jkt},
        "org": None if claims.organisation_id is None else str(claims.organisation_id),
        "city": None if claims.city_id is None else str(claims.city_id),
        "roles": list(claims.roles),
        "purposes": list(claims.purposes),
        "act": _nested(claims.actors),
        "for_client": claims.for_client,
        "amr": list(claims.amr) or None,
        "auth_time": claims.auth_time,
    }
    header = {"typ": "at+jwt", "alg": "ES256", "kid": signer.kid}
    return sign(header, {name: value for name, value in body.items() if value is not None}, signer.key)


class Verifier:
    """Checks access tokens for one audience, and remembers what it verified: the claims only, never a decision.

    A hit costs a hash and a look at the times; the memory is emptied whenever the keys change.
    """

    def __init__(self, ring: KeyRing, *, issuer: str, audience: str | None, clock: Clock) -> None:
        """Take the keys; an audience of None takes tokens for every audience, as introspection must."""
        self._ring: Final = ring
        self._issuer: Final = issuer
        self._audience: Final = audience
        self._clock: Final = clock
        self._seen: OrderedDict[bytes, Claims] = OrderedDict()
        self._version = -1

    def verify(self, token: str) -> Claims:
        """Check a token as RFC 9068, section 4 asks. Denials and proofs are looked at elsewhere, on every call.

        Raises:
            TokenRefused: it is not good. `KeyUnknown` where newer keys could change that.
        """
        version = self._ring.version
        if version != self._version:
            self._seen = OrderedDict()
            self._version = version
        digest = sha256(token.encode()).digest()
        claims = self._seen.get(digest)
        if claims is None:
            claims = self._checked(token)
            self._seen[digest] = claims
            if len(self._seen) > CACHE_MAX:
                self._seen.popitem(last=False)
        now = self._clock.now().timestamp()
        if claims.exp + _LEEWAY_SECONDS <= now:
            raise TokenRefused("expired")
        if claims.nbf - _LEEWAY_SECONDS > now or claims.iat - _LEEWAY_SECONDS > now:
            raise TokenRefused("not yet valid")
        return claims

    async def verified(self, token: str) -> Claims:
        """Check a token; when its key is unknown, or the keys grew stale, look for newer ones first.

        Raises:
            TokenRefused: it is not good.
        """
        if self._ring.stale(RING_SECONDS):
            await run_in_threadpool(self._ring.refresh)
        try:
            return self.verify(token)
        except KeyUnknown:
            await run_in_threadpool(self._ring.refresh, older_than=AGAIN_SECONDS)
            return self.verify(token)

    def _checked(self, token: str) -> Claims:
        try:
            header = header_of(token, typ=("at+jwt",), members=_HEADER)
            if header["alg"] != "ES256" or "kid" not in header:
                raise TokenRefused("header")
            key = self._ring.verifier(header["kid"])
            if key is None:
                raise KeyUnknown("key")
            body = verified(token, key, _ES256)
        except Malformed as error:
            raise TokenRefused(str(error)) from None
        claims = read(body, header["kid"])
        if claims.iss != self._issuer:
            raise TokenRefused("issuer")
        if self._audience is not None and claims.aud != self._audience:
            raise TokenRefused("audience")
        if claims.exp - claims.iat > ACCESS.total_seconds():
            raise TokenRefused("lifetime")
        return claims


def read(body: Json, kid: str) -> Claims:
    """Read claims whose signature holds: every one of its type, none that is needed missing.

    Raises:
        TokenRefused: one is missing or of another type.
    """
    try:
        return Claims(
            **{name: _is(str, body[name]) for name in ("iss", "sub", "aud", "client_id", "jti", "gid")},
            **{name: _is(int, body[name]) for name in ("iat", "nbf", "exp")},
            kid=kid,
            scopes=frozenset(_is(str, body["scope"]).split()),
            jkt=_is(str, _is(dict, body["cnf"])["jkt"]),
            organisation_id=_maybe(body.get("org"), UUID),
            city_id=_maybe(body.get("city"), UUID),
            roles=_texts(body.get("roles")),
            purposes=_texts(body.get("purposes")),
            actors=tuple(_flat(body.get("act"))),
            for_client=_maybe(body.get("for_client"), str),
            amr=_texts(body.get("amr")),
            auth_time=None if body.get("auth_time") is None else _is(int, body["auth_time"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TokenRefused("claims") from error


def _is(kind: type, value: Any) -> Any:  # JSON
    if type(value) is not kind:
        raise TypeError
    return value


def _maybe(value: Any, make: Callable[[str], Any]) -> Any:  # JSON
    return None if value is None else make(_is(str, value))


def _texts(value: Any) -> tuple[str, ...]:  # JSON
    return () if value is None else tuple(_is(str, part) for part in _is(list, value))


def _nested(actors: tuple[str, ...]) -> Json | None:
    act: Json | None = None
    for actor in reversed(actors):
        act = {"sub": actor} if act is None else {"sub": actor, "act": act}
    return act


def _flat(act: Any) -> list[str]:  # JSON
    found = []
    while act is not None:
        found.append(_is(str, _is(dict, act)["sub"]))
        act = act.get("act")
    return found
