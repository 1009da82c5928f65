"""Commands about partner networks that the hub exchanges referrals with by machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Column, Table
from sqlalchemy import Connection

from connectors.protocol import Capability
from hub.auth.root import RootKey
from hub.cli.base import app, opened, out, read_settings
from hub.clock import SystemClock
from hub.partners import keys, registry
from hub.settings import PartnerPlaces, Settings

partner = typer.Typer(no_args_is_help=True, help="Partner networks: whom referrals are exchanged with by machine.")
app.add_typer(partner, name="partner")

Slug = Annotated[str, typer.Argument(help="The body's slug, as in the list of organisations.")]


@partner.command("add")
def add(
    slug: Slug,
    *,
    network: Annotated[str, typer.Option(help="Whose words it speaks: a name of the connectors.")],
    issuer: Annotated[str, typer.Option(help="Its name in messages, an https address.")],
    base: Annotated[str | None, typer.Option(help="Where it speaks the protocol; its issuer when absent.")] = None,
    jwks_uri: Annotated[str | None, typer.Option(help="Where it publishes its keys; BASE/jwks when absent.")] = None,
    pin: Annotated[list[str] | None, typer.Option(help="Key its certificate may hold; may be given again.")] = None,
    capability: Annotated[
        list[Capability] | None, typer.Option(help="What it can do; may be given again; all when absent.")
    ] = None,
) -> None:
    """Register a body as a partner."""
    where = (base or issuer).rstrip("/")
    with _connection() as (connection, settings, now):
        known = registry.add(
            connection,
            slug,
            network_name=network,
            issuer=issuer,
            base=where,
            jwks_uri=jwks_uri or f"{where}/jwks",
            pins=pin or (),
            capabilities=capability,
            now=now,
            loopback=settings.partner_places is PartnerPlaces.LOOPBACK,
        )
    out.print(f"{slug} is a partner of {known.network}", highlight=False, soft_wrap=True)


@partner.command("move")
def move(
    slug: Slug,
    *,
    issuer: Annotated[str, typer.Option(help="Its name in messages from now on, an https address.")],
    base: Annotated[str | None, typer.Option(help="Where it speaks the protocol; its issuer when absent.")] = None,
    jwks_uri: Annotated[str | None, typer.Option(help="Where it publishes its keys; BASE/jwks when absent.")] = None,
) -> None:
    """Note that a partner is called otherwise in messages now, and speaks elsewhere."""
    where = (base or issuer).rstrip("/")
    with _connection() as (connection, settings, _):
        registry.move(
            connection,
            slug,
            issuer=issuer,
            base=where,
            jwks_uri=jwks_uri or f"{where}/jwks",
            loopback=settings.partner_places is PartnerPlaces.LOOPBACK,
        )
    out.print("The partner has moved.")


@partner.command("list")
def list_partners() -> None:
    """List all partners."""
    table = Table(
        "body", "network", Column("issuer", overflow="fold"), "pins", "can", Column("state", no_wrap=True, min_width=9)
    )
    with _connection() as (connection, _, _):
        for each in registry.listed(connection):
            can = "all" if each.known.capabilities is None else " ".join(sorted(each.known.capabilities))
            state = "cut off" if each.cut_off else "active" if each.enabled else "suspended"
            table.add_row(each.slug, each.known.network, each.known.issuer, str(len(each.known.pins)), can, state)
    out.print(table)


@partner.command("suspend")
def suspend(slug: Slug) -> None:
    """Suspend a partner: nothing is taken from it or brought to it, from its next request on."""
    with _connection() as (connection, _, _):
        registry.enable(connection, slug, enabled=False)
    out.print("The partner is suspended.")


@partner.command("resume")
def resume(slug: Slug) -> None:
    """Let a suspended partner in again."""
    with _connection() as (connection, _, _):
        registry.enable(connection, slug, enabled=True)
    out.print("The partner may come in again.")


@partner.command("rotate-keys")
def rotate_keys() -> None:
    """Sign messages with a new key, and have them sealed to a new one; the old ones stay published."""
    with _connection() as (connection, settings, now):
        kid = keys.rotate(connection, RootKey.load(settings.root_key), now=now)
    out.print(f"{kid} signs from now on", highlight=False, soft_wrap=True)


@contextmanager
def _connection() -> Iterator[tuple[Connection, Settings, datetime]]:
    settings = read_settings(quiet=True)
    with opened(settings) as database:
        engine = database.engine()
        try:
            with engine.begin() as connection:
                yield connection, settings, SystemClock().now()
        finally:
            engine.dispose()
