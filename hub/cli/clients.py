"""Commands about clients, signing keys and bodies that are cut off."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column, Table
from sqlmodel import Session

from hub.auth import keys, registry
from hub.auth.config import AuthConfig
from hub.auth.registry import NewClient
from hub.auth.root import RootKey
from hub.cli.base import app, opened, out, read_settings
from hub.clock import SystemClock
from hub.settings import Settings
from schema.tables import ClientRow
from schema.tables.oauth import ClientKind
from schema.vocabulary import AccessScope, Purpose, Relation

client = typer.Typer(no_args_is_help=True, help="Clients: who may ask for tokens.")
key = typer.Typer(no_args_is_help=True, help="Keys that sign access tokens.")
body = typer.Typer(no_args_is_help=True, help="Bodies: cut one off, or let it in again.")
app.add_typer(client, name="client")
app.add_typer(key, name="key")
app.add_typer(body, name="body")

Id = Annotated[str, typer.Argument(help="The client's id.")]
Slug = Annotated[str, typer.Argument(help="The body's slug, as in the list of organisations.")]
Scopes = Annotated[list[AccessScope] | None, typer.Option("--scope", help="A scope; may be given again.")]
Purposes = Annotated[list[Purpose] | None, typer.Option("--purpose", help="A purpose; may be given again.")]
Body = Annotated[str | None, typer.Option("--body", help="Slug of the body it belongs to.")]
Related = Annotated[Relation | None, typer.Option(help="Row of the access matrix; a partner's when a body is named.")]
KeyFile = Annotated[
    Path | None, typer.Option("--jwks", exists=True, dir_okay=False, help="File with its public keys, a JWK set.")
]
KeyAddress = Annotated[str | None, typer.Option("--jwks-uri", help="https address of its public keys.")]


@client.command("create")
def create_client(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    *,
    kind: Annotated[ClientKind, typer.Option(help="What it is for.")] = ClientKind.MACHINE,
    client_id: Annotated[str | None, typer.Option("--id", help="Its id; a random one when absent.")] = None,
    body_slug: Body = None,
    relation: Related = None,
    scope: Scopes = None,
    purpose: Purposes = None,
    redirect_uri: Annotated[list[str] | None, typer.Option(help="Where people go back to; may be given again.")] = None,
    jwks: KeyFile = None,
    jwks_uri: KeyAddress = None,
    resource: Annotated[str | None, typer.Option(help="Address of a gateway or resource server.")] = None,
    first_party: Annotated[bool, typer.Option("--first-party", help="The hub's own: people are not asked.")] = False,
    legacy_audience: Annotated[
        bool, typer.Option("--legacy-audience", help="Its assertions name the token endpoint, not the issuer.")
    ] = False,
    rotates_refresh: Annotated[
        bool, typer.Option("--rotates-refresh", help="Each refresh token is good for one use.")
    ] = False,
    needs_nonce: Annotated[
        bool, typer.Option("--needs-nonce", help="Its proofs must hold a nonce of the hub.")
    ] = False,
) -> None:
    """Create a client and print its id."""
    new = NewClient(
        name=name,
        kind=kind,
        id=client_id,
        body=body_slug,
        relation=relation,
        scopes=scope or (),
        purposes=purpose or (),
        redirect_uris=redirect_uri or (),
        jwks=_read(jwks),
        jwks_uri=jwks_uri,
        resource=resource,
        first_party=first_party,
        legacy_audience=legacy_audience,
        rotates_refresh=rotates_refresh,
        needs_nonce=needs_nonce,
    )
    with _session() as (session, settings, now):
        row = registry.create(session, new, now=now, loopback=AuthConfig.of(settings).loopback_keys)
        created = row.id
    out.print(created, highlight=False, soft_wrap=True)


@client.command("list")
def list_clients() -> None:
    """List all clients."""
    table = Table(
        Column("id", overflow="fold", min_width=36), "name", "kind", "body", Column("state", no_wrap=True, min_width=9)
    )
    with _session() as (session, _, _):
        for row, slug, off in registry.listed(session):
            table.add_row(row.id, row.name, row.kind.value, slug or "-", "cut off" if off else "active")
    out.print(table)


@client.command("show")
def show_client(client_id: Id) -> None:
    """Show a client and what it was granted."""
    with _session() as (session, _, _):
        row = registry.client(session, client_id)
        told = {**row.model_dump(mode="json"), "kind": row.kind.value}
    out.print_json(json.dumps(told))


@client.command("grant")
def grant_client(
    client_id: Id, *, scope: Scopes = None, purpose: Purposes = None, body_slug: Body = None, relation: Related = None
) -> None:
    """Set the scopes and purposes of a client; those not named are taken away."""
    with _session() as (session, _, _):
        row = registry.grant(
            session, client_id, scopes=scope or (), purposes=purpose or (), body_slug=body_slug, relation=relation
        )
        _tell(row)


@client.command("rotate")
def rotate_client(client_id: Id, *, jwks: KeyFile = None, jwks_uri: KeyAddress = None) -> None:
    """Give a client new keys; the old ones are refused from now on."""
    with _session() as (session, settings, _):
        loopback = AuthConfig.of(settings).loopback_keys
        _tell(registry.rekey(session, client_id, jwks=_read(jwks), jwks_uri=jwks_uri, loopback=loopback))


@client.command("suspend")
def suspend_client(client_id: Id) -> None:
    """Cut a client off: its tokens die with its next request."""
    with _session() as (session, _, _):
        registry.suspend(session, client_id)
    out.print("The client is cut off.")


@client.command("resume")
def resume_client(client_id: Id) -> None:
    """Let a client ask for tokens again; the old ones stay dead."""
    with _session() as (session, _, now):
        registry.resume(session, client_id, now=now)
    out.print("The client may ask again.")


@body.command("cut-off")
def cut_body_off(slug: Slug) -> None:
    """Cut a body off: all tokens of its programs and people die with their next request."""
    with _session() as (session, _, _):
        registry.cut_body_off(session, slug)
    out.print("The body is cut off.")


@body.command("restore")
def restore_body(slug: Slug) -> None:
    """Let a body in again; its old tokens stay dead."""
    with _session() as (session, _, now):
        registry.restore_body(session, slug, now=now)
    out.print("The body may come in again.")


@key.command("rotate")
def rotate_key(
    *,
    lead_minutes: Annotated[int, typer.Option(min=0, help="From publishing the key to signing with it.")] = 60,
    compromised: Annotated[
        bool, typer.Option("--compromised", help="Others may have the old keys: deny all they signed, at once.")
    ] = False,
) -> None:
    """Publish a new signing key; the old one verifies until its last token has expired."""
    with _session() as (session, settings, now):
        root = RootKey.load(settings.root_key)
        if compromised:
            row = keys.replace(session, root, now=now)
        else:
            row = keys.rotate(session, root, now=now, lead=timedelta(minutes=lead_minutes))
        kid, signs_from = row.kid, row.signs_from
    out.print(f"{kid} signs from {signs_from:%Y-%m-%d %H:%M:%S} UTC", highlight=False, soft_wrap=True)


@key.command("list")
def list_keys() -> None:
    """List the signing keys."""
    table = Table(Column("key", min_width=43), "signs from", "verifies until")
    with _session() as (session, _, _):
        for row in keys.listed(session):
            until = "-" if row.verifies_until is None else f"{row.verifies_until:%Y-%m-%d %H:%M:%S}"
            table.add_row(row.kid, f"{row.signs_from:%Y-%m-%d %H:%M:%S}", until)
    out.print(table)


@contextmanager
def _session() -> Iterator[tuple[Session, Settings, datetime]]:
    settings = read_settings(quiet=True)
    with opened(settings) as database:
        engine = database.engine()
        try:
            with Session(engine) as session, session.begin():
                yield session, settings, SystemClock().now()
        finally:
            engine.dispose()


def _read(file: Path | None) -> dict[str, Any] | None:
    return None if file is None else json.loads(file.read_text(encoding="utf-8"))


def _tell(row: ClientRow) -> None:
    scopes = " ".join(scope.value for scope in row.scopes) or "nothing"
    out.print(f"{row.id} may ask for: {scopes}", highlight=False, soft_wrap=True)
