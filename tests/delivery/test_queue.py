"""The queue over a real database: jobs in the business transaction, jobs of the dead, a database that goes away."""

import asyncio
import hashlib
import os
import shutil
import signal
import tempfile
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from databases import admin
from procrastinate.schema import SchemaManager
from sqlalchemy.exc import DBAPIError

from connectors.errors import Unavailable
from hub.cli.base import opened
from hub.clock import SystemClock
from hub.delivery import Backoff, Patience, Running, Worker
from hub.delivery.outbox import wake
from hub.delivery.ports import Topic
from hub.errors import StoreUnavailable
from hub.settings import Settings
from hub.store import open_database, upgrade
from schema.tables.referrals import DeliveryState
from tests.delivery.world import Books, House, Weather
from tests.sandbox.sandbox_process import until

QUICK = Patience(
    lease_seconds=2,
    attempt_seconds=1.5,
    sweep_seconds=0.2,
    grace_seconds=0.2,
    heartbeat_seconds=0.3,
    backoff=Backoff(least_seconds=0.1, first_seconds=0.2, cap_seconds=1),
)

SCHEMA = "c70ec4b400a60ad9592787653aae5ae77ae41bf801d56b5bd2712751a07f2009"


@pytest.fixture
def house(engine) -> House:
    return House(engine)


@asynccontextmanager
async def running(house, database, bring, *, patience=QUICK):
    worker = Worker(house.engine, {Topic.PACKET: Books(bring)}, SystemClock(), patience=patience)
    service = Running(worker, database.conninfo)
    service.start()
    try:
        yield service
    finally:
        await service.stop(seconds=1)


def sent(house) -> object:
    return house.send(now=SystemClock().now())


def test_the_queue_is_the_version_the_migration_was_written_for():
    """A newer one brings migrations of its own: run them in a migration of ours, then change this."""
    text = SchemaManager.get_schema().encode()
    assert hashlib.sha256(text).hexdigest() == SCHEMA


def test_the_queue_is_closed_to_the_reading_door(house, database):
    house.send()
    reading = str(database.reading["dsn"])
    with psycopg.connect(reading) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select * from jobs.procrastinate_jobs")


def test_row_and_job_are_written_with_the_callers_commit_or_not_at_all(house):
    with suppress(ZeroDivisionError), house.engine.begin() as connection:
        referral = house.referral(connection)
        now = SystemClock().now()
        house.outbox.enqueue(connection, referral_id=referral, topic=Topic.PACKET, now=now, gives_up_at=now)
        raise ZeroDivisionError
    assert not house.jobs()
    delivery = sent(house)
    (job,) = house.jobs()
    assert (job.args, job.status, job.queue_name) == ({"handoff": str(delivery)}, "todo", "delivery")
    assert house.row(delivery).state is DeliveryState.WAITING


def test_one_job_waits_at_most(house):
    delivery = sent(house)
    with house.engine.begin() as connection:
        wake(connection, delivery, Topic.PACKET)
        wake(connection, delivery, Topic.PACKET, seconds=60)
    assert len(house.jobs()) == 1


async def test_two_who_wake_at_once_do_not_disturb_each_other(house):
    delivery = sent(house)
    with house.engine.begin() as connection:
        connection.exec_driver_sql("delete from jobs.procrastinate_jobs")

    def other() -> None:
        with house.engine.begin() as second:
            wake(second, delivery, Topic.PACKET)
            second.exec_driver_sql("select 1")

    with house.engine.begin() as connection:
        wake(connection, delivery, Topic.PACKET)
        waiting = asyncio.create_task(asyncio.to_thread(other))
        await asyncio.sleep(0.3)
    await waiting
    assert len(house.jobs()) == 1


async def test_what_stops_goes_before_all_else_that_waits(house, database):
    packets = [sent(house) for _ in range(5)]
    with house.engine.begin() as connection:
        now, referral = SystemClock().now(), house.referral(connection)
        until_day = now + timedelta(days=1)
        stop = house.outbox.enqueue(connection, referral_id=referral, topic=Topic.STOP, now=now, gives_up_at=until_day)
    bring = Weather("receipt")
    patience = replace(QUICK, at_once=1)
    worker = Worker(house.engine, dict.fromkeys(Topic, Books(bring)), SystemClock(), patience=patience)
    service = Running(worker, database.conninfo)
    service.start()
    await until(lambda: len(bring.made) == 6)
    await service.stop()
    assert bring.made[0].id == stop
    assert {each.id for each in bring.made} == {stop, *packets}


async def test_many_that_wait_are_begun_without_a_job_each_and_none_after_the_end(house, database):
    deliveries = [sent(house) for _ in range(12)]
    bring = Weather("receipt")
    bring.gate = asyncio.Event()
    async with running(house, database, bring, patience=replace(QUICK, at_once=3)) as service:
        await until(lambda: len(bring.made) == 3)
        # Two jobs at most are fetched, and those of the three that were begun are gone, whoever began them.
        begun = {str(each.id) for each in bring.made}
        await until(lambda: begun.isdisjoint(job.args["handoff"] for job in house.jobs(status="todo")))
        assert len(house.jobs(status="todo")) >= 12 - 3 - 2
        stopping = asyncio.create_task(service.stop(seconds=5))
        await asyncio.sleep(0.2)
        bring.gate.set()
        await stopping
    assert len(bring.made) == 3
    async with running(house, database, bring, patience=replace(QUICK, at_once=3)):
        await until(lambda: all(house.row(each).state is DeliveryState.DELIVERED for each in deliveries))
        await until(lambda: not house.jobs())
    assert len(bring.made) == 12


async def test_a_commit_wakes_a_worker_at_once(house, database):
    slow = Patience(backoff=QUICK.backoff)
    async with running(house, database, Weather("receipt"), patience=slow):
        await asyncio.sleep(0.5)
        delivery = sent(house)
        await until(lambda: house.row(delivery).state is DeliveryState.DELIVERED, seconds=3)
        await until(lambda: not house.jobs())
    assert house.receipts(delivery) == ["receipt"]


@pytest.mark.parametrize("seconds", [0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1])
async def test_a_worker_that_is_stopped_while_it_starts_leaves_nothing_behind(house, database, seconds):
    before = asyncio.all_tasks()
    async with running(house, database, Weather()):
        await asyncio.sleep(seconds)
    # Who is left would swallow the loop's last word, and the process would never end.
    assert asyncio.all_tasks() <= before


async def test_failures_are_tried_again_until_they_hold(house, database):
    bring = Weather(Unavailable("down"), Unavailable("down"), "receipt")
    async with running(house, database, bring):
        delivery = sent(house)
        await until(lambda: house.row(delivery).state is DeliveryState.DELIVERED)
    assert house.row(delivery).attempts == 3


async def test_a_delivery_whose_job_was_lost_is_swept_up(house, database):
    delivery = sent(house)
    with house.engine.begin() as connection:
        connection.exec_driver_sql("delete from jobs.procrastinate_jobs")
    async with running(house, database, Weather("receipt")):
        await until(lambda: house.row(delivery).state is DeliveryState.DELIVERED)


async def test_jobs_of_dead_workers_are_taken_away_and_their_deliveries_made(house, database):
    delivery = sent(house)
    with house.engine.begin() as connection:
        connection.exec_driver_sql(
            "insert into jobs.procrastinate_workers (last_heartbeat) values (now() - interval '1 hour')"
        )
        connection.exec_driver_sql(
            "update jobs.procrastinate_jobs set status = 'doing', worker_id = (select max(id) from"
            " jobs.procrastinate_workers)"
        )
    async with running(house, database, Weather("receipt")):
        await until(lambda: house.row(delivery).state is DeliveryState.DELIVERED)
        await until(lambda: not house.jobs())


async def test_two_workers_share_the_work_and_double_nothing(house, database):
    bring = Weather("receipt")
    async with running(house, database, bring), running(house, database, bring):
        deliveries = [sent(house) for _ in range(30)]
        await until(lambda: all(house.row(each).state is DeliveryState.DELIVERED for each in deliveries))
    assert len(bring.made) == 30
    assert all(len(house.receipts(each)) == 1 for each in deliveries)


async def test_sessions_that_are_cut_are_taken_up_again(house, database):
    bring = Weather("receipt")
    async with running(house, database, bring):
        deliveries = []
        for _ in range(4):
            deliveries.append(sent(house))
            await asyncio.sleep(0.2)
            with admin(database) as connection:
                connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s",
                    [database.url.database],
                )
        await until(lambda: all(house.row(each).state is DeliveryState.DELIVERED for each in deliveries))
    assert all(len(house.receipts(each)) == 1 for each in deliveries)


@pytest.fixture
def own_server():
    """A server that may be stopped."""
    folder = Path(tempfile.mkdtemp(prefix="hub-own-"))
    settings = Settings(data_dir=folder)
    database = open_database(settings)
    engine = database.engine()
    upgrade(engine)
    yield settings, database, engine
    engine.dispose()
    open_database(settings).stop()
    database.stop()
    shutil.rmtree(folder, ignore_errors=True)


def crash(settings: Settings) -> None:
    """Stop the database at once, as a crash would."""
    pid = int((settings.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGQUIT)
    while (settings.data_dir / "postgres" / "postmaster.pid").exists():
        pass


async def test_a_worker_outlives_its_database_and_may_start_before_it(own_server):
    settings, database, engine = own_server
    house = House(engine)
    first = sent(house)
    bring = Weather("receipt")
    await asyncio.to_thread(crash, settings)
    async with running(house, database, bring):
        await asyncio.sleep(1)
        await asyncio.to_thread(open_database, settings)
        await until(lambda: delivered(house, first), seconds=30)
        bring.gate = asyncio.Event()
        second = sent(house)
        await until(lambda: len(bring.made) == 2)
        await asyncio.to_thread(crash, settings)
        bring.gate.set()
        await asyncio.sleep(0.5)
        await asyncio.to_thread(open_database, settings)
        await until(lambda: delivered(house, second), seconds=30)
    assert house.receipts(second) == ["receipt"]


async def test_what_runs_for_ever_waits_for_its_database_and_a_command_does_not(own_server):
    settings, database, _ = own_server
    outside = Settings(database_url=database.conninfo)

    def start(seconds: float) -> str | None:
        with opened(outside, wait_seconds=seconds) as found:
            return found.url.database

    await asyncio.to_thread(crash, settings)
    with pytest.raises(StoreUnavailable):
        start(0)
    starting = asyncio.create_task(asyncio.to_thread(start, 30))
    await asyncio.sleep(0.3)
    assert not starting.done()
    await asyncio.to_thread(open_database, settings)
    assert await starting == database.url.database


def delivered(house, delivery) -> bool:
    with suppress(DBAPIError):
        return house.row(delivery).state is DeliveryState.DELIVERED
    return False
