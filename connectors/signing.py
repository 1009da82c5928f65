"""Signing, sealing, and reading back: compact JWS inside compact JWE, by a short list of algorithms.

Signed by ES256 or Ed25519, sealed by ECDH-ES+A256KW with A256GCM. A header holds what is listed here and nothing else,
so that no token brings its own key or its own rules (RFC 8725, sections 3.5 and 3.10). Messages are padded to size
steps before they are signed, so that their length tells little of what they say.

How it is done is in `jose`; here is what may be.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from connectors import jose
from connectors.errors import Invalid, Unauthorized
from connectors.jose import ENC, SEALED_BY, Key, algorithm

STEPS: Final = (2048, 8192, 32_768, 131_072)
"""Lengths in bytes that a message may have before it is signed."""
JWS_CHARS_MAX: Final = 190_000
JWE_CHARS_MAX: Final = 256_000
"""Under the hub's limit for a body."""
KEYS_MAX: Final = 20
_SIGNED_HEADER: Final = {"alg", "kid", "typ"}
_SEALED_HEADER: Final = {"alg", "enc", "kid", "epk", "cty"}
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_CURVES: Final = {"P-256": ("ES256", "EC", ("x", "y")), "Ed25519": ("Ed25519", "OKP", ("x",))}
_SEALING_CURVES: Final = {"P-256": ("EC", ("x", "y")), "X25519": ("OKP", ("x",))}
_JWS_PARTS: Final = 3
_JWE_PARTS: Final = 5
_HEADER_CHARS_MAX: Final = 1_024


@dataclass(frozen=True, slots=True)
class Me:
    """Our side of the wire: who we are, what we sign with, what others may have sealed to."""

    issuer: str
    kid: str
    key: Key = field(repr=False)
    unsealing: Mapping[str, Key] = field(repr=False)
    """Private keys by id. The first one is published for sealing; older ones still open what is under way."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The other side: who it is, and its public keys."""

    issuer: str
    keys: Mapping[str, Key]
    """Keys of its signatures, by id."""
    sealing: tuple[str, Key] | None = None
    """Id and key to seal to; None when it publishes none, then nothing sealed can be sent there."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A token out of its envelope, whose signature nobody has checked yet."""

    jws: str
    typ: str
    alg: str
    kid: str
    claims: Mapping[str, Any] = field(repr=False)
    sealed: bool

    @property
    def iss(self) -> str:
        """Who says it wrote this."""
        return str(self.claims["iss"])


def new_keys(issuer: str) -> Me:
    """Make a side with new keys: Ed25519 to sign, X25519 to seal to."""
    signing, sealing = OKPKey.generate_key("Ed25519"), OKPKey.generate_key("X25519")
    return Me(issuer, signing.thumbprint(), signing, {sealing.thumbprint(): sealing})


def me_from(issuer: str, jwks: Mapping[str, Any]) -> Me:
    """Read our side from a private key set: the first key for signatures and all keys of `use` enc are taken.

    Raises:
        Invalid: it lacks one of them.
    """
    signing: tuple[str, Key] | None = None
    unsealing: dict[str, Key] = {}
    for jwk in _listed(jwks):
        private = _imported(jwk)
        kid = str(jwk.get("kid") or private.thumbprint())
        if jwk.get("use") == "enc":
            unsealing[kid] = private
        elif signing is None:
            signing = kid, private
    if signing is None or not unsealing:
        raise Invalid("a side needs a key to sign with and one to be sealed to")
    return Me(issuer, signing[0], signing[1], unsealing)


def private_jwks(me: Me) -> dict[str, Any]:
    """Write our side as a private key set, for a file only we can read."""
    return _written(me, private=True)


def public_jwks(me: Me) -> dict[str, Any]:
    """Write what others need: RFC 7517, section 5. The key to seal to is the first of `use` enc."""
    return _written(me, private=False)


def peer_from(issuer: str, jwks: Mapping[str, Any]) -> Peer:
    """Read another side from its public key set. Keys that are no use here are passed over.

    Raises:
        Invalid: it is no key set, holds a private key, or two keys of one id.
    """
    keys: dict[str, Key] = {}
    sealing: tuple[str, Key] | None = None
    seen: set[str] = set()
    for jwk in _listed(jwks):
        if not _PRIVATE.isdisjoint(jwk):
            raise Invalid("a private key is in the set")
        kid, use, curve = jwk.get("kid"), jwk.get("use", "sig"), jwk.get("crv")
        if not isinstance(kid, str) or not isinstance(curve, str) or not 0 < len(kid) <= 256:  # noqa: PLR2004  # long enough
            continue
        if kid in seen:
            raise Invalid("two keys of the set have the same id")
        seen.add(kid)
        if use == "sig" and curve in _CURVES:
            keys[kid] = _public(jwk, _CURVES[curve][1], _CURVES[curve][2])
        elif use == "enc" and curve in _SEALING_CURVES and sealing is None:
            sealing = kid, _public(jwk, *_SEALING_CURVES[curve])
    return Peer(issuer, keys, sealing)


def digest(token: str) -> str:
    """Give the SHA-256 of a token as it stands, base64url."""
    return jose.encoded(sha256(token.encode()).digest())


def sign(typ: str, claims: dict[str, Any], me: Me) -> str:
    """Pad and sign claims.

    Raises:
        Invalid: they are too long for the largest step.
    """
    header = {"alg": algorithm(me.key), "kid": me.kid, "typ": typ}
    return jose.signed(header, padded(claims), me.key)


def padded(claims: dict[str, Any]) -> bytes:
    """Write claims as JSON, filled up to the next size step.

    Raises:
        Invalid: they are too long for the largest step.
    """
    said = {name: value for name, value in claims.items() if name != "pad"}
    written = json.dumps(said | {"pad": ""}, separators=(",", ":")).encode()
    for step in STEPS:
        if len(written) <= step:
            # It stands last: `"pad":""}`.
            return written[:-2] + b"0" * (step - len(written)) + written[-2:]
    raise Invalid("the message is too long", bytes=len(written), bytes_max=STEPS[-1])


def seal(token: str, peer: Peer) -> str:
    """Encrypt a signed token to a peer: RFC 7516, nested as in RFC 7519, section 5.2.

    Raises:
        Unauthorized: the peer publishes no key to seal to.
    """
    if peer.sealing is None:
        raise Unauthorized("there is no key to seal to", peer=peer.issuer)
    kid, key = peer.sealing
    return jose.sealed(token, kid, key)


def unwrap(text: str, me: Me) -> Letter:
    """Open a token as far as it can be without knowing who wrote it.

    Args:
        text: a compact JWE to us, or a compact JWS.
        me: whose keys open it.

    Raises:
        Invalid: it is neither.
        Unauthorized: it is sealed to somebody else.
    """
    text = text.strip()
    if not text.isascii() or len(text) > JWE_CHARS_MAX:
        raise Invalid("the message is too long, or no token", chars=len(text))
    sealed = text.count(".") == _JWE_PARTS - 1
    token = _unsealed(text, me) if sealed else text
    if token.count(".") != _JWS_PARTS - 1 or len(token) > JWS_CHARS_MAX:
        raise Invalid("it is no signed token")
    head, body, _ = token.split(".")
    header, claims = _head(head), _json(body)
    if header.keys() != _SIGNED_HEADER or not all(isinstance(value, str) for value in header.values()):
        raise Invalid("the header must name alg, kid and typ, and nothing else")
    if not isinstance(claims.get("iss"), str):
        raise Invalid("the message does not say who wrote it")
    typ = header["typ"].lower().removeprefix("application/")
    return Letter(token, typ, header["alg"], header["kid"], claims, sealed)


def verified(letter: Letter, peer: Peer) -> dict[str, Any]:
    """Check a letter's signature by its peer's keys, and give the claims.

    Raises:
        Unauthorized: it was not signed by one of them.
    """
    key = peer.keys.get(letter.kid)
    if letter.iss != peer.issuer or key is None:
        raise Unauthorized("no such key", kid=letter.kid)
    try:
        jose.check(letter.jws, letter.alg, key)
    except jose.Broken as error:
        raise Unauthorized("the signature does not hold") from error
    return dict(letter.claims)


def unchecked(token: str) -> dict[str, Any]:
    """Read the claims of a signed token without checking anything: of one that was checked before, or made here.

    Raises:
        Invalid: it is no signed token.
    """
    parts = token.split(".")
    if len(parts) != _JWS_PARTS:
        raise Invalid("it is no signed token")
    return _json(parts[1])


def typ_of(token: str) -> str:
    """Read the type of a signed token without checking anything."""
    return str(_json(token.partition(".")[0]).get("typ"))


def loads(text: bytes) -> dict[str, Any]:
    """Read a JSON object that names nothing twice.

    Raises:
        Invalid: it is none.
    """
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Invalid("it is no JSON") from error
    if not isinstance(value, dict):
        raise Invalid("it is no JSON object")
    return value


def _unsealed(text: str, me: Me) -> str:
    header = _head(text.partition(".")[0])
    if not header.keys() <= _SEALED_HEADER or header.get("alg") != SEALED_BY or header.get("enc") != ENC:
        raise Invalid("it is sealed in a way that is not on the list")
    key = me.unsealing.get(str(header.get("kid")))
    if key is None:
        raise Unauthorized("it is sealed to another key")
    try:
        return jose.opened(text, key).decode("ascii")
    except (jose.Broken, ValueError) as error:
        raise Unauthorized("the seal does not open") from error


def _written(me: Me, *, private: bool) -> dict[str, Any]:
    keys = [me.key.as_dict(private=private) | {"kid": me.kid, "use": "sig", "alg": algorithm(me.key)}]
    keys += [
        key.as_dict(private=private) | {"kid": kid, "use": "enc", "alg": SEALED_BY} for kid, key in me.unsealing.items()
    ]
    return {"keys": keys}


def _listed(jwks: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = jwks.get("keys")
    if not isinstance(listed, list) or len(listed) > KEYS_MAX or not all(isinstance(each, dict) for each in listed):
        raise Invalid("it is no key set of at most 20 keys")
    return listed


def _imported(jwk: Mapping[str, Any]) -> Key:
    try:
        numbers = {name: value for name, value in jwk.items() if name in {"kty", "crv", "x", "y", "d"}}
        return ECKey.import_key(numbers) if jwk.get("kty") == "EC" else OKPKey.import_key(numbers)
    except (JoseError, ValueError, TypeError) as error:
        raise Invalid("a key's numbers are no key") from error


def _public(jwk: Mapping[str, Any], kind: str, numbers: tuple[str, ...]) -> Key:
    if jwk.get("kty") != kind or not all(isinstance(jwk.get(name), str) for name in numbers):
        raise Invalid("a key's numbers are no key")
    return _imported({"kty": kind, "crv": jwk["crv"]} | {name: jwk[name] for name in numbers})


def _json(part: str) -> dict[str, Any]:
    try:
        return loads(jose.decoded(part))
    except jose.Broken as error:
        raise Invalid("it is no base64") from error


def _head(part: str) -> dict[str, Any]:
    if len(part) > _HEADER_CHARS_MAX:
        raise Invalid("the header is too long", chars=len(part))
    return _json(part)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name comes twice")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(name)
