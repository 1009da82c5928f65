"""States of a row: each outcome of an attempt has one consequence, and no lease is used twice."""

import asyncio
import threading
from datetime import timedelta

import pytest
from sqlalchemy import update

from connectors.errors import Invalid, Refused, Throttled, Unauthorized, Unavailable, Uncertain, Unsupported
from hub.clock import SetClock
from hub.delivery import Backoff, Patience, Worker, leases
from hub.delivery.ports import Topic
from schema.tables.referrals import DeliveryState
from tests.delivery.world import HANDOFF, NOON, Books, House, Weather

PATIENCE = Patience(backoff=Backoff(least_seconds=1, first_seconds=4, cap_seconds=60))


@pytest.fixture
def house(engine) -> House:
    return House(engine)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


def worker(house, clock, bring, *, patience=PATIENCE, books=None) -> Worker:
    return Worker(house.engine, {Topic.PACKET: books or Books(bring)}, clock, patience=patience, jitter=lambda: 1.0)


async def test_a_delivery_that_holds_is_settled_once(house, clock):
    delivery = house.send()
    bring = Weather("receipt")
    assert await worker(house, clock, bring).drain() == 1
    row = house.row(delivery)
    assert (row.state, row.attempts, row.settled_at) == (DeliveryState.DELIVERED, 1, NOON)
    assert (row.leased_by, row.lease_until, row.next_attempt_at, row.last_error) == (None, None, None, None)
    assert house.book(delivery) == ["claimed", "delivered"]
    assert house.receipts(delivery) == ["receipt"]
    assert await worker(house, clock, bring).drain() == 0
    assert len(bring.made) == 1


@pytest.mark.parametrize("error", [Refused("no"), Invalid("no"), Unauthorized("no"), Unsupported("no")])
async def test_what_is_refused_is_over_and_told(house, clock, error):
    delivery = house.send()
    await worker(house, clock, Weather(error)).drain()
    row = house.row(delivery)
    assert (row.state, row.last_error, row.next_attempt_at) == (DeliveryState.REFUSED, error.code, None)
    assert house.book(delivery) == ["claimed", f"failed {error.code}"]


@pytest.mark.parametrize(
    ("error", "seconds"), [(Unavailable("down"), 4), (Uncertain("lost"), 4), (Throttled("busy", retry_seconds=50), 50)]
)
async def test_what_may_go_well_later_is_tried_again_after_a_while(house, clock, error, seconds):
    delivery = house.send()
    bring = Weather(error, "receipt")
    busy = worker(house, clock, bring)
    assert await busy.drain() == 1
    row = house.row(delivery)
    assert (row.state, row.last_error) == (DeliveryState.WAITING, error.code)
    assert row.next_attempt_at == NOON + timedelta(seconds=seconds)
    assert (row.leased_by, row.lease_until) == (None, None)
    clock.advance(seconds=seconds - 1)
    assert await busy.drain() == 0
    clock.advance(seconds=1)
    assert await busy.drain() == 1
    assert house.row(delivery).state is DeliveryState.DELIVERED
    assert [each.attempt for each in bring.made] == [1, 2]


async def test_the_pause_grows_with_each_failure(house, clock):
    delivery = house.send()
    busy = worker(house, clock, Weather(Unavailable("down")))
    pauses = []
    for _ in range(6):
        await busy.drain()
        at = house.row(delivery).next_attempt_at
        pauses.append((at - clock.now()).total_seconds())
        clock.instant = at
    assert pauses == [4, 8, 16, 32, 60, 60]


async def test_a_doubt_stays_until_an_attempt_settles_it(house, clock):
    delivery = house.send()
    bring = Weather(Unavailable("down"), Uncertain("lost"), Unavailable("down"), "receipt")
    busy = worker(house, clock, bring)
    for _ in range(4):
        await busy.drain()
        clock.advance(minutes=5)
    assert [each.doubtful for each in bring.made] == [False, False, True, True]
    assert house.row(delivery).state is DeliveryState.DELIVERED


async def test_after_its_time_nothing_is_tried_and_the_handler_is_told(house, clock):
    delivery = house.send(days=1)
    bring = Weather(Unavailable("down"))
    busy = worker(house, clock, bring)
    await busy.drain()
    clock.advance(days=1)
    assert await busy.drain() == 1
    row = house.row(delivery)
    assert (row.state, row.settled_at) == (DeliveryState.EXPIRED, clock.now())
    assert house.book(delivery) == ["claimed", "failed expired"]
    assert len(bring.made) == 1


async def test_a_failure_just_before_the_end_is_the_last(house, clock):
    delivery = house.send(days=1)
    clock.instant = NOON + timedelta(days=1) - timedelta(seconds=0.5)
    await worker(house, clock, Weather(Unavailable("down"))).drain()
    assert house.row(delivery).state is DeliveryState.EXPIRED
    assert house.book(delivery) == ["claimed", "failed expired"]


async def test_what_was_withdrawn_does_not_leave(house, clock):
    delivery = house.send()
    house.withdraw(delivery)
    bring = Weather("receipt")
    await worker(house, clock, bring).drain()
    row = house.row(delivery)
    assert (row.state, row.last_error, row.leased_by) == (DeliveryState.STOPPED, "withdrawn", None)
    assert not bring.made


async def test_a_withdrawal_under_way_is_waited_for(house, clock):
    """No attempt begins after a withdrawal was answered: claiming waits for the lock that withdrawing holds."""
    delivery = house.send()
    bring = Weather("receipt")
    with house.engine.connect() as connection, connection.begin():
        referral = house.row(delivery).referral_id
        connection.exec_driver_sql("update referral set state = 'withdrawn' where id = %s", (referral,))
        running = asyncio.create_task(worker(house, clock, bring).drain())
        await asyncio.sleep(0.3)
        assert not running.done()
    assert await running == 1
    assert house.row(delivery).state is DeliveryState.STOPPED
    assert not bring.made


async def test_an_attempt_ends_before_its_lease_and_is_in_doubt(house, clock):
    delivery = house.send()
    bring = Weather("receipt")
    bring.gate = asyncio.Event()
    quick = Patience(lease_seconds=1, attempt_seconds=0.1)
    await worker(house, clock, bring, patience=quick).drain()
    assert (house.row(delivery).last_error, house.row(delivery).leased_by) == ("uncertain", None)


async def test_two_workers_make_one_attempt(house, clock):
    delivery = house.send()
    bring = Weather("receipt")
    workers = [worker(house, clock, bring) for _ in range(2)]
    bring.gate = asyncio.Event()
    running = [asyncio.create_task(each.deliver(delivery)) for each in workers]
    await asyncio.sleep(0.3)
    bring.gate.set()
    assert sorted(await asyncio.gather(*running)) == [False, True]
    assert len(bring.made) == 1
    assert house.book(delivery) == ["claimed", "delivered"]


def test_of_many_threads_at_one_row_one_gets_the_lease(house):
    delivery = house.send()
    barrier, won = threading.Barrier(8), []

    def race(number: int) -> None:
        barrier.wait()
        with house.engine.begin() as connection:
            held = leases.take(
                connection, delivery, topics=[Topic.PACKET], lease=f"worker {number}", now=NOON, seconds=60
            )
        if held is not None:
            won.append(held)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert house.row(delivery).leased_by == won[0].lease
    assert house.row(delivery).attempts == 1


async def test_a_late_result_of_a_lost_lease_is_not_applied(house, clock):
    delivery = house.send()
    slow, quick = Weather("late"), Weather("receipt")
    slow.gate = asyncio.Event()
    late = asyncio.create_task(worker(house, clock, slow).deliver(delivery))
    await until_made(slow)
    clock.advance(seconds=PATIENCE.lease_seconds)
    assert await worker(house, clock, quick).deliver(delivery)
    assert quick.made[0].doubtful
    slow.gate.set()
    await late
    assert house.book(delivery) == ["claimed", "claimed doubtful", "delivered"]
    assert house.receipts(delivery) == ["receipt"]


async def test_a_late_result_does_not_disturb_a_lease_that_runs(house, clock):
    delivery = house.send()
    first, second = Weather(Refused("late")), Weather("receipt")
    first.gate, second.gate = asyncio.Event(), asyncio.Event()
    late = asyncio.create_task(worker(house, clock, first).deliver(delivery))
    await until_made(first)
    clock.advance(seconds=PATIENCE.lease_seconds)
    at_it = asyncio.create_task(worker(house, clock, second).deliver(delivery))
    await until_made(second)
    first.gate.set()
    await late
    assert house.row(delivery).state is DeliveryState.WAITING
    second.gate.set()
    await at_it
    assert house.row(delivery).state is DeliveryState.DELIVERED


async def test_a_lease_that_ran_out_and_was_not_taken_still_settles(house, clock):
    delivery = house.send()
    bring = Weather("receipt")
    bring.gate = asyncio.Event()
    late = asyncio.create_task(worker(house, clock, bring).deliver(delivery))
    await until_made(bring)
    clock.advance(seconds=PATIENCE.lease_seconds * 2)
    bring.gate.set()
    await late
    assert house.receipts(delivery) == ["receipt"]


@pytest.mark.parametrize(("where", "doubtful"), [("claim", False), ("delivered", True)])
async def test_a_handler_that_breaks_loses_nothing(house, clock, where, doubtful):
    delivery = house.send()
    bring = Weather("receipt")
    books = Books(bring)
    books.broken.append(where)
    busy = worker(house, clock, bring, books=books)
    await busy.drain()
    row = house.row(delivery)
    assert (row.state, row.leased_by) == (DeliveryState.WAITING, None)
    assert row.next_attempt_at > clock.now()
    clock.advance(minutes=1)
    await busy.drain()
    assert house.row(delivery).state is DeliveryState.DELIVERED
    assert bring.made[-1].doubtful is doubtful
    assert house.receipts(delivery) == ["receipt"]


async def test_a_fault_of_ours_in_an_attempt_is_a_doubt(house, clock):
    delivery = house.send()
    bring = Weather(KeyError("bug"), "receipt")
    busy = worker(house, clock, bring)
    await busy.drain()
    assert house.row(delivery).last_error == "uncertain"
    clock.advance(minutes=1)
    await busy.drain()
    assert house.receipts(delivery) == ["receipt"]


async def test_stopping_cuts_attempts_short_and_leaves_them_in_doubt(house, clock):
    delivery = house.send()
    bring = Weather("receipt")
    bring.gate = asyncio.Event()
    busy = worker(house, clock, bring)
    waiting = asyncio.create_task(busy.deliver(delivery))
    await until_made(bring)
    await busy.finish(seconds=0.05)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    row = house.row(delivery)
    assert (row.state, row.last_error, row.leased_by) == (DeliveryState.WAITING, "uncertain", None)


async def test_deliveries_of_unknown_topics_are_left_alone(house, clock):
    delivery = house.send()
    with house.engine.begin() as connection:
        connection.execute(update(HANDOFF).values(topic="answer"))
    assert await worker(house, clock, Weather("receipt")).drain() == 0
    assert house.row(delivery).attempts == 0


async def test_not_more_than_so_many_are_under_way_at_once(house, clock):
    for _ in range(10):
        house.send()
    most = now = 0

    async def bring(_claimed):
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return "receipt"

    assert await worker(house, clock, bring, patience=Patience(at_once=3)).drain() == 10
    assert most == 3


def test_an_attempt_must_end_before_its_lease():
    with pytest.raises(ValueError, match="before its lease"):
        Patience(lease_seconds=10, attempt_seconds=10)


async def until_made(bring: Weather) -> None:
    async with asyncio.timeout(10):
        while not bring.made:  # noqa: ASYNC110  # a moment
            await asyncio.sleep(0.01)
