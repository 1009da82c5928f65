"""The kill loop, shortened. `python -m tests.delivery.kill` is the long form."""

from dataclasses import replace

from tests.delivery.kill import HUB, PARTNER, loop, plan
from tests.sandbox.trouble import COMING, GOING, Trouble

VICTIMS = (HUB, PARTNER, "worker 1")


async def test_nothing_is_lost_doubled_stuck_or_sent_late_whoever_is_killed(database, tmp_path):
    drawn = plan(7, handoffs=20, kills=3, victims=VICTIMS, every_seconds=3)
    # Whatever the seed says, each of them dies once.
    planned = replace(drawn, kills=tuple((pause, who) for (pause, _), who in zip(drawn.kills, VICTIMS, strict=True)))
    verdict = await loop(database, tmp_path, planned, seed=7)
    assert verdict.holds, verdict
    assert verdict.delivered + verdict.stopped >= 20
    assert verdict.delivered >= 12
    assert set(verdict.kills) == set(VICTIMS)
    assert verdict.troubles.total() > 10


def test_a_seed_gives_the_same_kills_withdrawals_and_bad_days_again():
    def drawn(seed: int) -> tuple:
        trouble = Trouble(rate=0.3, seed=seed)
        coming = [trouble.drawn(COMING, "/inbox") for _ in range(200)]
        return plan(seed, handoffs=50, kills=9, victims=VICTIMS, every_seconds=2), coming

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert {who for _, who in drawn(1)[0].kills} == set(VICTIMS)
    assert set(drawn(1)[1]) == {None, *COMING}


def test_what_the_partner_brings_does_not_change_what_it_meets():
    alone, busy = (Trouble(rate=0.5, seed=3) for _ in range(2))
    for _ in range(50):
        busy.drawn(GOING)
    assert [alone.drawn(COMING, "/inbox") for _ in range(50)] == [busy.drawn(COMING, "/inbox") for _ in range(50)]
