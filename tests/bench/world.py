"""The database side: one embedded PostgreSQL of the bench's own, with databases of several sizes."""

from pathlib import Path
from typing import Final

import psycopg

from hub.settings import Settings
from hub.store import open_database, upgrade
from hub.store.embedded import SUPERUSER
from hub.synthetic import populate

SEED: Final = 1
_BACKENDS: Final = {"limit": "bench-limit%", "hub": "icorn-hub%", "plain": "bench-plain%"}


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
