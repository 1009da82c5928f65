"""The table of the referral: that it is the csv's, and what must hold for every walk through it."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hub
from hub.referrals import (
    ACCESS_OPEN,
    FETCHABLE,
    FINAL,
    TRANSITIONS,
    Actor,
    Guard,
    IllegalTransition,
    WrongActor,
    possible,
    step,
)
from hub.referrals.states import NOTES, Actors, Second
from schema.vocabulary import ReferralEventKind, ReferralState

S, E = ReferralState, ReferralEventKind
FILE = Path(hub.__file__).parent / "facts" / "csv" / "referral_transitions.csv"


def rows() -> list[dict[str, str]]:
    with FILE.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_table_is_that_of_the_csv():
    assert len(TRANSITIONS) == 47
    assert len(S) == 21
    ours = [
        {
            "id": each.id,
            "from_states": "|".join(each.from_states) or "-",
            "event": each.event.value,
            "to_state": "same" if each.to is None else each.to.value,
            "actor": each.actors.says,
            "guard": each.guard.says,
        }
        for each in TRANSITIONS
    ]
    assert ours == [{name: row[name] for name in ours[0]} for row in rows()]


def test_no_guard_and_no_actor_is_there_for_nothing():
    assert {each.guard for each in TRANSITIONS} == set(Guard)
    assert {each.actors for each in TRANSITIONS} == set(Actors)
    assert {actor for each in TRANSITIONS for actor in each.actors.may} == set(Actor)


def test_events_are_those_of_the_table_and_the_notes():
    assert [each for each in E if each not in NOTES] == list(dict.fromkeys(each.event for each in TRANSITIONS))
    for event in E:
        told = [
            f"{each.id}: {', '.join(each.from_states) or 'none'} to {each.to or 'same'}, by {each.actors.says}."
            for each in TRANSITIONS
            if each.event is event
        ]
        assert event.says == " ".join(told) if told else event.says.startswith("No change of state: ")


def test_an_event_means_one_thing_in_one_state():
    pairs = [(state, each.event) for each in TRANSITIONS for state in each.from_states or (None,)]
    assert len(pairs) == len(set(pairs))


def test_every_state_is_reached():
    reached, waiting = set(), [None]
    while waiting:
        state = waiting.pop()
        for each in TRANSITIONS:
            if state in (each.from_states or (None,)) and each.to not in reached | {None}:
                reached.add(each.to)
                waiting.append(each.to)
    assert reached == set(S)


def ways_out(state):
    return {each.to for each in TRANSITIONS if state in each.from_states and not each.makes_new} - {None, state}


def test_every_path_can_end():
    ending = set(FINAL)
    while more := {state for state in S if ways_out(state) & ending} - ending:
        ending |= more
    assert ending == set(S)


def test_only_final_states_have_no_way_out():
    assert {state for state in S if not ways_out(state)} == FINAL


def test_every_state_that_is_not_final_has_a_clock_or_an_owner():
    moving = set(Actor) - {Actor.PERSON, Actor.CONTACT_PERSON, Actor.DPO, Actor.WORKER}
    for state in set(S) - FINAL:
        assert any(state in each.from_states and each.actors.may & moving for each in TRANSITIONS), state


def test_rerouting_begins_another_referral():
    for state in (S.EXPIRED, S.DECLINED, S.WITHDRAWN):
        made = step(state, E.REROUTE, Actor.SENDER_CASEWORKER)
        assert made.makes_new
        assert made.to is S.DRAFT
        assert made.lands(state) is state
    assert sum(each.makes_new for each in TRANSITIONS) == 1


def test_access_is_open_only_where_revocation_shuts_it():
    assert not ACCESS_OPEN & FINAL
    assert not FETCHABLE & FINAL
    for state in FETCHABLE:
        for actor in (Actor.PERSON, Actor.CONTACT_PERSON, Actor.DPO):
            assert step(state, E.REVOKE_CONSENT, actor).lands(state) is S.CONSENT_REVOKED


def test_the_sender_can_take_back_whatever_can_be_fetched_until_help_is_over():
    for state in FETCHABLE - {S.OUTCOME_REPORTED}:
        assert step(state, E.WITHDRAW, Actor.SENDER_CASEWORKER).lands(state) is S.WITHDRAWN


def test_what_stays_stays():
    for state in (S.READY, S.IN_REVIEW, S.OUTCOME_REPORTED):
        assert step(state, E.NARROW_CONSENT, Actor.PERSON).lands(state) is state
    assert step(S.IN_PROGRESS, E.PROGRESS_OVERDUE, Actor.CLOCK).lands(S.IN_PROGRESS) is S.IN_PROGRESS


def test_who_must_agree_is_told():
    assert step(S.READY, E.SEND, Actor.SENDER_CASEWORKER).actors.second is Second.ANYBODY_IF_RISK_OR_HEALTH
    assert step(S.DRAFT, E.OVERRIDE_VITAL_INTEREST, Actor.SENDER_LEAD).actors.second is Second.LEAD
    assert step(S.PARTIAL_OFFER, E.AGREE_PART, Actor.SENDER_CASEWORKER).actors.second is Second.THE_PERSON
    assert step(S.IN_REVIEW, E.ACCEPT, Actor.RECIPIENT_CASEWORKER).actors.second is Second.NOBODY


def test_a_step_that_is_not_there_is_refused_by_name():
    with pytest.raises(IllegalTransition) as refused:
        step(S.CLOSED, E.ACCEPT, Actor.RECIPIENT_CASEWORKER)
    assert refused.value.code == "illegal_transition"
    with pytest.raises(WrongActor) as refused:
        step(S.IN_REVIEW, E.ACCEPT, Actor.SENDER_CASEWORKER)
    assert refused.value.code == "wrong_actor"
    with pytest.raises(IllegalTransition):
        step(S.IN_PROGRESS, E.NOTE_PROGRESS, Actor.RECIPIENT_CASEWORKER)


@given(st.sampled_from([None, *S]), st.sampled_from(Actor))
def test_what_is_possible_can_be_done_and_nothing_else(state, actor):
    can = possible(state, actor)
    for event in E:
        if event in can:
            assert actor in step(state, event, actor).actors.may
        else:
            with pytest.raises(IllegalTransition):
                step(state, event, actor)


def walked(moves):
    """Walk, passing over what may not be done, as the service does."""
    state, seen = S.DRAFT, [S.DRAFT]
    for event, actor in moves:
        try:
            state = step(state, event, actor).lands(state)
        except IllegalTransition:
            continue
        seen.append(state)
    return seen


moves = st.lists(st.tuples(st.sampled_from(E), st.sampled_from(Actor)), max_size=200)


@st.composite
def walks(draw):
    """Walks that go far: each move is one that is possible."""
    state, made = S.DRAFT, []
    for _ in range(draw(st.integers(0, 40))):
        can = [(event, actor) for actor in Actor for event in possible(state, actor)]
        if not can:
            break
        event, actor = draw(st.sampled_from(can))
        made.append((event, actor))
        state = step(state, event, actor).lands(state)
    return made


@given(walks(), moves)
def test_nothing_leaves_a_final_state(made, more):
    seen = walked(made + more)
    ends = [number for number, state in enumerate(seen) if state in FINAL]
    if ends:
        assert set(seen[ends[0] :]) == {seen[ends[0]]}


@given(walks(), moves)
def test_access_never_opens_again_after_withdrawal_or_revocation(made, more):
    seen = walked(made + more)
    for number, state in enumerate(seen):
        if state in {S.WITHDRAWN, S.CONSENT_REVOKED}:
            assert not set(seen[number:]) & FETCHABLE


@given(walks())
def test_nothing_is_read_before_it_was_sent_and_taken_up(made):
    seen = walked(made)
    for number, state in enumerate(seen):
        if state in ACCESS_OPEN:
            assert S.SENT in seen[:number]
            assert S.RECEIVED in seen[:number] or S.DUPLICATE in seen[:number]


@given(walks())
def test_the_same_events_lead_to_the_same_state(made):
    assert walked(made) == walked(made)
    assert len(walked(made)) == len(made) + 1
