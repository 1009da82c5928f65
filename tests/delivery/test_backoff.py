"""When to try again."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.delivery import Backoff, next_attempt

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
unit = st.floats(0, 1)


@given(st.integers(1, 10_000), unit)
def test_a_delay_is_never_under_the_least_nor_over_the_cap(attempt, jitter):
    backoff = Backoff()
    assert backoff.least_seconds <= backoff.delay_seconds(attempt, lambda: jitter) <= backoff.cap_seconds


@given(st.integers(1, 200))
def test_the_ceiling_never_shrinks(attempt):
    assert Backoff().ceiling_seconds(attempt) <= Backoff().ceiling_seconds(attempt + 1)


@given(st.integers(1, 100), unit, st.integers(1, 10**7), st.integers(0, 10**5))
def test_an_attempt_begins_after_now_before_the_end_and_not_sooner_than_asked(attempt, jitter, left, asked):
    until = NOW + timedelta(seconds=left)
    at = next_attempt(attempt, now=NOW, until=until, jitter=lambda: jitter, asked_seconds=asked)
    if at is None:
        assert left <= max(1, asked)
    else:
        assert NOW + timedelta(seconds=max(1, asked)) <= at < until


def test_a_consent_that_is_over_ends_it():
    assert next_attempt(1, now=NOW, until=NOW, jitter=random.random) is None
    assert next_attempt(1, now=NOW, until=NOW - timedelta(days=1), jitter=random.random) is None


def test_it_never_gives_up_silently_before_the_end():
    at, attempts, until = NOW, 0, NOW + timedelta(days=2)
    chance = random.Random(7)  # noqa: S311  # jitter, no secret
    while (following := next_attempt(attempts + 1, now=at, until=until, jitter=chance.random)) is not None:
        assert at < following < until
        at, attempts = following, attempts + 1
    assert until - at <= timedelta(seconds=1)
    assert attempts > 96


def test_what_failed_together_does_not_come_back_together():
    chance = random.Random(1)  # noqa: S311  # jitter, no secret
    delays = {round(Backoff().delay_seconds(8, chance.random)) for _ in range(100)}
    assert len(delays) > 50


@pytest.mark.parametrize("delays", [(0, 1, 2), (2, 1, 3), (1, 3, 2)])
def test_delays_that_make_no_sense_are_refused(delays):
    least, first, cap = delays
    with pytest.raises(ValueError, match="delays"):
        Backoff(least_seconds=least, first_seconds=first, cap_seconds=cap)


def test_attempts_count_from_one():
    with pytest.raises(ValueError, match="count from 1"):
        Backoff().ceiling_seconds(0)
