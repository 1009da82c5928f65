"""What operators do with clients and bodies: create, grant, give new keys, cut off, restore."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import select
from sqlmodel import Session, col

from hub.auth import denials
from hub.auth.config import GRANT
from hub.auth.errors import ClientRefused
from hub.auth.jose import is_id
from hub.auth.registration import check_keys, checked_redirect
from schema.tables import ClientRow, DenialRow, OrganisationRow
from schema.tables.oauth import ClientKind
from schema.vocabulary import AccessScope, Purpose, Relation

_OF_BODIES: Final = frozenset({ClientKind.MACHINE, ClientKind.PROVIDED})
"""Kinds that stand in the relation of a partner where they belong to a body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClient:
    """What an operator says of a client to be."""

    name: str
    kind: ClientKind
    id: str | None = None
    body: str | None = None
    """Slug of the organisation."""
    relation: Relation | None = None
    scopes: Sequence[AccessScope] = ()
    purposes: Sequence[Purpose] = ()
    redirect_uris: Sequence[str] = ()
    jwks: dict[str, Any] | None = None  # JSON
    jwks_uri: str | None = None
    resource: str | None = None
    first_party: bool = False
    legacy_audience: bool = False
    rotates_refresh: bool = False
    needs_nonce: bool = False


def create(session: Session, new: NewClient, *, now: datetime, loopback: bool = False) -> ClientRow:
    """Make a client. Programs of a body stand in the relation of a partner with an agreement unless told otherwise.

    Raises:
        ClientRefused: what is said of it does not go together.
        KeyRefused: its keys are not fit.
    """
    if new.kind is ClientKind.PROVIDED:
        _check_provided(new)
    else:
        check_keys(new.jwks, new.jwks_uri, loopback=loopback)
    if bool(new.redirect_uris) != (new.kind is ClientKind.WEB):
        raise ClientRefused("web clients, and only those, have redirect uris")
    if new.resource is not None and new.kind not in {ClientKind.GATEWAY, ClientKind.INTROSPECT}:
        raise ClientRefused("only gateways and resource servers have a resource of their own")
    if new.id is not None and session.get(ClientRow, new.id) is not None:
        raise ClientRefused("there is one of this id")
    organisation = None if new.body is None else body(session, new.body)
    relation = new.relation
    if relation is None and new.kind in _OF_BODIES and organisation is not None:
        relation = Relation.PARTNER_AGREEMENT
    if new.kind is ClientKind.MACHINE and relation is None:
        raise ClientRefused("a program that belongs to no body needs a relation")
    row = ClientRow(
        id=new.id or str(uuid4()),
        name=new.name,
        kind=new.kind,
        organisation_id=None if organisation is None else organisation.id,
        relation=relation,
        scopes=sorted(set(new.scopes)),
        purposes=sorted(set(new.purposes)),
        redirect_uris=[checked_redirect(uri) for uri in new.redirect_uris],
        jwks=new.jwks,
        jwks_uri=new.jwks_uri,
        resource=new.resource,
        first_party=new.first_party,
        legacy_audience=new.legacy_audience,
        rotates_refresh=new.rotates_refresh,
        needs_nonce=new.needs_nonce,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def _check_provided(new: NewClient) -> None:
    if new.jwks is not None or new.jwks_uri is not None:
        raise ClientRefused("a client of the provider has its keys there")
    if not is_id(new.id):
        raise ClientRefused("a client of the provider goes by its id there: name it")


def client(session: Session, client_id: str) -> ClientRow:
    """Find a client.

    Raises:
        ClientRefused: there is none of this id.
    """
    row = session.get(ClientRow, client_id)
    if row is None:
        raise ClientRefused("there is none of this id")
    return row


def body(session: Session, slug: str) -> OrganisationRow:
    """Find a body by its slug.

    Raises:
        ClientRefused: there is none.
    """
    named = select(OrganisationRow).where(col(OrganisationRow.slug) == slug)
    found: OrganisationRow | None = session.execute(named).scalar_one_or_none()
    if found is None:
        raise ClientRefused("there is no body of this slug")
    return found


def listed(session: Session) -> list[tuple[ClientRow, str | None, bool]]:
    """List clients, each with the slug of its body and whether it is cut off, itself or with its body."""
    slugs = {row.id: row.slug for row in session.execute(select(OrganisationRow)).scalars()}
    cut = select(col(DenialRow.subject)).where(col(DenialRow.before) == denials.FOREVER)
    off = set(session.execute(cut).scalars())
    return [
        (row, slugs.get(row.organisation_id), bool({f"client:{row.id}", f"org:{row.organisation_id}"} & off))
        for row in session.execute(select(ClientRow).order_by(col(ClientRow.created_at), col(ClientRow.id))).scalars()
    ]


def grant(
    session: Session,
    client_id: str,
    *,
    scopes: Sequence[AccessScope],
    purposes: Sequence[Purpose],
    body_slug: str | None = None,
    relation: Relation | None = None,
) -> ClientRow:
    """Set what a client may ask for; what is not named is taken away. Body and relation stay unless named.

    Raises:
        ClientRefused: there is no such client, or no such body.
    """
    row = client(session, client_id)
    row.scopes, row.purposes = sorted(set(scopes)), sorted(set(purposes))
    if body_slug is not None:
        row.organisation_id = body(session, body_slug).id
    if relation is not None:
        row.relation = relation
    elif row.kind in _OF_BODIES and row.organisation_id is not None:
        row.relation = row.relation or Relation.PARTNER_AGREEMENT
    return row


def rekey(
    session: Session, client_id: str, *, jwks: dict[str, Any] | None, jwks_uri: str | None, loopback: bool = False
) -> ClientRow:
    """Give a client new keys; assertions by the old ones fail from now on.

    Raises:
        ClientRefused: there is no such client, or not one key set.
        KeyRefused: the keys are not fit.
    """
    check_keys(jwks, jwks_uri, loopback=loopback)
    row = client(session, client_id)
    if row.kind is ClientKind.PROVIDED:
        raise ClientRefused("a client of the provider has its keys there")
    row.jwks, row.jwks_uri = jwks, jwks_uri
    return row


def suspend(session: Session, client_id: str) -> None:
    """Cut a client off at once: its tokens die with the next request, and it gets no others."""
    denials.cut_off(session, f"client:{client(session, client_id).id}")


def resume(session: Session, client_id: str, *, now: datetime) -> None:
    """Let a client ask again; its tokens and grants of before stay dead."""
    denials.restore(session, f"client:{client(session, client_id).id}", now=now, expires_at=now + GRANT)


def cut_body_off(session: Session, slug: str) -> None:
    """Cut a body off at once, with all its programs and people."""
    denials.cut_off(session, f"org:{body(session, slug).id}")


def restore_body(session: Session, slug: str, *, now: datetime) -> None:
    """Let a body in again; its tokens and grants of before stay dead."""
    denials.restore(session, f"org:{body(session, slug).id}", now=now, expires_at=now + GRANT)
