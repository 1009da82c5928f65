import psycopg
import pytest
from databases import admin

from hub.settings import Settings
from hub.store import Reader, open_database, upgrade
from hub.store.secrets import secret_tables
from schema.tables import oauth

OPEN_TO_THE_READER = {"denial"}


def test_every_table_of_the_authorization_server_but_one_is_secret():
    tables = {
        row.__tablename__
        for row in vars(oauth).values()
        if getattr(row, "__module__", "") == oauth.__name__ and hasattr(row, "__table__")
    }
    assert tables - set(secret_tables()) == OPEN_TO_THE_READER


def test_the_reader_sees_no_secret_table(database):
    reading = database.reading_url.set(drivername="postgresql").render_as_string()
    with psycopg.connect(reading) as reader, pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("select 1 from client")
    with psycopg.connect(database.conninfo) as connection:
        for table in secret_tables():
            query = "select has_any_column_privilege('hub_reader', %s, 'select, insert, update, references')"
            assert connection.execute(query, [table]).fetchone() == (False,), table


async def test_the_reader_sees_denials(reader: Reader):
    assert await reader.fetch_text("select count(*)::text from denial") == b"0"


@pytest.fixture
def outside(server):
    with admin(server) as connection:
        connection.execute("create role again login")
        connection.execute("create database again owner again")
        connection.execute("grant hub_reader to again")
    yield Settings(database_url=f"postgresql://again@/again?host={server.server.socket_dir}")
    with admin(server) as connection:
        connection.execute("drop database again with (force)")
        connection.execute("drop role again")


def test_a_later_start_does_not_open_what_is_secret(outside):
    engine = open_database(outside).engine()
    upgrade(engine)
    engine.dispose()
    database = open_database(outside)
    with psycopg.connect(database.conninfo) as connection:
        seen = "select has_table_privilege('hub_reader', %s, 'select')"
        assert [connection.execute(seen, [table]).fetchone() for table in secret_tables()] == [(False,)] * len(
            secret_tables()
        )
        assert connection.execute(seen, ["city"]).fetchone() == (True,)
