"""Buckets: let in while something is left, paid afterwards, filled steadily."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.web.rates import CLIENTS_MOST, Allowance, Rates, TooManyRequests


class Watch:
    """A watch that is moved by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def rates(watch: Watch, **changes: int) -> Rates:
    return Rates(Allowance(**{"cost": 100, "seconds": 10, "at_once": 2} | changes), watch)


def test_who_overdrew_waits_until_the_debt_is_filled():
    watch = Watch()
    ours = rates(watch)
    ours.leave(ours.enter("a", "a"), 150)
    with pytest.raises(TooManyRequests) as refused:
        ours.enter("a", "a")
    watch.now += refused.value.retry_seconds
    ours.enter("a", "a")


def test_clients_do_not_pay_for_each_other():
    ours = rates(Watch())
    ours.leave(ours.enter("a", "a"), 150)
    ours.enter("b", "b")


def test_too_many_requests_of_a_body_at_once_are_refused_and_one_that_ends_makes_room():
    ours = rates(Watch())
    first, _second = ours.enter("a", "body"), ours.enter("b", "body")
    with pytest.raises(TooManyRequests):
        ours.enter("c", "body")
    ours.enter("c", "another")
    ours.leave(first, 1)
    ours.enter("c", "body")


def test_the_field_tells_what_is_left_and_when_all_is():
    ours = rates(Watch())
    bucket = ours.enter("a", "a")
    ours.leave(bucket, 40)
    assert ours.policy == b'"cost";q=100;w=10'
    assert ours.told(bucket) == b'"cost";r=60;t=4'


def test_forgotten_clients_are_those_not_seen_for_longest():
    ours = rates(Watch())
    spent = ours.enter("first", "first")
    ours.leave(spent, 150)
    for number in range(CLIENTS_MOST):
        ours.leave(ours.enter(str(number), str(number)), 1)
    ours.enter("first", "first")


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 20)), max_size=30))
def test_nobody_spends_more_than_a_bucket_beyond_the_steady_rate(steps: list[tuple[int, int]]):
    watch = Watch()
    ours = rates(watch)
    began, spent = watch.now, 0
    for cost, wait in steps:
        try:
            bucket = ours.enter("a", "a")
        except TooManyRequests:
            pass
        else:
            assert spent < 100 + (watch.now - began) * 10
            spent += max(cost, 1)
            ours.leave(bucket, cost)
        watch.now += wait
