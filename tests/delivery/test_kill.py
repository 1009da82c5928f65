"""The kill loop, shortened. `python -m tests.delivery.kill` is the long form."""

from tests.delivery.kill import loop


async def test_workers_that_are_killed_lose_and_double_nothing(database, engine, tmp_path):
    verdict = await loop(database, engine, tmp_path, handoffs=20, seed=7, kills=3)
    assert (verdict.lost, verdict.doubled, verdict.stuck, verdict.after_stop) == (0, 0, 0, 0), verdict
    assert verdict.delivered + verdict.stopped == 20
    assert verdict.delivered >= 17
    assert verdict.kills == 3
    assert verdict.troubles > 0
