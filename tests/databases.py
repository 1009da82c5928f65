"""Databases of the tests: copied from templates in no time, dropped afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import psycopg

from hub.store import Database
from hub.store.embedded import SUPERUSER

_numbers = count(1)


def admin(database: Database) -> psycopg.Connection:
    """Connect as the superuser of the test server, for what no hub may do."""
    url = database.url.set(username=SUPERUSER, database="postgres", drivername="postgresql")
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)


@contextmanager
def cloned(template: Database, name: str | None = None) -> Iterator[Database]:
    """Copy a database, and drop the copy afterwards."""
    name = name or f"test_{next(_numbers)}"
    with admin(template) as connection:
        connection.execute(
            f"create database {name} template {template.url.database} owner hub_owner strategy file_copy"
        )
    try:
        yield template.clone(name)
    finally:
        with admin(template) as connection:
            connection.execute(f"drop database {name} with (force)")
