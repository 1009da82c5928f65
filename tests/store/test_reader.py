import asyncio
import time
from contextlib import asynccontextmanager
from datetime import date
from uuid import UUID

import asyncpg
import pytest
from databases import admin

from hub.errors import QueryTimeout, StoreUnavailable
from hub.settings import Settings
from hub.store import Database, Reader, open_database

SLEEP = "select 'slept'::text from pg_sleep($1::float8)"
PID = "select pg_backend_pid()::text"
ID = UUID("6f1a3c1e-0000-4000-8000-000000000001")


def terminate(database, pid: bytes) -> None:
    with admin(database) as connection:
        connection.execute("select pg_terminate_backend(%s, 2000)", [int(pid)])


def running(database) -> int:
    with admin(database) as connection:
        return connection.execute(
            "select count(*) from pg_stat_activity where datname = %s and state = 'active'", [database.url.database]
        ).fetchone()[0]


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("text", "Tromsø", "Tromsø"),
        ("int", 5, "5"),
        ("bool", True, "true"),
        ("date", date(2026, 11, 21), "2026-11-21"),
        ("uuid", ID, str(ID)),
        ("uuid[]", [ID], f"{{{ID}}}"),
        ("int[]", [1, 2], "{1,2}"),
        ("text[]", ["å", 'a,"b"\\', None, ""], '{å,"a,\\"b\\"\\\\",NULL,""}'),
        ("varchar", "x", "x"),
        ("text", None, None),
    ],
)
async def test_an_argument_arrives_as_it_was_sent_and_the_answer_comes_back_as_bytes(reader, kind, value, text):
    answer = await reader.fetch_text(f"select ($1::{kind})::text", [value])
    assert answer == (None if text is None else text.encode())


async def test_no_row_is_none(reader):
    assert await reader.fetch_text("select name::text from city") is None


async def test_the_session_is_pinned_to_utc_iso_and_generic_plans(reader):
    names = ["TimeZone", "DateStyle", "plan_cache_mode", "jit", "statement_timeout", "application_name"]
    answer = await reader.fetch_text("select string_agg(current_setting(n), '|') from unnest($1::text[]) n", [names])
    assert answer == b"UTC|ISO, MDY|force_generic_plan|off|2s|icorn-hub-reader"


@pytest.mark.parametrize(
    "statement",
    [
        "with w as (delete from city returning name) select 'x'::text from w",
        "insert into source values ('X', 'x', 'x') returning code::text",
        "select set_config('default_transaction_read_only', 'off', false)",
    ],
)
async def test_the_reading_door_does_not_write(reader, statement):
    async def write():
        await reader.fetch_text(statement)
        await reader.fetch_text("insert into source values ('X', 'x', 'x') returning code::text")

    with pytest.raises((asyncpg.ReadOnlySQLTransactionError, asyncpg.InsufficientPrivilegeError)):
        await write()


async def test_the_reader_signs_in_as_a_role_that_owns_nothing(reader):
    assert await reader.fetch_text("select session_user || ' ' || current_user") == b"hub_reader hub_reader"


async def test_every_statement_is_counted(reader):
    for _ in range(3):
        await reader.fetch_text("select 'x'::text")
    assert reader.statements == 3


async def test_a_statement_is_parsed_once_and_planned_once(reader):
    query = "select string_agg(generic_plans::text || ' ' || custom_plans::text, ',') from pg_prepared_statements"
    for _ in range(4):
        await reader.fetch_text("select $1::text", ["x"])
    assert await reader.fetch_text(query + " where statement = 'select $1::text'") == b"4 0"


async def test_statements_used_least_are_closed_at_the_server(database):
    async with Reader(database.reading, connections=1, statements_max=3) as reader:
        for number in range(10):
            await reader.fetch_text(f"select '{number}'::text")
        kept = await reader.fetch_text("select count(*)::text from pg_prepared_statements")
    assert int(kept) <= 4


async def test_long_statements_make_room_for_one_another(database):
    async with Reader(database.reading, connections=1) as reader:
        for number in range(20):
            await reader.fetch_text(f"select '{number}'::text /*{'x' * 60_000}*/")
        kept = await reader.fetch_text("select count(*)::text from pg_prepared_statements")
    assert int(kept) <= 9


async def test_connections_are_bounded_and_used_again(database):
    async with Reader(database.reading, connections=2) as reader:
        pids = await asyncio.gather(*(reader.fetch_text(PID) for _ in range(50)))
        assert len(set(pids)) <= 2
        assert reader.connections <= 2


async def test_waiting_is_in_turn(database):
    order = []

    async def ask(number):
        await reader.fetch_text("select $1::text from pg_sleep(0.005)", [str(number)])
        order.append(number)

    async with Reader(database.reading, connections=1) as reader:
        await asyncio.gather(*(ask(number) for number in range(10)))
    assert order == list(range(10))


async def test_waiting_ends_at_the_deadline(database):
    async with Reader(database.reading, connections=1, acquire_seconds=0.1) as reader:
        slow = asyncio.create_task(reader.fetch_text(SLEEP, [0.6]))
        await asyncio.sleep(0.05)
        with pytest.raises(StoreUnavailable, match="busy"):
            await reader.fetch_text(PID)
        assert await slow == b"slept"
        assert await reader.fetch_text("select 'x'::text") == b"x"


async def test_a_process_that_stood_still_does_not_take_its_own_pause_for_the_databases(database):
    async with Reader(database.reading, connections=1, acquire_seconds=0.8) as reader:
        held = asyncio.create_task(reader.fetch_text(SLEEP, [0.05]))
        await asyncio.sleep(0.02)
        waiting = asyncio.create_task(reader.fetch_text("select 'x'::text"))
        await asyncio.sleep(0)
        time.sleep(1.2)  # noqa: ASYNC251  # the loop stands still, as it does where the machine's time is stolen
        assert await asyncio.gather(held, waiting) == [b"slept", b"x"]


async def test_a_statement_that_takes_too_long_is_a_query_timeout_and_the_connection_lives_on(database):
    async with Reader(database.reading, connections=1, statement_timeout_ms=100) as reader:
        pid = await reader.fetch_text(PID)
        with pytest.raises(QueryTimeout) as caught:
            await reader.fetch_text(SLEEP, [5])
        assert caught.value.timeout_ms == 100
        assert await reader.fetch_text(PID) == pid


async def test_a_wrong_statement_is_a_bug_told_as_it_is_and_the_connection_lives_on(database):
    async with Reader(database.reading, connections=1) as reader:
        pid = await reader.fetch_text(PID)
        with pytest.raises(asyncpg.UndefinedTableError):
            await reader.fetch_text("select x::text from nowhere")
        with pytest.raises(asyncpg.DivisionByZeroError):
            await reader.fetch_text("select (1 / $1::int)::text", [0])
        assert await reader.fetch_text(PID) == pid


async def test_an_argument_of_the_wrong_kind_leaves_no_clock_running(database):
    async with Reader(database.reading, connections=1, statement_timeout_ms=200) as reader:
        with pytest.raises(asyncpg.DataError):
            await reader.fetch_text("select ($1::int)::text", ["no number"])
        with pytest.raises(asyncpg.InterfaceError):
            await reader.fetch_text("select ($1::int)::text", [])
        await asyncio.sleep(0.3)
        assert await reader.fetch_text("select ($1::int)::text", [1]) == b"1"


async def test_a_terminated_connection_is_replaced_unnoticed(database):
    async with Reader(database.reading, connections=1) as reader:
        before = await reader.fetch_text(PID)
        terminate(database, before)
        after = await reader.fetch_text(PID)
        assert after != before
        assert reader.connections == 1


async def test_all_terminated_connections_are_replaced_unnoticed(database):
    async with Reader(database.reading, connections=4) as reader:
        await asyncio.gather(*(reader.fetch_text(SLEEP, [0.05]) for _ in range(4)))
        with admin(database) as connection:
            connection.execute(
                "select pg_terminate_backend(pid, 2000) from pg_stat_activity where datname = %s",
                [database.url.database],
            )
        assert await asyncio.gather(*(reader.fetch_text("select 'x'::text") for _ in range(20))) == [b"x"] * 20
        assert reader.connections <= 4


async def test_a_read_cut_off_in_the_middle_is_read_once_more(database):
    async with Reader(database.reading, connections=2) as reader:
        pid = await reader.fetch_text(PID)
        slow = asyncio.create_task(reader.fetch_text(SLEEP, [0.3]))
        await asyncio.sleep(0.1)
        terminate(database, pid)
        assert await slow == b"slept"


async def test_a_cancelled_read_leaves_no_dirty_connection_and_no_running_statement(database):
    async with Reader(database.reading, connections=1) as reader:
        task = asyncio.create_task(reader.fetch_text(SLEEP, [1.5]))
        await asyncio.sleep(0.1)
        assert running(database) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await reader.fetch_text("select 'clean'::text") == b"clean"
        await asyncio.sleep(0.1)
        assert running(database) == 0


async def test_cancelling_who_waits_loses_no_connection(database):
    async with Reader(database.reading, connections=1) as reader:
        slow = asyncio.create_task(reader.fetch_text(SLEEP, [0.2]))
        await asyncio.sleep(0.05)
        waiting = [asyncio.create_task(reader.fetch_text(PID)) for _ in range(3)]
        await asyncio.sleep(0.01)
        waiting[0].cancel()
        waiting[1].cancel()
        assert await slow == b"slept"
        assert await waiting[2]
        assert await reader.fetch_text("select 'x'::text") == b"x"
        assert reader.connections == 1


async def test_any_mix_of_cancelled_reads_leaves_the_list_whole(database):
    async with Reader(database.reading, connections=3) as reader:
        for turn in range(30):
            tasks = [asyncio.create_task(reader.fetch_text(SLEEP, [0.002])) for _ in range(8)]
            await asyncio.sleep(0.0005 * (turn % 7))
            for task in tasks[turn % 3 :: 2]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert await asyncio.gather(*(reader.fetch_text("select 'x'::text") for _ in range(12))) == [b"x"] * 12
        assert 1 <= reader.connections <= 3


async def test_a_statement_whose_meaning_a_migration_changed_is_prepared_again(database, engine):
    async with Reader(database.reading, connections=1) as reader:
        with engine.begin() as connection:
            connection.exec_driver_sql("create table shifting (a text); insert into shifting values ('1')")
        assert await reader.fetch_text("select a from shifting") == b"1"
        with engine.begin() as connection:
            connection.exec_driver_sql("alter table shifting alter a type varchar")
        assert await reader.fetch_text("select a from shifting") in (b"1", "1")


async def test_readiness_is_a_claim_about_the_database(database):
    async with Reader(database.reading, connections=1) as reader:
        assert await reader.ready()
    assert not await Reader(database.clone("nowhere").reading).ready()


async def test_a_closed_reader_reads_no_more(database):
    reader = Reader(database.reading, connections=1)
    slow = asyncio.create_task(reader.fetch_text(SLEEP, [0.2]))
    await asyncio.sleep(0.1)
    waiting = asyncio.create_task(reader.fetch_text(PID))
    await asyncio.sleep(0.01)
    await reader.aclose()
    assert await slow == b"slept"
    with pytest.raises(StoreUnavailable):
        await waiting
    with pytest.raises(StoreUnavailable):
        await reader.fetch_text(PID)
    assert reader.connections == 0


@asynccontextmanager
async def line_to(database):
    """A line to the server that may go dead without being cut; gives its port, and the event of its being alive."""
    alive = asyncio.Event()
    alive.set()
    path = f"{database.url.query['host']}/.s.PGSQL.{database.url.query['port']}"

    async def carry(reader, writer):
        while data := await reader.read(65536):
            await alive.wait()
            writer.write(data)
        writer.close()

    async def connected(reader, writer):
        there = await asyncio.open_unix_connection(path)
        await asyncio.gather(carry(reader, there[1]), carry(there[0], writer), return_exceptions=True)

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], alive
        alive.set()


async def test_a_server_that_falls_silent_is_given_up(database):
    async with line_to(database) as (port, alive):
        url = database.reading_url.set(host="127.0.0.1", port=port, query={})
        reading = Database(url=database.url, reading_url=url, reading_role=database.reading_role).reading
        async with Reader(reading, connections=2, statement_timeout_ms=100) as reader:
            first = await reader.fetch_text(PID)
            alive.clear()
            with pytest.raises(QueryTimeout):
                await reader.fetch_text(PID)
            alive.set()
            assert await reader.fetch_text(PID) != first


async def test_reading_goes_on_when_the_server_comes_back(tmp_path):
    database = open_database(Settings(data_dir=tmp_path))
    async with Reader(database.reading, connections=2) as reader:
        assert await reader.ready()
        assert database.stop()
        with pytest.raises(StoreUnavailable):
            await reader.fetch_text(PID)
        assert not await reader.ready()
        database.server.start()
        assert await reader.ready()
    database.stop()
