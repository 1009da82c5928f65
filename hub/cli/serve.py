"""Commands that serve: the hub for real, and the demonstration."""

import socket
from dataclasses import replace
from typing import Final

import uvicorn
from sqlalchemy import Engine

from hub.app import create_app
from hub.auth.people import People, Place
from hub.auth.root import RootKey
from hub.cli.base import app, bar, opened, out, read_settings
from hub.clock import SystemClock
from hub.facts import import_facts
from hub.settings import Settings
from hub.store import Database
from hub.store.sealed import Sealing
from hub.store.vault import Vault
from hub.synthetic import add_cases, decorate
from hub.web.connection import UVICORN
from schema.vocabulary import Relation

DEMO_SEED: Final = 1
DEMO_LOGIN: Final = "demo"
DEMO_CASES: Final = 200
LOOPBACK: Final = ("127.0.0.1", "localhost")


class _Announcing(uvicorn.Server):
    """A server that says when it answers."""

    def __init__(self, config: uvicorn.Config, line: str) -> None:
        super().__init__(config)
        self._line = line

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to answer, then say so."""
        await super().startup(sockets)
        if self.started:
            out.print(self._line, highlight=False, soft_wrap=True)


@app.command()
def serve() -> None:
    """Serve the graph until Ctrl-C or SIGTERM; requests under way are answered first."""
    settings = read_settings()
    with opened(settings) as database:
        _serve(settings, database, f"The hub answers at {settings.public_url}/graphql")


@app.command()
def demo() -> None:
    """Load the facts, make up what is missing for a demonstration, and serve until Ctrl-C."""
    settings = read_settings(quiet=True)
    if settings.base_url is None and settings.host in LOOPBACK:
        # Browsers take passkeys for a name, not for a number.
        settings = replace(settings, base_url=f"http://localhost:{settings.port}")
    with opened(settings) as database:
        engine = database.engine()
        try:
            _fill(engine, RootKey.load(settings.root_key))
            sign_in = _sign_in(engine, settings)
        finally:
            engine.dispose()
        url = settings.public_url
        _serve(
            settings,
            database,
            f"The demonstration is ready at {url}/graphql - Ctrl-C ends it\nThe console: {url}/console\n{sign_in}",
        )


def _fill(engine: Engine, root: RootKey) -> None:
    with bar() as progress:
        task = progress.add_task("facts", total=None)
        import_facts(engine, progress=lambda name: progress.update(task, advance=1, description=name))
        progress.update(task, description="made-up rows")
        today = SystemClock().now().date()
        decorate(engine, seed=DEMO_SEED, today=today)
        progress.update(task, description="made-up cases")
        add_cases(engine, Vault(Sealing(root.derive)), seed=DEMO_SEED, count=DEMO_CASES, today=today)


def _sign_in(engine: Engine, settings: Settings) -> str:
    """Say how to sign in: as before, or with the enrolment code of a new account."""
    people = People(engine, SystemClock(), Place.of(settings), RootKey.load(settings.root_key))
    known = [kept for kept in people.accounts.all() if kept.login.startswith(DEMO_LOGIN)]
    if any(kept.last_sign_in_at for kept in known):
        return "Sign in as you did before."
    login = f"{DEMO_LOGIN}-{len(known) + 1}"
    code = people.accounts.create(login, name="Demonstration", role=Relation.LEAD)
    return f"The first time: {settings.public_url}/enrol with the code {code}; your login is {login}"


def _serve(settings: Settings, database: Database, line: str) -> None:
    app = create_app(settings, database)
    config = uvicorn.Config(app, host=settings.host, port=settings.port, **UVICORN)
    try:
        _Announcing(config, line).run()
    except KeyboardInterrupt:
        out.print("The hub has stopped.")
