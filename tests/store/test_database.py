import pytest
from databases import admin
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from hub.errors import StoreUnavailable
from hub.settings import Settings
from hub.store import Reader, open_database


@pytest.fixture
def outside(server):
    """A database of another owner, as HUB_DATABASE_URL would name it."""

    def make(name, *, rights="", reader=False):
        with admin(server) as connection:
            connection.execute(f"create role {name} login {rights}")
            connection.execute(f"create database {name} owner {name}")
            if reader:
                connection.execute(f"grant hub_reader to {name}")
        names.append(name)
        return f"postgresql://{name}@/{name}?host={server.server.socket_dir}"

    names = []
    yield make
    with admin(server) as connection:
        for name in names:
            connection.execute(f"drop database {name} with (force)")
            connection.execute(f"drop role {name}")


WHO = "select session_user || ' ' || current_user || ' ' || current_setting('default_transaction_read_only')"


async def test_outside_the_reader_takes_its_role_up_where_it_was_granted(outside):
    database = open_database(Settings(database_url=outside("granted", reader=True)))
    async with Reader(database.reading, connections=1) as reader:
        assert await reader.fetch_text(WHO) == b"granted hub_reader on"


async def test_outside_reading_is_still_read_only_where_no_role_was_granted(outside):
    database = open_database(Settings(database_url=outside("poor")))
    assert database.reading_role is None
    async with Reader(database.reading, connections=1) as reader:
        assert await reader.fetch_text(WHO) == b"poor poor on"


async def test_outside_the_hub_makes_the_role_where_it_may(tmp_path):
    server = open_database(Settings(data_dir=tmp_path))
    with admin(server) as connection:
        connection.execute("drop database hub with (force)")
        connection.execute("drop role hub_reader")
        connection.execute("create role rich login createrole")
        connection.execute("create database rich owner rich")
    url = f"postgresql://rich@/rich?host={server.server.socket_dir}"
    for _ in range(2):
        database = open_database(Settings(database_url=url))
        async with Reader(database.reading, connections=1) as reader:
            assert await reader.fetch_text(WHO) == b"rich hub_reader on"
    server.stop()


def test_a_database_that_is_not_there_is_unavailable():
    with pytest.raises(StoreUnavailable):
        open_database(Settings(database_url="postgresql://nobody@127.0.0.1:1/nothing"))


def test_the_secret_of_an_address_is_not_shown(server):
    database = server.clone("x")
    assert "host" not in repr(database)


def test_a_hub_that_serves_waits_for_nobody_for_ever_and_what_an_operator_does_may_take_long(database):
    asked = text("select current_setting('lock_timeout'), current_setting('statement_timeout'), current_setting(:idle)")
    idle = {"idle": "idle_in_transaction_session_timeout"}
    found = {}
    for bounded in (True, False):
        engine = database.engine(bounded=bounded)
        with engine.connect() as connection:
            found[bounded] = tuple(connection.execute(asked, idle).one())
        engine.dispose()
    assert found == {True: ("10s", "30s", "1min"), False: ("0", "0", "0")}


def test_who_waits_too_long_for_another_is_told_and_has_written_nothing(database):
    holding, waiting = database.engine(), database.engine(bounded=True)
    with holding.begin() as first, waiting.connect() as second:
        first.execute(text("lock table city in access exclusive mode"))
        second.execute(text("set lock_timeout = '50ms'"))
        with pytest.raises(OperationalError):
            second.execute(text("delete from city"))
    holding.dispose()
    waiting.dispose()
