"""Which database, and by which two doors: one that writes, for services and operators, and one that only reads.

The reading door is a role of its own, `hub_reader`, that may select, add leaves to the audit, and nothing else, so that
a fault in the planner cannot change a row. In the embedded database it signs in as that role. In an outside database
the hub signs in as the user of HUB_DATABASE_URL and takes the role up at the start of the session; where that user may
not make roles, an operator makes `hub_reader` and grants it, or reading is held back by `default_transaction_read_only`
alone, and not at all where leaves are added.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import InvalidatePoolError

from hub.errors import StoreUnavailable
from hub.settings import Settings
from hub.store.embedded import PORT, SUPERUSER, EmbeddedServer
from hub.store.secrets import closing

DATABASE: Final = "hub"
OWNER: Final = "hub_owner"
READER: Final = "hub_reader"
VERSIONS: Final = (16, 17, 18)
_IDLE_SINCE: Final = "idle since"
_ROLES_LOCK: Final = 7_401_001
_BOUNDS: Final = (
    " -c lock_timeout=10s -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s"
    # The server's side of a connection whose hub is gone: its locks go with it.
    " -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
)
_SILENCE: Final = {"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "tcp_user_timeout": 40_000}


@dataclass(frozen=True, slots=True)
class Database:
    """One database with its two doors. The url holds a secret: it is not shown."""

    url: URL = field(repr=False)
    """For writing, through SQLAlchemy and psycopg."""
    reading_url: URL = field(repr=False)
    """For reading, through asyncpg."""
    reading_role: str | None = None
    """Role to take up when reading; None where signing in settles it."""
    server: EmbeddedServer | None = None

    @property
    def reading(self) -> Mapping[str, Any]:  # Any: what asyncpg.connect takes
        """Arguments for `asyncpg.connect`."""
        settings = {} if self.reading_role is None else {"role": self.reading_role}
        dsn = self.reading_url.set(drivername="postgresql").render_as_string(hide_password=False)
        return {"dsn": dsn, "server_settings": settings}

    @property
    def writing(self) -> Mapping[str, Any]:  # Any: what asyncpg.connect takes
        """Arguments for `asyncpg.connect`, for single statements that write."""
        return {"dsn": self.conninfo}

    @property
    def conninfo(self) -> str:
        """Address for plain psycopg, to write."""
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def engine(self, *, bounded: bool = False, idle_seconds: float = 0.0) -> Engine:
        """Make an engine that writes; whoever makes it disposes of it. Its errors and its log hide what was written.

        Args:
            bounded: for a hub that serves, whose transactions are short: none waits for ever for another, or for a
                server that has gone silent. `OperationalError` is raised instead, and nothing was written.
            idle_seconds: a connection that lay idle so long is asked whether it lives before it is used. Where the
                database went away within that time the first who asks is told so, and all connections are made anew:
                for those whose work is done again anyway.
        """
        options = "-c timezone=UTC -c datestyle=ISO -c application_name=icorn-hub"
        more = {"options": options + _BOUNDS, **_SILENCE} if bounded else {"options": options}
        engine = create_engine(self.url, connect_args=more, pool_pre_ping=not idle_seconds, hide_parameters=True)
        if idle_seconds:
            _ping_when_idle(engine, idle_seconds)
        return engine

    def clone(self, name: str) -> "Database":
        """Give another database of the same server, which must exist."""
        return Database(
            url=self.url.set(database=name),
            reading_url=self.reading_url.set(database=name),
            reading_role=self.reading_role,
            server=self.server,
        )

    def stop(self) -> bool:
        """End the embedded server if this process is its last user. True when it was ended."""
        return self.server is not None and self.server.stop()


def _ping_when_idle(engine: Engine, seconds: float) -> None:
    """Do what `pool_pre_ping` does, but only for connections that lay idle so long."""

    def given_back(_: object, record: Any) -> None:  # Any: the pool's
        record.info[_IDLE_SINCE] = time.monotonic()

    def taken(connection: Any, record: Any, _: object) -> None:  # Any: the driver's, the pool's
        if time.monotonic() - record.info.get(_IDLE_SINCE, 0.0) < seconds:
            return
        try:
            engine.dialect.do_ping(connection)
        except psycopg.Error as error:
            # The pool makes a fresh one in its place.
            raise InvalidatePoolError from error

    event.listen(engine, "checkin", given_back)
    event.listen(engine, "checkout", taken)


def open_database(settings: Settings) -> Database:
    """Find or make the database and the roles; tables are made by `hub.store.migrate`."""
    if settings.database_url is None:
        return _embedded(EmbeddedServer(settings.data_dir))
    return _outside(make_url(settings.database_url).set(drivername="postgresql+psycopg"))


def _embedded(server: EmbeddedServer) -> Database:
    server.start()
    try:
        return _made(server)
    except BaseException:
        server.stop()
        raise


def _made(server: EmbeddedServer) -> Database:
    url = URL.create(
        "postgresql+psycopg",
        username=OWNER,
        database=DATABASE,
        query={"host": str(server.socket_dir), "port": str(PORT)},
    )
    admin = url.set(username=SUPERUSER, database="postgres", drivername="postgresql")
    with _connect(admin) as connection:
        connection.execute("select pg_advisory_lock(%s)", [_ROLES_LOCK])
        _make_role(connection, OWNER, login=True)
        _make_role(connection, READER, login=True)
        _limit_reader(connection)
        if not _exists(connection, "select 1 from pg_database where datname = %s", DATABASE):
            connection.execute(f"create database {DATABASE} owner {OWNER}")
    with _connect(url) as connection:
        _grant(connection)
    return Database(url=url, reading_url=url.set(username=READER), server=server)


def _outside(url: URL) -> Database:
    with _connect(url) as connection:
        version = connection.info.server_version // 10_000
        if version not in VERSIONS:
            raise StoreUnavailable(f"PostgreSQL {version} is not one of {', '.join(map(str, VERSIONS))}")
        connection.execute("select pg_advisory_lock(%s)", [_ROLES_LOCK])
        with suppress(psycopg.errors.InsufficientPrivilege):
            if _make_role(connection, READER, login=False):
                _limit_reader(connection)
                connection.execute(f"grant {READER} to current_user")
        # Membership is asked for as set_role, not as usage: taking the role up is what reading does.
        takes = "select 1 from pg_roles where rolname = %s and pg_has_role(current_user, oid, 'set')"
        role = READER if _exists(connection, takes, READER) else None
        if role is not None:
            _grant(connection)
    return Database(url=url, reading_url=url, reading_role=role)


def _connect(url: URL) -> psycopg.Connection:
    try:
        return psycopg.connect(
            url.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True, connect_timeout=10
        )
    except psycopg.OperationalError as error:
        raise StoreUnavailable("no connection to the database") from error


def _exists(connection: psycopg.Connection, query: str, name: str) -> bool:
    return connection.execute(query.encode(), [name]).fetchone() is not None


def _make_role(connection: psycopg.Connection, name: str, *, login: bool) -> bool:
    """Make the role if there is none. True when it was made."""
    if _exists(connection, "select 1 from pg_roles where rolname = %s", name):
        return False
    kind = sql.SQL("login" if login else "nologin")
    connection.execute(sql.SQL("create role {} {}").format(sql.Identifier(name), kind))
    return True


def _limit_reader(connection: psycopg.Connection) -> None:
    connection.execute(f"alter role {READER} set default_transaction_read_only = on")


def _grant(connection: psycopg.Connection) -> None:
    """Let the reader see every table of the owner, those of later migrations too, but for the secret ones."""
    with connection.transaction():
        # Hubs that start at once: PostgreSQL itself refuses two grants on one table at the same moment.
        connection.execute("select pg_advisory_xact_lock(%s)", [_ROLES_LOCK])
        connection.execute(f"grant usage on schema public to {READER}")
        connection.execute(f"grant select on all tables in schema public to {READER}")
        connection.execute(f"alter default privileges in schema public grant select on tables to {READER}")
        connection.execute(closing(READER).encode())
