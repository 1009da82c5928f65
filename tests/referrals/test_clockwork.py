"""The clockwork stops whole: nothing of it goes on with connections that are about to be closed."""

import asyncio
import threading
import time
from datetime import datetime

from referrals_town import Town
from sqlalchemy import Connection

from hub.referrals.clockwork import Clockwork


async def test_a_look_that_is_under_way_has_ended_when_the_clockwork_has(town: Town):
    begun = threading.Event()

    def slow(connection: Connection, _now: datetime) -> None:
        connection.exec_driver_sql("select 1")
        begun.set()
        time.sleep(0.3)

    clockwork = Clockwork(town.engine, town.referrals, town.clock, chores=[slow])
    clockwork.start()
    assert await asyncio.to_thread(begun.wait, 20)
    await clockwork.stop()
    assert town.engine.pool.checkedout() == 0
