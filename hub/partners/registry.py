"""What operators do with partners: add, list, suspend, let in again. And how the hub knows one."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, exists, func, insert, select, update

from connectors.egress import Place
from connectors.errors import ConnectorError
from connectors.protocol import Capability
from connectors.registry import network
from hub.partners.errors import PartnerRefused
from schema.tables import DenialRow, OrganisationRow, PartnerRow
from schema.tables.base import table_of

_PARTNER: Final = table_of(PartnerRow)
_BODY: Final = table_of(OrganisationRow)
_DENIAL: Final = table_of(DenialRow)
_PIN_BYTES: Final = 32
_ISSUER_CHARS: Final = range(8, 257)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A partner as the registry knows it."""

    organisation_id: UUID
    network: str
    issuer: str
    base: str
    jwks_uri: str
    pins: tuple[str, ...] = ()
    capabilities: frozenset[Capability] | None = None
    """None for all that its network can."""

    @classmethod
    def of(cls, row: Any) -> Self:  # Any: a row of the table
        """Take it from a row."""
        return cls(
            organisation_id=row.organisation_id,
            network=row.network,
            issuer=row.issuer,
            base=row.base,
            jwks_uri=row.jwks_uri,
            pins=tuple(row.pins),
            capabilities=None if row.capabilities is None else frozenset(map(Capability, row.capabilities)),
        )


@dataclass(frozen=True, slots=True)
class Listed:
    """A partner in the list of operators."""

    slug: str
    known: Known
    enabled: bool
    cut_off: bool
    """With its body."""


def add(
    connection: Connection,
    slug: str,
    *,
    network_name: str,
    issuer: str,
    base: str,
    jwks_uri: str,
    pins: Sequence[str],
    capabilities: Sequence[Capability] | None,
    now: datetime,
    loopback: bool,
) -> Known:
    """Register a body as a partner.

    Args:
        connection: of the caller's transaction.
        slug: of the body.
        network_name: whose words it speaks, a name in `connectors.registry`.
        issuer: its name in messages.
        base: address below which it speaks the protocol.
        jwks_uri: where it publishes its keys.
        pins: keys its certificate may hold, see `connectors.egress.pin_of`.
        capabilities: what its system can do; None for all that its network can.
        now: the present.
        loopback: True where places of this machine may be named, as http.

    Raises:
        PartnerRefused: there is no such body, or what is said of the partner cannot be.
    """
    _check(network_name, issuer, base, jwks_uri, pins, loopback=loopback)
    body = body_of(connection, slug)
    taken = select(_PARTNER.c.issuer).where((_PARTNER.c.issuer == issuer) | (_PARTNER.c.organisation_id == body))
    if connection.execute(taken).first() is not None:
        raise PartnerRefused("the body, or the issuer, is a partner already")
    values = {
        "organisation_id": body,
        "network": network_name,
        "issuer": issuer,
        "base": base.rstrip("/"),
        "jwks_uri": jwks_uri,
        "pins": list(pins),
        "capabilities": None if capabilities is None else sorted(each.value for each in capabilities),
        "enabled": True,
        "created_at": now,
    }
    return Known.of(connection.execute(insert(_PARTNER).values(values).returning(*_PARTNER.c)).one())


def move(connection: Connection, slug: str, *, issuer: str, base: str, jwks_uri: str, loopback: bool) -> None:
    """Note that a partner has moved: it is called otherwise in messages, and speaks elsewhere.

    Raises:
        PartnerRefused: the body is no partner, or what is said of it cannot be.
    """
    body = body_of(connection, slug)
    known = connection.execute(select(_PARTNER).where(_PARTNER.c.organisation_id == body)).one_or_none()
    if known is None:
        raise PartnerRefused("the body is no partner")
    _check(known.network, issuer, base, jwks_uri, known.pins, loopback=loopback)
    taken = select(_PARTNER.c.issuer).where(_PARTNER.c.issuer == issuer, _PARTNER.c.organisation_id != body)
    if connection.execute(taken).first() is not None:
        raise PartnerRefused("the issuer is a partner already")
    where = {"issuer": issuer, "base": base.rstrip("/"), "jwks_uri": jwks_uri}
    connection.execute(update(_PARTNER).where(_PARTNER.c.organisation_id == body).values(where))


def listed(connection: Connection) -> list[Listed]:
    """List all partners."""
    off = exists().where(_DENIAL.c.subject == func.concat("org:", _PARTNER.c.organisation_id), _cut())
    rows = connection.execute(
        select(_BODY.c.slug, off.label("cut_off"), *_PARTNER.c)
        .join_from(_PARTNER, _BODY, _BODY.c.id == _PARTNER.c.organisation_id)
        .order_by(_BODY.c.slug)
    )
    return [Listed(row.slug, Known.of(row), row.enabled, row.cut_off) for row in rows]


def enable(connection: Connection, slug: str, *, enabled: bool) -> None:
    """Suspend a partner, or let it in again: with its next request, and with our next attempt.

    Raises:
        PartnerRefused: the body is none.
    """
    found = update(_PARTNER).where(_PARTNER.c.organisation_id == body_of(connection, slug)).values(enabled=enabled)
    if connection.execute(found.returning(_PARTNER.c.issuer)).first() is None:
        raise PartnerRefused("the body is no partner")


def by_body(connection: Connection, organisation_id: UUID) -> Known | None:
    """Find a partner that is neither suspended nor cut off."""
    return _found(connection, _BY_BODY, organisation_id)


def by_issuer(connection: Connection, issuer: str) -> Known | None:
    """Find a partner that is neither suspended nor cut off, by its name in messages."""
    return _found(connection, _BY_ISSUER, issuer)


def _found(connection: Connection, query: Select[Any], which: UUID | str) -> Known | None:  # Any: columns of the row
    row = connection.execute(query, {"which": which}).one_or_none()
    return None if row is None else Known.of(row)


def _cut() -> Any:  # Any: a condition
    """Tell a cut that lasts from one that only denies tokens of before."""
    return _DENIAL.c.before > func.now()


def _known(which: Any) -> Select[Any]:  # Any: a condition
    off = exists().where(_DENIAL.c.subject == func.concat("org:", _PARTNER.c.organisation_id), _cut())
    return select(_PARTNER).where(which, _PARTNER.c.enabled, ~off)


_BY_BODY: Final = _known(_PARTNER.c.organisation_id == bindparam("which"))
_BY_ISSUER: Final = _known(_PARTNER.c.issuer == bindparam("which"))


def body_of(connection: Connection, slug: str) -> UUID:
    """Find a body by its slug.

    Raises:
        PartnerRefused: there is none.
    """
    found: UUID | None = connection.execute(select(_BODY.c.id).where(_BODY.c.slug == slug)).scalar_one_or_none()
    if found is None:
        raise PartnerRefused("there is no body of this slug")
    return found


def _check(  # private
    network_name: str, issuer: str, base: str, jwks_uri: str, pins: Sequence[str], *, loopback: bool
) -> None:
    try:
        network(network_name)
        for name, url in {"issuer": issuer, "base": base, "jwks-uri": jwks_uri}.items():
            place = Place.of(url)
            here = place.host in {"127.0.0.1", "::1", "localhost"}
            if place.scheme != "https" and not (loopback and here):
                more = "; http on this machine is for trying out, with HUB_PARTNER_PLACES=loopback" if here else ""
                raise PartnerRefused(f"it must be https{more}", address=name)
    except ConnectorError as error:
        raise PartnerRefused(error.reason) from error
    if len(issuer) not in _ISSUER_CHARS or not issuer.isprintable() or " " in issuer:
        raise PartnerRefused("the issuer has 8 to 256 characters, without spaces")
    for pin in pins:
        try:
            fits = len(base64.b64decode(pin, validate=True)) == _PIN_BYTES
        except binascii.Error:
            fits = False
        if not fits:
            raise PartnerRefused("a pin is the SHA-256 of a public key, in base64")
