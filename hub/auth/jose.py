"""Signed tokens, read strictly: which algorithms, which header members, which keys. All else is refused by name.

Sources: RFC 7515, RFC 8725 (best current practice for JWT), RFC 9864 (Ed25519), FAPI 2.0 Security Profile, section 5.4.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any, Final, TypeAlias, TypeGuard

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from hub.auth.errors import KeyRefused

Json: TypeAlias = dict[str, Any]  # Any: JSON
Key: TypeAlias = ECKey | RSAKey | OKPKey

ALGORITHMS: Final = ("ES256", "PS256", "Ed25519", "EdDSA")
"""For clients. No RS256, nothing symmetric, never none: FAPI 2.0 Security Profile, section 5.4.1."""
PROVIDERS: Final = (*ALGORITHMS, "RS256")
"""For OpenID providers, most of which sign by RS256 unless told otherwise: OpenID Connect Core, section 15.1."""
RSA_BITS: Final = range(2048, 8193)
TOKEN_CHARS_MAX: Final = 16_384
ID_CHARS_MAX: Final = 256
_HEADER_BYTES_MAX: Final = 4096
_SECONDS_MAX: Final = 1 << 37
_PUBLIC: Final = {"EC": ("crv", "x", "y"), "RSA": ("n", "e"), "OKP": ("crv", "x")}
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_KINDS: Final = {"ES256": "EC", "PS256": "RSA", "RS256": "RSA", "Ed25519": "OKP", "EdDSA": "OKP"}


class Malformed(Exception):
    """A token cannot be read, or its header says what it must not. Callers turn it into an error of their own."""


class _Registry(jws.JWSRegistry):
    """Joserfc's own limits are too small for the RSA key in a proof's header, and too large for the rest."""

    max_header_length = _HEADER_BYTES_MAX
    max_payload_length = 8192

    def get_alg(self, name: str) -> Any:  # joserfc does not export its model
        """Give an algorithm of the list. EdDSA is on it until clients say Ed25519, so it does not warn."""
        if name not in (self.allowed or ()):
            raise Malformed("algorithm")
        return self.algorithms[name]


_REGISTRIES: Final[dict[tuple[str, ...], _Registry]] = {
    allowed: _Registry(algorithms=allowed) for allowed in (ALGORITHMS, ("ES256",), PROVIDERS)
}


def header_of(
    token: str,
    *,
    typ: tuple[str | None, ...],
    members: frozenset[str],
    algorithms: tuple[str, ...] = ALGORITHMS,
) -> Json:
    """Read the header of a token that is not verified yet.

    Args:
        token: compact serialization.
        typ: media types it may have, in lower case and without `application/`; None for one that names no type.
        members: all members the header may have. `crit`, `jku`, `x5u`, `x5c` and `b64` are never among them, so that a
            token cannot bring its own key or its own rules (RFC 8725, sections 3.5 and 3.10).
        algorithms: those it may be signed by.

    Raises:
        Malformed: it is no such token.
    """
    if len(token) > TOKEN_CHARS_MAX or token.count(".") != 2 or not token.isascii():  # noqa: PLR2004  # three parts
        raise Malformed("shape")
    header = loads(_decoded(token.partition(".")[0]))
    if not header.keys() <= members:
        raise Malformed("header")
    named = header.get("typ")
    if named is not None and not isinstance(named, str):
        raise Malformed("typ")
    if (named if named is None else named.lower().removeprefix("application/")) not in typ:
        raise Malformed("typ")
    if header.get("alg") not in algorithms or not isinstance(header.get("kid", ""), str):
        raise Malformed("algorithm")
    return header


def verified(token: str, key: Key, algorithms: tuple[str, ...] = ALGORITHMS) -> Json:
    """Check the signature, and give the claims.

    Raises:
        Malformed: the signature does not hold, or the claims are no JSON object.
    """
    try:
        signed = jws.deserialize_compact(token, key, list(algorithms), _REGISTRIES[algorithms])
    except (JoseError, ValueError, TypeError) as error:
        raise Malformed("signature") from error
    return loads(signed.payload or b"")


def unverified(token: str) -> Json:
    """Read the claims of a token without checking anything, to learn whose key to check it with.

    Raises:
        Malformed: it cannot be read.
    """
    return loads(_decoded(token.split(".")[1]))


def sign(header: Json, claims: Json, key: Key) -> str:
    """Sign claims; the header names the algorithm."""
    payload = json.dumps(claims, separators=(",", ":")).encode()
    return jws.serialize_compact(header, payload, key, list(ALGORITHMS), _REGISTRIES[ALGORITHMS])


def loads(text: bytes) -> Json:
    """Read a JSON object that names nothing twice.

    Raises:
        Malformed: it is none.
    """
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed("json") from error
    if not isinstance(value, dict):
        raise Malformed("json")
    return value


def public_key(jwk: Mapping[str, Any], algorithms: tuple[str, ...] = ALGORITHMS) -> Key:
    """Take a public key over from a JWK, its numbers only.

    Raises:
        KeyRefused: it is private, symmetric, weak, for encryption, or of a kind no algorithm of the list uses.
    """
    kind = jwk.get("kty")
    if not isinstance(kind, str) or kind not in _PUBLIC:
        raise KeyRefused("of its kind")
    if not _PRIVATE.isdisjoint(jwk):
        raise KeyRefused("because its private part is in it")
    if jwk.get("use", "sig") != "sig" or "verify" not in jwk.get("key_ops", ["verify"]):
        raise KeyRefused("as it is not for signatures")
    if "alg" in jwk and jwk["alg"] not in [one for one in algorithms if _KINDS[one] == kind]:
        raise KeyRefused("as its algorithm is not on the list")
    numbers = {"kty": kind} | {name: jwk.get(name) for name in _PUBLIC[kind]}
    if not all(isinstance(value, str) for value in numbers.values()):
        raise KeyRefused("as a number is missing")
    if numbers.get("crv", "") not in {"EC": ("P-256",), "RSA": ("",), "OKP": ("Ed25519",)}[kind]:
        raise KeyRefused("as its curve is not on the list")
    try:
        if kind == "RSA" and int.from_bytes(_decoded(str(numbers["n"]))).bit_length() not in RSA_BITS:
            raise KeyRefused("with so few bits, or so many")
        return _imported(kind, numbers)
    except (JoseError, Malformed, ValueError, TypeError) as error:
        raise KeyRefused("as its numbers are no key") from error


def seconds(claims: Json, name: str) -> float | None:
    """Give a NumericDate: RFC 7519, section 2. None where there is none.

    Raises:
        Malformed: it is no number, or none of this age of the world.
    """
    value = claims.get(name)
    if value is None:
        return None
    if type(value) not in {int, float} or not 0 <= value < _SECONDS_MAX:
        raise Malformed(name)
    return float(value)


def is_id(value: object) -> TypeGuard[str]:
    """Tell whether a value may be an id: printable ASCII, so that it can be stored, compared and shown."""
    return isinstance(value, str) and 0 < len(value) <= ID_CHARS_MAX and value.isascii() and value.isprintable()


def fits(key: Key, algorithm: str) -> bool:
    """Tell whether a key is of the algorithm's kind."""
    return _KINDS[algorithm] == key.key_type


def _imported(kind: str, numbers: dict[str, Any]) -> Key:
    match kind:
        case "EC":
            return ECKey.import_key(numbers)
        case "RSA":
            return RSAKey.import_key(numbers)
        case _:
            return OKPKey.import_key(numbers)


def _decoded(part: str) -> bytes:
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError as error:
        raise Malformed("base64") from error


def _once(pairs: list[tuple[str, Any]]) -> Json:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name comes twice")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(name)
