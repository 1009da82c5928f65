"""People: accounts with roles, how they sign in, their sessions. No page is written here; that is for `web`."""

from sqlalchemy import Engine

from hub.auth.people.accounts import Accounts
from hub.auth.people.codes import Token, new_token
from hub.auth.people.console import Console
from hub.auth.people.door import Browser, Door, Entered
from hub.auth.people.factors import Factors, Ways
from hub.auth.people.passkeys import Passkeys
from hub.auth.people.place import Place
from hub.auth.people.sealing import Sealer
from hub.auth.people.sessions import IDLE, Session, WebSessions
from hub.auth.people.watch import Watch
from hub.auth.root import RootKey
from hub.clock import Clock
from schema.tables.people import Stage

__all__ = [
    "IDLE",
    "Accounts",
    "Browser",
    "Console",
    "Entered",
    "People",
    "Place",
    "Session",
    "Stage",
    "Token",
    "Ways",
    "new_token",
]


class People:
    """All there is about people, over one database."""

    def __init__(self, engine: Engine, clock: Clock, place: Place, root: RootKey) -> None:
        """Take an engine that writes, and the root key."""
        sealer = Sealer(root)
        watch = Watch(sealer)
        passkeys = Passkeys(place)
        self.clock = clock
        self.place = place
        self.sessions = WebSessions(engine, clock, place)
        self.accounts = Accounts(engine, clock, watch)
        self.factors = Factors(engine, clock, sealer, passkeys, watch)
        self.door = Door(engine, clock, sealer=sealer, passkeys=passkeys, sessions=self.sessions, watch=watch)
        self.console = Console(self.sessions, place)
