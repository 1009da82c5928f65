"""Clocks: as long as the vocabulary says, and no state waits without one."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.referrals import FINAL, TRANSITIONS, Actor
from hub.referrals.clocks import LENGTHS, RUNS_OUT, answer_by, clock, end
from schema.standing import WAITS
from schema.vocabulary import ClockKind, ReferralState, Urgency

S = ReferralState
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
H, D = timedelta(hours=1), timedelta(days=1)
PAGE = {
    ClockKind.ACKNOWLEDGE: (timedelta(minutes=15), H, H),
    ClockKind.FIRST_LOOK: (4 * H, 24 * H, 5 * D),
    ClockKind.DECISION: (24 * H, 72 * H, 14 * D),
    ClockKind.QUESTION: (12 * H, 48 * H, 10 * D),
    ClockKind.CONSENT: (12 * H, 72 * H, 14 * D),
    ClockKind.START: (24 * H, 7 * D, 30 * D),
    ClockKind.PROGRESS: (3 * D, 14 * D, 60 * D),
    ClockKind.CONFIRM: (3 * D, 14 * D, 14 * D),
}


def test_lengths_are_those_of_the_page():
    assert {kind: length for kind, length in LENGTHS.items() if kind is not ClockKind.OFFER} == PAGE


def test_every_event_of_the_clock_has_its_clock():
    by_clock = {
        (state, each.event) for each in TRANSITIONS if Actor.CLOCK in each.actors.may for state in each.from_states
    }
    assert set(RUNS_OUT.items()) == by_clock
    assert set(RUNS_OUT) == set(WAITS)


def test_every_state_that_goes_on_has_a_clock_or_an_owner():
    assert set(S) - set(FINAL) - set(WAITS) == {S.DRAFT, S.READY, S.DUPLICATE}


@pytest.mark.parametrize("how", Urgency)
@pytest.mark.parametrize("state", sorted(WAITS))
def test_reminders_come_at_half_time(state, how):
    made = clock(state, how, now=NOW, answer=NOW + 14 * D, review_on=date(2026, 12, 24))
    assert made is not None
    assert made.due_at > NOW
    assert made.remind_at - NOW == made.due_at - made.remind_at
    _, last = end(state, due=made.due_at, since=NOW, answer=NOW + 14 * D)
    assert last >= made.due_at


@given(st.timedeltas(timedelta(), 20 * D), st.sampled_from(Urgency))
def test_the_time_for_an_answer_stands_still_while_a_question_is_open(asked, how):
    before = NOW + D
    after = answer_by(S.INFO_REQUESTED, S.IN_REVIEW, before=before, since=NOW, now=NOW + asked, how=how)
    assert after == before + asked
    again = answer_by(S.ACCEPTED, S.IN_REVIEW, before=before, since=NOW, now=NOW + asked, how=how)
    assert again == NOW + asked + LENGTHS[ClockKind.DECISION][list(Urgency).index(how)]
    assert answer_by(S.RECEIVED, S.IN_REVIEW, before=before, since=NOW, now=NOW + asked, how=how) == before
