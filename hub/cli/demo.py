"""The demonstration: facts, made-up data, people and programs that may come in, and partners to hand persons to."""

import fcntl
import json
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
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
from hub.cli.base import app, bar, err, opened, out, read_settings
from hub.cli.sandboxes import CHECKOUT
from hub.cli.serve import bound, serve_until_told
from hub.clock import SystemClock
from hub.errors import SettingsRefused
from hub.facts import import_facts
from hub.settings import Environment, PartnerPlaces, Settings
from hub.signals import heed
from hub.store.sealed import Sealing
from hub.store.vault import Vault
from hub.synthetic import add_cases, decorate
from schema.vocabulary import Relation

SEED: Final = 1
LOGIN: Final = "demo"
CASES: Final = 200
PROGRAM: Final = "make demo"
_STEP_SECONDS: Final = 30
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
    # Nothing is made, moved or written before it is sure that this one may run.
    with (
        _alone(settings),
        bound(settings, program=PROGRAM, listen=True) as sockets,
        opened(settings, makes=True) as database,
    ):
        engine = database.engine()
        try:
            _fill(engine, RootKey.load(settings.root_key))
            sign_in = _sign_in(engine, settings)
            made = guests.prepare(engine, settings, SystemClock())
        finally:
            engine.dispose()
        heed()
        with sandboxes.running(made.sandboxes) if made.sandboxes else nullcontext():
            greeting = "\n".join(_greeting(settings, made, sign_in))
            serve_until_told(settings, partial(create_app, settings, database), greeting, sockets)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Hold the folder: a second demonstration over it would move the partners of the first to its own sandboxes.

    Raises:
        SettingsRefused: another one runs over it.
    """
    folder = settings.data_dir.expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(folder / "demo.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        other = f"HUB_DATA_DIR={shlex.quote(str(folder) + '-2')} HUB_PORT={settings.port + 1} {PROGRAM}"
        reason = f"a demonstration runs over {folder} already: end it with Ctrl-C, or begin another beside it: {other}"
        raise SettingsRefused(setting="HUB_DATA_DIR", reason=reason) from None
    try:
        yield
    finally:
        os.close(lock)


@app.command("demo-code")
def demo_code(
    file: Annotated[Path | None, typer.Argument(help="demo.json; that of HUB_DATA_DIR when not given")] = None,
) -> None:
    """Print the one-time code of this moment for the sign-in of the demonstration; beside it, how long it is good."""
    file = (file or read_settings(quiet=True).data_dir / guests.FILE).resolve()
    if not file.exists():
        where = "start a demonstration, or name the folder of the one that runs: export HUB_DATA_DIR=..."
        reason = f"there is no {file}: {where}"
        raise SettingsRefused(setting="HUB_DATA_DIR", reason=reason)
    [user] = json.loads(file.read_text(encoding="utf-8"))["users"]
    now = SystemClock().now()
    out.print(pyotp.TOTP(user["totp"]).at(now), highlight=False)
    left = _STEP_SECONDS - int(now.timestamp()) % _STEP_SECONDS
    err.print(f"good for {left} s, once; if you have used it already, the next one comes then", highlight=False)


def _greeting(settings: Settings, made: guests.Demonstration, sign_in: str) -> list[str]:
    url = settings.public_url
    partners = [f"{each.slug} at {each.url}" for each in made.sandboxes]
    [user] = made.users
    lines = [
        f"The demonstration is ready at {url}/graphql - Ctrl-C ends it",
        f"The console: {url}/console",
        "Sign in there with a password, then with a one-time code:",
        f"  login {user['login']}",
        f"  password {user['password']}",
        f"  the one-time code that this prints: {_program()} demo-code {shlex.quote(str(made.file))}",
        sign_in,
        f"Sandbox partners: {', '.join(partners)}"
        if partners
        else "Sandbox partners: none, they come with a checkout of the source, not with an installed hub",
        f"Clients, keys and the sign-in: {made.file}",
        "Ask, in another terminal:",
        *_exports(settings),
    ]
    lines += [
        f"curl -s {url}/graphql -H 'content-type: application/json' -d '{{\"query\":\"{question}\"}}'"
        for question in QUESTIONS
    ]
    if made.sandboxes:
        lines.append("Have a partner hand a made-up person to ICORN:")
        lines.append(f"curl -s {made.sandboxes[0].url}/control/send -d '{{}}'")
    return lines


def _exports(settings: Settings) -> list[str]:
    """Write what another terminal must know for commands to find this hub, where it is not what they take it to be."""
    usual = Settings()
    folder, there = settings.data_dir.expanduser().resolve(), CHECKOUT / usual.data_dir
    named = {} if folder == there else {"HUB_DATA_DIR": str(folder)}
    if settings.port != usual.port or settings.public_url != f"http://localhost:{usual.port}":
        named |= {"HUB": settings.public_url, "HUB_PORT": str(settings.port)}
    return [f"export {' '.join(f'{name}={shlex.quote(value)}' for name, value in named.items())}"] if named else []


def _program() -> str:
    """Name this program as it was called, so that the line can be pasted: beside this python where it is there."""
    beside = Path(sys.executable).with_name("icorn-hub")
    return str(beside) if beside.exists() else "icorn-hub"


def _fill(engine: Engine, root: RootKey) -> None:
    with bar() as progress:
        task = progress.add_task("facts", total=None)

        def loaded(name: str) -> None:
            heed()
            progress.update(task, advance=1, description=name)

        import_facts(engine, progress=loaded)
        heed()
        progress.update(task, description="made-up rows")
        today = SystemClock().now().date()
        decorate(engine, seed=SEED, today=today)
        heed()
        progress.update(task, description="made-up cases")
        add_cases(engine, Vault(Sealing(root.derive)), seed=SEED, count=CASES, today=today)


def _sign_in(engine: Engine, settings: Settings) -> str:
    """Say how to sign in: as before, or with the enrolment code of a new account."""
    people = People(engine, SystemClock(), Place.of(settings), RootKey.load(settings.root_key))
    known = [kept for kept in people.accounts.all() if kept.login.startswith(LOGIN)]
    if any(kept.last_sign_in_at for kept in known):
        return "Or with the passkey you made before."
    login = f"{LOGIN}-1"
    if any(kept.login == login for kept in known):
        code = people.accounts.renew(login)
    else:
        code = people.accounts.create(login, name="Demonstration", role=Relation.LEAD)
    return f"Or with a passkey, the first time: {settings.public_url}/enrol with the code {code}; your login is {login}"
