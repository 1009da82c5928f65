"""What `signing` lets in, by joserfc: Ed25519 and ES256 sign, ECDH-ES+A256KW with A256GCM seals. Nothing else.

joserfc's own limits are set aside by registries of ours: its 64 KiB of ciphertext are too small for a packet. It
forgets a registry as soon as `algorithms` is given to encrypt or decrypt, so that is never done here. A fresh key that
fits nothing comes up in it as whatever Python raises.

Sources: RFC 7515, section 5; RFC 7516, section 5; RFC 7518, sections 3.4, 4.6 and 5.3; RFC 8037.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

Key: TypeAlias = ECKey | OKPKey

SEALED_BY: Final = "ECDH-ES+A256KW"
ENC: Final = "A256GCM"


class _Signatures(jws.JWSRegistry):
    max_header_length = 1_024
    max_payload_length = 190_000


class _Seals(jwe.JWERegistry):
    max_ciphertext_length = 256_000


_SIGNATURES: Final = _Signatures(algorithms=["ES256", "Ed25519"])
_SEALS: Final = _Seals(algorithms=[SEALED_BY, ENC])
_FAULTS: Final = (JoseError, ValueError, TypeError, LookupError, AttributeError, UnsupportedAlgorithm)


class Broken(Exception):
    """A signature does not hold, a seal does not open, or a part is not what it must be. It says no more."""


# ---- Text -----------------------------------------------------------------------------------------------------------


def encoded(data: bytes) -> str:
    """Write bytes as base64url without padding: RFC 7515, appendix C."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decoded(part: str) -> bytes:
    """Read base64url, in the one way each value is written: nothing skipped, no padding, no loose bits.

    Raises:
        Broken: it is not.
    """
    try:
        data = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise Broken from None
    if encoded(data) != part:
        raise Broken
    return data


def algorithm(key: Key) -> str:
    """Name the one algorithm a key signs with."""
    return "ES256" if isinstance(key, ECKey) else "Ed25519"


# ---- Signatures -----------------------------------------------------------------------------------------------------


def signed(header: Mapping[str, Any], payload: bytes, key: Key) -> str:
    """Give a compact JWS; `alg` of the header is the key's."""
    return jws.serialize_compact(dict(header), payload, key, registry=_SIGNATURES)


def check(token: str, alg: str, key: Key) -> None:
    """Check the signature of a compact JWS.

    Args:
        token: as it came.
        alg: what its header names, which the caller has read. It must be the one algorithm of the key.
        key: whose signature it must be.

    Raises:
        Broken: it does not hold.
    """
    if alg != algorithm(key):
        raise Broken
    decoded(token.rpartition(".")[2])
    try:
        jws.deserialize_compact(token, key, registry=_SIGNATURES)
    except _FAULTS:
        raise Broken from None


# ---- Seals ----------------------------------------------------------------------------------------------------------


def sealed(token: str, kid: str, key: Key) -> str:
    """Give a compact JWE of a signed token: a fresh key for each, agreed on with a fresh key of ours."""
    header = {"alg": SEALED_BY, "enc": ENC, "kid": kid, "cty": "JWT"}
    return jwe.encrypt_compact(header, token, key, registry=_SEALS)


def opened(text: str, key: Key) -> bytes:
    """Open a compact JWE of five parts.

    Args:
        text: as it came; the caller has looked at its header.
        key: ours.

    Raises:
        Broken: it was not sealed to this key, was changed, or is no such thing.
    """
    for part in text.split(".")[1:]:
        decoded(part)
    try:
        return jwe.decrypt_compact(text, key, registry=_SEALS).plaintext or b""
    except _FAULTS:
        raise Broken from None
