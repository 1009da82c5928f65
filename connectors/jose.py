"""What `signing` lets in, over the keys' own primitives: Ed25519 and ES256 sign, ECDH-ES+A256KW with A256GCM seals.

Nothing else is here to be chosen.

joserfc holds the keys and says what a key set is. Its own way to sign, seal and open asks registries what may be, makes
a JWK of each ephemeral key and reads it again; that cost as much as the cryptography, for each message twice.

Sources: RFC 7515, section 5; RFC 7516, section 5; RFC 7518, sections 3.4, 4.6 and 5.3; RFC 8037; NIST SP 800-56A.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from secrets import token_bytes
from typing import Any, Final, TypeAlias

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from joserfc.jwk import ECKey, OKPKey

Key: TypeAlias = ECKey | OKPKey

SEALED_BY: Final = "ECDH-ES+A256KW"
ENC: Final = "A256GCM"
_NUMBER: Final = 32
"""Bytes of a coordinate, a scalar, half a signature, a key: the same for all that is here."""
_NONCE: Final = 12
_TAG: Final = 16
_WRAPPED: Final = _NUMBER + 8
_ES256: Final = ec.ECDSA(SHA256())


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
    said = f"{_written(header)}.{encoded(payload)}"
    match key.private_key:
        case Ed25519PrivateKey() as private:
            signature = private.sign(said.encode())
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()) as private:
            r, s = decode_dss_signature(private.sign(said.encode(), _ES256))
            signature = r.to_bytes(_NUMBER) + s.to_bytes(_NUMBER)
        case _:
            raise ValueError("it is no key to sign with")
    return f"{said}.{encoded(signature)}"


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
    said, _, last = token.rpartition(".")
    signature = decoded(last)
    if len(signature) != 2 * _NUMBER:
        raise Broken
    try:
        match key.public_key:
            case Ed25519PublicKey() as public:
                public.verify(signature, said.encode())
            case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()) as public:
                r, s = int.from_bytes(signature[:_NUMBER]), int.from_bytes(signature[_NUMBER:])
                public.verify(encode_dss_signature(r, s), said.encode(), _ES256)
            case _:
                raise Broken
    except InvalidSignature:
        raise Broken from None


# ---- Seals ----------------------------------------------------------------------------------------------------------


def sealed(token: str, kid: str, key: Key) -> str:
    """Give a compact JWE of a signed token: a fresh key for each, agreed on with a fresh key of ours."""
    epk, secret = _offered(key)
    header = _written({"alg": SEALED_BY, "enc": ENC, "kid": kid, "cty": "JWT", "epk": epk})
    content_key, nonce = token_bytes(_NUMBER), token_bytes(_NONCE)
    wrapped = aes_key_wrap(_derived(secret), content_key)
    both = AESGCM(content_key).encrypt(nonce, token.encode(), header.encode())
    return ".".join((header, encoded(wrapped), encoded(nonce), encoded(both[:-_TAG]), encoded(both[-_TAG:])))


def opened(text: str, epk: object, key: Key) -> bytes:
    """Open a compact JWE of five parts.

    Args:
        text: as it came.
        epk: the sender's fresh key, out of its header, which the caller has looked at.
        key: ours.

    Raises:
        Broken: it was not sealed to this key, was changed, or is no such thing.
    """
    header, *rest = text.split(".")
    wrapped, nonce, ciphertext, tag = map(decoded, rest)
    if (len(wrapped), len(nonce), len(tag)) != (_WRAPPED, _NONCE, _TAG):
        raise Broken
    try:
        content_key = aes_key_unwrap(_derived(_agreed(epk, key)), wrapped)
        return AESGCM(content_key).decrypt(nonce, ciphertext + tag, header.encode())
    except (InvalidUnwrap, InvalidTag):
        raise Broken from None


def _offered(key: Key) -> tuple[dict[str, str], bytes]:
    """Make a fresh key beside a peer's: what is told of it, and the secret that both sides can work out."""
    match key.public_key:
        case X25519PublicKey() as theirs:
            fresh = X25519PrivateKey.generate()
            told = {"kty": "OKP", "crv": "X25519", "x": encoded(fresh.public_key().public_bytes_raw())}
            return told, fresh.exchange(theirs)
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()) as theirs:
            own = ec.generate_private_key(ec.SECP256R1())
            numbers = own.public_key().public_numbers()
            x, y = (encoded(number.to_bytes(_NUMBER)) for number in (numbers.x, numbers.y))
            return {"kty": "EC", "crv": "P-256", "x": x, "y": y}, own.exchange(ec.ECDH(), theirs)
        case _:
            raise ValueError("it is no key to seal to")


def _agreed(epk: object, key: Key) -> bytes:
    """Work out the secret from the sender's fresh key. A point that is not on the curve is none."""
    if not isinstance(epk, dict):
        raise Broken
    try:
        match key.private_key, epk:
            case X25519PrivateKey() as ours, {"kty": "OKP", "crv": "X25519", "x": str(x)}:
                return ours.exchange(X25519PublicKey.from_public_bytes(decoded(x)))
            case (
                ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()) as ours,
                {"kty": "EC", "crv": "P-256", "x": str(x), "y": str(y)},
            ):
                point = ec.EllipticCurvePublicNumbers(_number(x), _number(y), ec.SECP256R1())
                return ours.exchange(ec.ECDH(), point.public_key())
    except ValueError:
        raise Broken from None
    raise Broken


def _number(text: str) -> int:
    data = decoded(text)
    if len(data) != _NUMBER:
        raise Broken
    return int.from_bytes(data)


def _derived(secret: bytes) -> bytes:
    """Derive the key that wraps: Concat KDF, one round of SHA-256; RFC 7518, section 4.6.2, without apu and apv."""
    return sha256(b"\0\0\0\1" + secret + _OTHER_INFO).digest()


_OTHER_INFO: Final = b"".join(
    (len(SEALED_BY).to_bytes(4), SEALED_BY.encode(), bytes(4), bytes(4), (_NUMBER * 8).to_bytes(4))
)


def _written(header: Mapping[str, Any]) -> str:
    return encoded(json.dumps(header, separators=(",", ":")).encode())
