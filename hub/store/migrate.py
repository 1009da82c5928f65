"""Migrations, run by the hub itself: from whatever the database holds to what this release needs.

They work with the previous release still running: add, fill, switch, drop.
"""

from collections.abc import Callable
from importlib.resources import as_file, files
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from hub import log
from hub.store.database import READER
from hub.store.sealed import Sealing
from hub.store.secrets import closing

_LOCK: Final = 7_401_002


def upgrade(engine: Engine, sealing: Callable[[], Sealing] | None = None) -> None:
    """Bring the tables to the newest revision. Several hubs may start at once: they go one after the other.

    Args:
        engine: of the door that owns the tables.
        sealing: gives what seals under the root key, where a migration finds plain text of persons.
    """
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        before = revision(connection)
        with as_file(files("hub.store") / "migrations") as folder:
            configuration = Config()
            configuration.set_main_option("script_location", str(folder).replace("%", "%%"))
            configuration.set_main_option("path_separator", "os")
            configuration.attributes |= {"connection": connection, "sealing": sealing}
            command.upgrade(configuration, "head")
        connection.exec_driver_sql(closing(READER))
        after = revision(connection)
    if after != before:
        log.logger().info("store.migrated", revision=after)


def revision(connection: Connection) -> str | None:
    """Tell the revision of the tables; None for an empty database."""
    return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """Tell the revision this release needs."""
    with as_file(files("hub.store") / "migrations") as folder:
        return ScriptDirectory(str(folder)).get_current_head()
