"""How clients prove who they are: an assertion signed with their own key, used once.

RFC 7523, sections 2.2 and 3, narrowed by FAPI 2.0 Security Profile, section 5.3.2.1: the audience is the issuer, as one
string. Clients whose library can say the token endpoint only are marked `legacy_audience`.

Whatever is wrong, the answer is the same, and so is the work: an unknown client's assertion is checked against a key of
ours.
"""

from datetime import UTC, datetime
from functools import cache
from typing import Final

from joserfc.jwk import ECKey, OKPKey, RSAKey

from hub.auth.clientkeys import ClientKeys
from hub.auth.clients import Client
from hub.auth.config import ASSERTION, LEEWAY
from hub.auth.jose import Json, Key, Malformed, header_of, is_id, seconds, unverified, verified

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_TYPES: Final = (None, "jwt", "client-authentication+jwt")
_HEADER: Final = frozenset({"typ", "alg", "kid"})


def named_client(assertion: str) -> str:
    """Read which client an assertion speaks for, before anything of it is checked.

    Raises:
        Malformed: it names none.
    """
    header_of(assertion, typ=_TYPES, members=_HEADER)
    claims = unverified(assertion)
    client_id = claims.get("sub")
    if not is_id(client_id) or claims.get("iss") != client_id:
        raise Malformed("subject")
    return client_id


def check(
    assertion: str, client: Client | None, keys: ClientKeys, *, audiences: tuple[str, ...], now: datetime
) -> tuple[str, datetime]:
    """Check an assertion by RFC 7523, section 3.

    Args:
        assertion: the parameter client_assertion.
        client: the one it names; None where there is none.
        keys: of clients.
        audiences: values the audience may have, each as one string.
        now: the present instant.

    Returns:
        the jti, to be used up, and until when it must be remembered.

    Raises:
        Malformed: it does not hold.
    """
    header = header_of(assertion, typ=_TYPES, members=_HEADER)
    algorithm = header["alg"]
    key = None if client is None else keys.find(client, kid=header.get("kid"), algorithm=algorithm)
    claims = verified(assertion, key or _decoy(algorithm))
    if client is None or key is None or claims.get("sub") != client.id or claims.get("iss") != client.id:
        raise Malformed("client")
    if not isinstance(claims.get("aud"), str) or claims["aud"] not in audiences:
        raise Malformed("audience")
    return _jti(claims), _end(claims, now)


def _end(claims: Json, now: datetime) -> datetime:
    """Check the times, and give the instant after which the assertion is worth nothing."""
    at, leeway = now.timestamp(), LEEWAY.total_seconds()
    expires = seconds(claims, "exp")
    if expires is None or expires + leeway <= at or expires > at + ASSERTION.total_seconds() + leeway:
        raise Malformed("exp")
    for name in ("iat", "nbf"):
        if (seconds(claims, name) or 0) > at + leeway:
            raise Malformed(name)
    return datetime.fromtimestamp(expires, UTC) + LEEWAY


def _jti(claims: Json) -> str:
    jti = claims.get("jti")
    if not is_id(jti):
        raise Malformed("jti")
    return jti


@cache
def _decoy(algorithm: str) -> Key:
    match algorithm:
        case "ES256":
            return ECKey.generate_key("P-256")
        case "PS256":
            return RSAKey.generate_key(2048)
        case _:
            return OKPKey.generate_key("Ed25519")
