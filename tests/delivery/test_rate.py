"""That the measurement measures. It asserts no time: `python -m tests.delivery.rate` tells them."""

import re

from tests.delivery.rate import measured

FIGURES = re.compile(
    r"4 handoffs in [\d.]+ s: [\d.]+/s, \d+ attempts;"
    r" CPU for one, ms: hub [\d.]+, partner [\d.]+, database [\d.]+;"
    r" of a core: hub [\d.]+, partner [\d.]+, database [\d.]+"
)


async def test_all_that_is_handed_over_arrives_and_the_figures_are_told(database, tmp_path):
    rate = await measured(database, tmp_path, handoffs=4)
    assert (rate.handoffs, rate.receipts) == (4, 4)
    assert rate.attempts >= 4
    assert min(rate.seconds, rate.hub_ms, rate.partner_ms) > 0
    assert FIGURES.fullmatch(str(rate)), str(rate)
