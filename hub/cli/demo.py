"""The demonstration: facts, made-up data, people and programs that may come in, and partners to hand persons to."""

import json
import sys
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import pyotp
import typer
from sqlalchemy import Engine

from hub.app import create_app
from hub.auth.people import People, Place
from hub.auth.root import RootKey
from hub.cli import guests, sandboxes
from hub.cli.base import app, bar, opened, out, read_settings
from hub.cli.serve import serve_until_told
from hub.clock import SystemClock
from hub.errors import SettingsRefused
from hub.facts import import_facts
from hub.settings import Environment, PartnerPlaces, Settings
from hub.store.sealed import Sealing
from hub.store.vault import Vault
from hub.synthetic import add_cases, decorate
from schema.vocabulary import Relation

SEED: Final = 1
LOGIN: Final = "demo"
CASES: Final = 200
LOOPBACK: Final = ("127.0.0.1", "localhost")
QUESTIONS: Final = (
    "{ cities(first: 3, orderBy: {field: NAME}) { totalCount nodes { slug name country status } } }",
    "{ networkSize(where: {fromYear: 2020, untilYear: 2025}) { year members } }",
    "{ organisations(first: 5, where: {support: {in: [LEGAL_AID]}}) { nodes { name country website } } }",
)


@app.command()
def demo() -> None:
    """Load the facts, make up what is missing for a demonstration, and serve until Ctrl-C."""
    settings = read_settings(quiet=True)
    if settings.environment is Environment.PRODUCTION:
        raise SettingsRefused(setting="HUB_ENV", reason="a demonstration makes things up: it is not for production")
    settings = replace(settings, partner_places=PartnerPlaces.LOOPBACK)
    if settings.base_url is None and settings.host in LOOPBACK:
        # Browsers take passkeys for a name, not for a number.
        settings = replace(settings, base_url=f"http://localhost:{settings.port}")
    with opened(settings) as database:
        engine = database.engine()
        try:
            _fill(engine, RootKey.load(settings.root_key))
            sign_in = _sign_in(engine, settings)
            made = guests.prepare(engine, settings, SystemClock())
        finally:
            engine.dispose()
        with sandboxes.running(made.sandboxes) if made.sandboxes else nullcontext():
            greeting = "\n".join([*_greeting(settings, made), sign_in])
            serve_until_told(settings, partial(create_app, settings, database), greeting)


@app.command("demo-code")
def demo_code(
    file: Annotated[Path | None, typer.Argument(help="demo.json; that of HUB_DATA_DIR when not given")] = None,
) -> None:
    """Print the one-time code of this moment for the sign-in of the demonstration."""
    file = file or read_settings(quiet=True).data_dir / guests.FILE
    if not file.exists():
        raise SettingsRefused(setting="HUB_DATA_DIR", reason=f"there is no {file}: start a demonstration first")
    [user] = json.loads(file.read_text(encoding="utf-8"))["users"]
    out.print(pyotp.TOTP(user["totp"]).at(SystemClock().now()), highlight=False)


def _greeting(settings: Settings, made: guests.Demonstration) -> list[str]:
    url = settings.public_url
    partners = [f"{each.slug} at {each.url}" for each in made.sandboxes]
    [user] = made.users
    lines = [
        f"The demonstration is ready at {url}/graphql - Ctrl-C ends it",
        f"The console: {url}/console",
        f"Sign in there with a password: login {user['login']}, password {user['password']},",
        f"  and the one-time code that this prints: {_program()} demo-code {made.file}",
        f"Sandbox partners: {', '.join(partners)}"
        if partners
        else "Sandbox partners: none, they come with a checkout of the source, not with an installed hub",
        f"Clients, keys and the sign-in: {made.file}",
        "Ask, in another terminal:",
    ]
    lines += [
        f"curl -s {url}/graphql -H 'content-type: application/json' -d '{{\"query\":\"{question}\"}}'"
        for question in QUESTIONS
    ]
    if made.sandboxes:
        lines.append("Have a partner hand a made-up person to ICORN:")
        lines.append(f"curl -s {made.sandboxes[0].url}/control/send -d '{{}}'")
    return lines


def _program() -> str:
    """Name this program as it was called, so that the line can be pasted: beside this python where it is there."""
    beside = Path(sys.executable).with_name("icorn-hub")
    return str(beside) if beside.exists() else "icorn-hub"


def _fill(engine: Engine, root: RootKey) -> None:
    with bar() as progress:
        task = progress.add_task("facts", total=None)
        import_facts(engine, progress=lambda name: progress.update(task, advance=1, description=name))
        progress.update(task, description="made-up rows")
        today = SystemClock().now().date()
        decorate(engine, seed=SEED, today=today)
        progress.update(task, description="made-up cases")
        add_cases(engine, Vault(Sealing(root.derive)), seed=SEED, count=CASES, today=today)


def _sign_in(engine: Engine, settings: Settings) -> str:
    """Say how to sign in: as before, or with the enrolment code of a new account."""
    people = People(engine, SystemClock(), Place.of(settings), RootKey.load(settings.root_key))
    known = [kept for kept in people.accounts.all() if kept.login.startswith(LOGIN)]
    if any(kept.last_sign_in_at for kept in known):
        return "Or with the passkey you made before."
    login = f"{LOGIN}-{len(known) + 1}"
    code = people.accounts.create(login, name="Demonstration", role=Relation.LEAD)
    return f"Or with a passkey, the first time: {settings.public_url}/enrol with the code {code}; your login is {login}"
