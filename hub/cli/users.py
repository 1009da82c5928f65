"""Commands about people: who may sign in, as what, and how they get back in when they have lost everything."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.table import Table

from hub.auth.people import People, Place
from hub.auth.people.accounts import subject_of
from hub.auth.root import RootKey
from hub.cli.base import app, opened, out, read_settings
from hub.clock import SystemClock
from hub.errors import SettingsRefused
from hub.settings import Settings
from schema.vocabulary import Relation

user = typer.Typer(no_args_is_help=True, help="People who sign in.")
app.add_typer(user, name="user")

Login = Annotated[str, typer.Argument(help="The handle somebody signs in with.")]
Role = Annotated[Relation, typer.Option(help="A row of the access matrix.")]
City = Annotated[str | None, typer.Option(help="Slug of the city a coordinator works for.")]
Organisation = Annotated[str | None, typer.Option(help="Slug of the body somebody works for.")]


@user.command()
def create(
    login: Login,
    *,
    name: Annotated[str, typer.Option(help="As shown to the person.")],
    role: Role,
    city: City = None,
    organisation: Organisation = None,
) -> None:
    """Make an account and print its enrolment code."""
    settings = read_settings()
    with _people(settings) as people:
        code = people.accounts.create(login, name=name, role=role, city=city, organisation=organisation)
    _print_code(settings, code)


@user.command("list")
def list_() -> None:
    """List the accounts."""
    table = Table("login", "role", "status", "created", "last sign-in")
    with _people(read_settings()) as people:
        for kept in people.accounts.all():
            last = f"{kept.last_sign_in_at:%Y-%m-%d %H:%M}" if kept.last_sign_in_at else "-"
            table.add_row(kept.login, kept.relation, kept.status, f"{kept.created_at:%Y-%m-%d}", last)
    out.print(table)


@user.command()
def suspend(login: Login) -> None:
    """Shut an account out, from its next request on."""
    with _people(read_settings()) as people:
        people.accounts.suspend(login)
    out.print("The account is suspended; its sessions have ended.")


@user.command()
def resume(login: Login) -> None:
    """Let a suspended account in again."""
    with _people(read_settings()) as people:
        people.accounts.resume(login)
    out.print("The account may sign in again.")


@user.command()
def reset(
    login: Login, *, by: Annotated[str, typer.Option(help="Your own login: you made sure who is asking.")]
) -> None:
    """Take away every way to sign in and print a new enrolment code, for who has lost all of theirs."""
    settings = read_settings()
    with _people(settings) as people:
        code = people.accounts.reset(login, by=by)
    _print_code(settings, code)


@user.command()
def role(login: Login, role: Role, *, city: City = None, organisation: Organisation = None) -> None:
    """Give an account another role, with the scopes of that role; its sessions end."""
    with _people(read_settings()) as people:
        people.accounts.move(login, role=role, city=city, organisation=organisation)
    out.print("The role is changed; the person signs in anew.")


@user.command()
def link(
    login: Login,
    *,
    subject: Annotated[str | None, typer.Option(help="Who the person is at the provider: its claim sub.")] = None,
) -> None:
    """Let a person sign in by the OpenID provider too, or without a subject no more; their sessions end."""
    settings = read_settings()
    if settings.openid_issuer is None and subject is not None:
        raise SettingsRefused(setting="HUB_OPENID_ISSUER", reason="name the provider first")
    with _people(settings) as people:
        people.accounts.link(login, None if subject is None else subject_of(settings.openid_issuer or "", subject))
    out.print("The person may sign in by the provider." if subject else "The person signs in here alone.")


@user.command()
def sessions(login: Login, *, end: Annotated[bool, typer.Option("--end", help="End all of them.")] = False) -> None:
    """List the live sessions of an account, or end them."""
    with _people(read_settings()) as people:
        kept = people.accounts.find(login)
        if end:
            people.accounts.end_sessions(login)
        table = Table("since", "last seen", "by")
        for each in people.sessions.listed(kept.id):
            table.add_row(f"{each.created_at:%Y-%m-%d %H:%M}", f"{each.seen_at:%Y-%m-%d %H:%M}", " ".join(each.amr))
    out.print(table)


@contextmanager
def _people(settings: Settings) -> Iterator[People]:
    with opened(settings) as database:
        engine = database.engine()
        try:
            yield People(engine, SystemClock(), Place.of(settings), RootKey.load(settings.root_key))
        finally:
            engine.dispose()


def _print_code(settings: Settings, code: str) -> None:
    out.print(
        f"Enrolment code: {code}\nHand it over by a way you trust. It works once, for 72 hours, at\n"
        f"{settings.public_url}/enrol",
        highlight=False,
        soft_wrap=True,
    )
