"""Proofs that the sender of a token holds the key the token is bound to: RFC 9449.

Checking is a function of values; using a proof up is one statement of `once`, nonces are a keyed hash of the time.
"""

import hmac
from base64 import urlsafe_b64encode
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from hub.auth.config import LEEWAY, PROOF
from hub.auth.errors import KeyRefused, ProofRefused
from hub.auth.jose import TOKEN_CHARS_MAX, Key, Malformed, fits, header_of, is_id, public_key, seconds, verified
from hub.auth.root import RootKey

NONCE_SECONDS: Final = 60
_NONCES_BACK: Final = 2
_HEADER: Final = frozenset({"typ", "alg", "jwk"})
_KEYS_MAX: Final = 4096
_PORTS: Final = {"https": 443, "http": 80}

_keys: "OrderedDict[str, tuple[Key, str]]" = OrderedDict()
"""Headers seen, with key and thumbprint: reading the key costs two thirds of a check. Public values only."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds, not used up yet."""

    jkt: str
    """Thumbprint of its key: RFC 7638."""
    hash: bytes
    """What `once.use_proof` keeps, over key and jti."""
    nonce: str | None
    expires_at: datetime
    """Until when it must be remembered."""


def check_proof(
    proof: str, *, method: str, url: str, now: datetime, token: str | None = None, jkt: str | None = None
) -> Proof:
    """Check a proof by RFC 9449, section 4.3.

    Args:
        proof: the one value of the header DPoP.
        method: of the request.
        url: of the request, as the configured address says, without query.
        now: the present instant.
        token: the access token that came along; its hash must be in the proof. None at the token endpoint.
        jkt: thumbprint the token is bound to. None where it is not bound yet.

    Raises:
        ProofRefused: it does not hold.
    """
    try:
        key, thumbprint = _key_of(proof)
        claims = verified(proof, key)
        issued = seconds(claims, "iat")
    except Malformed as error:
        raise ProofRefused(str(error)) from None
    if jkt is not None and not hmac.compare_digest(thumbprint, jkt):
        raise ProofRefused("key")
    if claims.get("htm") != method:
        raise ProofRefused("method")
    if claims.get("htu") != url and _plain(claims.get("htu")) != _plain(url):
        raise ProofRefused("address")
    jti, nonce = claims.get("jti"), claims.get("nonce")
    if issued is None or not -LEEWAY.total_seconds() <= now.timestamp() - issued <= PROOF.total_seconds():
        raise ProofRefused("time")
    if not is_id(jti):
        raise ProofRefused("jti")
    if nonce is not None and not is_id(nonce):
        raise ProofRefused("nonce")
    if token is not None and claims.get("ath") != token_hash(token):
        raise ProofRefused("token")
    digest = sha256(f"{thumbprint}\n{jti}".encode()).digest()
    return Proof(thumbprint, digest, nonce, datetime.fromtimestamp(issued, UTC) + PROOF + LEEWAY)


def token_hash(token: str) -> str:
    """Hash an access token as the claim `ath` does: RFC 9449, section 4.2."""
    return urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode()


class Nonces:
    """Nonces of the server: RFC 9449, section 8. Good for one to two minutes, wherever the root key is."""

    def __init__(self, root: RootKey) -> None:
        self._key: Final = root.derive("dpop nonce")

    def at(self, now: datetime) -> str:
        """Give the nonce of this minute."""
        return self._of(int(now.timestamp()) // NONCE_SECONDS)

    def holds(self, nonce: str | None, now: datetime) -> bool:
        """Tell whether a nonce is one of the last minutes."""
        minute = int(now.timestamp()) // NONCE_SECONDS
        good = [self._of(minute - back) for back in range(_NONCES_BACK)]
        return nonce is not None and any(hmac.compare_digest(nonce.encode(), one.encode()) for one in good)

    def _of(self, minute: int) -> str:
        return urlsafe_b64encode(hmac.digest(self._key, str(minute).encode(), "sha256")[:18]).decode()


def _key_of(proof: str) -> tuple[Key, str]:
    header, _, _ = proof.partition(".")
    found = _keys.get(header)
    if found is not None and len(proof) <= TOKEN_CHARS_MAX:
        return found
    values = header_of(proof, typ=("dpop+jwt",), members=_HEADER)
    jwk = values.get("jwk")
    if not isinstance(jwk, dict):
        raise Malformed("jwk")
    try:
        key = public_key(jwk)
    except KeyRefused:
        raise Malformed("jwk") from None
    if not fits(key, values["alg"]):
        raise Malformed("algorithm")
    _keys[header] = (key, key.thumbprint())
    if len(_keys) > _KEYS_MAX:
        _keys.popitem(last=False)
    return _keys[header]


def _plain(url: object) -> tuple[str, str | None, int | None, str] | None:
    """Normalise an address for comparison: RFC 9449, section 4.3, item 9; RFC 3986, sections 6.2.2 and 6.2.3."""
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.username is not None or parts.password is not None:
        return None
    return parts.scheme, parts.hostname, port, parts.path or "/"
