"""Clients that register themselves: RFC 7591. Closed unless the settings open it, and worth nothing by itself.

A registered client has no scope, no body and no relation until an operator grants them, so it gets no token.
"""

import ipaddress
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from hub.auth.clientkeys import key_set
from hub.auth.clients import METHOD
from hub.auth.errors import ClientRefused, KeyRefused
from hub.auth.request import JSON, NO_STORE, Reply
from hub.auth.server import Server
from hub.auth.text import random_text
from schema.tables import ClientRow
from schema.tables.oauth import ClientKind

NAME_CHARS_MAX: Final = 100
REDIRECTS_MAX: Final = 10
URI_CHARS_MAX: Final = 500
_GRANTS: Final[Mapping[frozenset[str], ClientKind]] = {
    frozenset({"client_credentials"}): ClientKind.MACHINE,
    frozenset({"authorization_code"}): ClientKind.WEB,
    frozenset({"authorization_code", "refresh_token"}): ClientKind.WEB,
}


class _Refused(Exception):
    """The metadata are not fit: RFC 7591, section 3.2.2."""

    def __init__(self, error: str, says: str) -> None:
        super().__init__(error)
        self.error = error
        self.says = says


def register(server: Server, asked: object) -> Reply:
    """Answer the registration endpoint: RFC 7591, section 3.

    Args:
        server: whose configuration says whether registration is open.
        asked: the body, as JSON.
    """
    if not server.config.registration_open:
        return Reply(403, {"error": "access_denied"}, (JSON, *NO_STORE))
    try:
        row = _row(server, asked)
    except _Refused as refused:
        return Reply(400, {"error": refused.error, "error_description": refused.says}, (JSON, *NO_STORE))

    def add() -> Reply:
        server.session.add(row)
        told: dict[str, Any] = {
            "client_id": row.id,
            "client_id_issued_at": int(row.created_at.timestamp()),
            "client_name": row.name,
            "token_endpoint_auth_method": METHOD,
            "grant_types": ["client_credentials"],
            "dpop_bound_access_tokens": True,
        }
        if row.kind is ClientKind.WEB:
            told |= {
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "redirect_uris": row.redirect_uris,
                "require_pushed_authorization_requests": True,
            }
        told |= {"jwks": row.jwks} if row.jwks_uri is None else {"jwks_uri": row.jwks_uri}
        return Reply(201, told, (JSON, *NO_STORE))

    return server.within(add)


def _row(server: Server, asked: object) -> ClientRow:
    if not isinstance(asked, dict):
        raise _Refused("invalid_client_metadata", "Send a JSON object.")
    name, method = asked.get("client_name"), asked.get("token_endpoint_auth_method", METHOD)
    if not isinstance(name, str) or not 0 < len(name) <= NAME_CHARS_MAX or not name.isprintable():
        raise _Refused("invalid_client_metadata", "client_name is a text of 1 to 100 characters.")
    if method != METHOD or asked.get("software_statement") is not None:
        raise _Refused("invalid_client_metadata", "Clients authenticate by private_key_jwt.")
    grants = asked.get("grant_types", ["authorization_code"])
    kind = (
        _GRANTS.get(frozenset(grants)) if isinstance(grants, list) and all(isinstance(g, str) for g in grants) else None
    )
    if kind is None:
        raise _Refused("invalid_client_metadata", "These grant_types do not go together, or are not for clients.")
    try:
        redirects = _redirects(asked.get("redirect_uris", []), kind)
    except ClientRefused:
        raise _Refused("invalid_redirect_uri", "redirect_uris are https addresses without fragment.") from None
    jwks, jwks_uri = asked.get("jwks"), asked.get("jwks_uri")
    try:
        check_keys(jwks, jwks_uri, loopback=server.config.loopback_keys)
    except (ClientRefused, KeyRefused):
        raise _Refused("invalid_client_metadata", "Send either jwks, with public keys, or jwks_uri.") from None
    return ClientRow(
        id=random_text(),
        name=name,
        kind=kind,
        redirect_uris=redirects,
        jwks=jwks,
        jwks_uri=jwks_uri,
        registered=True,
        created_at=server.now,
    )


def _redirects(uris: object, kind: ClientKind) -> list[str]:
    if not isinstance(uris, list) or len(uris) > REDIRECTS_MAX or bool(uris) != (kind is ClientKind.WEB):
        raise ClientRefused("redirect_uris")
    return [checked_redirect(uri) for uri in uris]


def checked_redirect(uri: object) -> str:
    """Check a redirect uri: https, or http on this machine for programs on it (RFC 8252, section 7.3); no fragment.

    Raises:
        ClientRefused: it is another one.
    """
    if not isinstance(uri, str) or len(uri) > URI_CHARS_MAX or not _plain(uri):
        raise ClientRefused("a redirect uri is no address")
    if set(uri) & set(' "<>\\^`{|}#*'):
        raise ClientRefused("a redirect uri holds a character it must not")
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        raise ClientRefused("a redirect uri is no address") from None
    if parts.username is not None or not parts.hostname:
        raise ClientRefused("a redirect uri names no host, or a user")
    if parts.scheme != "https" and not (parts.scheme == "http" and _loopback(parts.hostname)):
        raise ClientRefused("a redirect uri is not https")
    return uri


def check_keys(jwks: object, jwks_uri: object, *, loopback: bool) -> None:
    """Check that there is one of both, and that it may be used.

    Raises:
        ClientRefused: there is none, or both, or the address is not https.
        KeyRefused: the set holds no key for signatures, or a private one.
    """
    if (jwks is None) == (jwks_uri is None):
        raise ClientRefused("it needs either a key set or the address of one")
    if jwks is not None:
        # What JSON must escape, the database may refuse to keep.
        if not isinstance(jwks, dict) or "\\u" in json.dumps(jwks) or not key_set(jwks):
            raise ClientRefused("its key set holds no key for signatures")
        return
    if not isinstance(jwks_uri, str) or len(jwks_uri) > URI_CHARS_MAX or not _plain(jwks_uri):
        raise ClientRefused("the address of its key set is no address")
    parts = urlsplit(jwks_uri)
    if (parts.scheme != "https" and not (loopback and parts.scheme == "http")) or not parts.hostname or parts.fragment:
        raise ClientRefused("the address of its key set is not https")


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
