"""The database side: one embedded PostgreSQL of the bench's own, with databases of several sizes."""

from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg
from sqlalchemy.engine import make_url

from hub.auth.root import RootKey
from hub.clock import SystemClock
from hub.facts import import_facts
from hub.settings import Settings
from hub.store import Database, open_database, upgrade
from hub.store.embedded import SUPERUSER
from hub.store.sealed import Sealing
from hub.store.vault import Vault
from hub.store.veil import Veil
from hub.synthetic import add_cases, populate
from schema.vocabulary import AccessScope
from tests.bench.tokens import Bearer

SEED: Final = 1
_BACKENDS: Final = {"limit": "bench-limit%", "hub": "icorn-hub%", "plain": "bench-plain%"}


MOST: Final = """select recipient_id, purpose from referral where direction = 'outgoing'
  group by 1, 2 order by count(*) desc, 1, 2 limit 1"""
HANDED: Final = """select case_id from referral where recipient_id = %s and purpose = %s and sent_at is not null
  order by id"""


class World:
    """An embedded PostgreSQL; each size of data is a database of its own."""

    def __init__(self, folder: Path) -> None:
        self._database = open_database(Settings(data_dir=folder))
        admin = self._database.url.set(username=SUPERUSER, database="postgres", drivername="postgresql")
        self._admin = psycopg.connect(admin.render_as_string(hide_password=False), autocommit=True)

    def database(self, rows: int) -> str:
        """Make a database with about so many rows, and give its address."""
        name = f"bench_{rows}"
        self._admin.execute(f"drop database if exists {name}")
        self._admin.execute(f"create database {name} owner {self._database.url.username}")
        database = self._database.clone(name)
        engine = database.engine()
        upgrade(engine)
        engine.dispose()
        populate(database.conninfo, seed=SEED, scale=rows)
        return database.conninfo

    def cases(self, rows: int, cases: int, folder: Path) -> tuple[str, Bearer, list[UUID]]:
        """Make a database with so many cases besides, sealed under the root key of a folder.

        Returns:
            Its address, the partner with most to read, and the cases that were handed to it.
        """
        conninfo = self.database(rows)
        engine = Database(
            url=(url := make_url(conninfo).set(drivername="postgresql+psycopg")), reading_url=url
        ).engine()
        root = RootKey.load(Settings(root_key_file=folder / "root.key").root_key)
        # Partners, and ICORN itself, are among the facts.
        import_facts(engine)
        add_cases(engine, Vault(Sealing(root.derive)), seed=SEED, count=cases, today=SystemClock().now().date())
        engine.dispose()
        with psycopg.connect(conninfo) as connection:
            body, purpose = connection.execute(MOST).fetchone() or (None, None)
            handed = connection.execute(HANDED, [body, purpose]).fetchall()
        bearer = Bearer(body, frozenset(scope.value for scope in AccessScope), (purpose,))
        return conninfo, bearer, [case for (case,) in handed]

    @staticmethod
    def shown(folder: Path, bearer: Bearer, case: UUID) -> UUID:
        """Give the id under which a partner knows a case."""
        root = RootKey.load(Settings(root_key_file=folder / "root.key").root_key)
        return Veil(root.derive).hide(f"organisation:{bearer.organisation_id}", "ca", case)

    def backends(self, server: str) -> list[int]:
        """Give the process ids of the database's end of a server's connections."""
        found = self._admin.execute(
            "select pid from pg_stat_activity where application_name like %s", [_BACKENDS[server]]
        )
        return [pid for (pid,) in found]

    def version(self) -> str:
        """Say which PostgreSQL it is."""
        major, minor = divmod(self._admin.info.server_version, 10_000)
        return f"PostgreSQL {major}.{minor}"

    def close(self) -> None:
        """End the database server."""
        self._admin.close()
        self._database.stop()
