import pytest
from databases import admin

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
