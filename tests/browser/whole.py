"""The whole hub on a socket, for a browser: facts, made-up places, people who sign in at the real pages."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from playwright.sync_api import Page
from web.serving import until

from hub.app import create_app
from hub.auth.people import People, Place
from hub.auth.root import RootKey
from hub.clock import SystemClock
from hub.settings import Settings
from hub.store import Database
from hub.synthetic import decorate
from hub.web.connection import UVICORN
from schema.vocabulary import Relation


@dataclass
class Whole:
    """A hub that runs, and the people it knows."""

    url: str
    people: People

    def account(self, login: str, role: Relation = Relation.LEAD) -> str:
        """Make an account; give its enrolment code."""
        return self.people.accounts.create(login, name=f"{login.title()} of the tests", role=role)


@contextmanager
def whole(database: Database, folder: Path) -> Iterator[Whole]:
    """Serve the hub over a database of facts; `localhost`, as passkeys want a name."""
    engine = database.engine()
    clock = SystemClock()
    decorate(engine, seed=1, today=clock.now().date())
    with closing(socket.create_server(("127.0.0.1", 0), backlog=256)) as listening:
        url = f"http://localhost:{listening.getsockname()[1]}"
        settings = Settings(base_url=url, data_dir=folder)
        server = uvicorn.Server(uvicorn.Config(create_app(settings, database), lifespan="on", **UVICORN))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            until(lambda: server.started or not thread.is_alive())
            yield Whole(url, People(engine, clock, Place.of(settings), RootKey.load(settings.root_key)))
        finally:
            server.should_exit = True
            thread.join()
            engine.dispose()


def with_passkeys(page: Page) -> None:
    """Give a page's browser a device that signs."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def enrol(page: Page, code: str) -> None:
    """Take an account up with a passkey, at the real pages."""
    page.goto("/enrol")
    page.get_by_label("Enrolment code").fill(code)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Name of the new passkey").fill("Work laptop")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_text("The passkey was added.").wait_for()
    page.get_by_role("button", name="Show my recovery codes").click()
    page.get_by_role("link", name="I have kept them safe").click()
    page.get_by_role("button", name="Finish").click()
    page.get_by_text("You are set up.").wait_for()


def sign_in(page: Page, path: str = "/console") -> None:
    """Ask for a page, and sign in where that leads."""
    page.goto(path)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"**{path}")
