"""Withdrawal against sending, in real transactions at the same moment: one is first, and nobody waits for ever."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, Event

import pytest
from referrals_town import ALL, HANDOFF
from sqlalchemy import select, update

from connectors.protocol import Capability
from connectors.registry import network
from hub.delivery.ports import Stopped, Topic
from schema.tables import AuditLeafRow
from schema.tables.base import table_of
from schema.tables.referrals import DeliveryState
from schema.vocabulary import AuditKind, ClosingReason, ConsentChannel, Purpose, ReferralState, Relation

ROUNDS = 12
WORKERS = 2


def claimed(town, row):
    """Claim as the worker does: it takes the delivery if it waits and nobody is at it, then asks the handler."""
    with town.engine.begin() as connection:
        waits = (HANDOFF.c.id == row.id, HANDOFF.c.state == DeliveryState.WAITING)
        free = select(HANDOFF.c.id).where(*waits).with_for_update(skip_locked=True)
        if connection.scalar(free) is None:
            return Stopped("taken")
        connection.execute(
            update(HANDOFF).where(HANDOFF.c.id == row.id).values(attempts=HANDOFF.c.attempts + 1, leased_by="worker")
        )
        found = town.handlers[Topic(row.topic)].claim(connection, town.claimed(row), town.now)
        if isinstance(found, Stopped):
            connection.execute(update(HANDOFF).where(HANDOFF.c.id == row.id).values(state=DeliveryState.STOPPED))
    return found


def withdrawn(town, made, how):
    if how == "withdraw":
        return town.do("withdraw", town.mira, made.referral_id, reason=ClosingReason.PERSON_WITHDREW)
    return town.do("revoke_consent", town.dora, made.consent_id, ConsentChannel.ENCRYPTED_MESSAGE)


def stops(town, referral_id):
    with town.engine.connect() as connection:
        query = select(HANDOFF.c.id).where(HANDOFF.c.referral_id == referral_id, HANDOFF.c.topic == Topic.STOP.value)
        return len(connection.execute(query).all())


@pytest.mark.parametrize("how", ["withdraw", "revoke"])
def test_whoever_is_first_an_attempt_is_always_followed_by_a_stop_notice(town, how):
    """An attempt that began after the withdrawal would be seen: nothing would tell the recipient to delete."""
    seen = set()
    with ThreadPoolExecutor(WORKERS + 1) as pool:
        for _ in range(ROUNDS):
            made = town.sent(town.pen)
            (row,) = town.waiting(made.referral_id, Topic.PACKET)
            barrier = Barrier(WORKERS + 1)

            def at_once(act, *args, barrier=barrier):
                barrier.wait(10)
                return act(town, *args)

            attempts = [pool.submit(at_once, claimed, row) for _ in range(WORKERS)]
            pool.submit(at_once, withdrawn, made, how).result(30)
            began = [not isinstance(each.result(30), Stopped) for each in attempts]
            assert town.state(made.referral_id) in {ReferralState.WITHDRAWN, ReferralState.CONSENT_REVOKED}
            assert stops(town, made.referral_id) == int(any(began))
            assert (town.row(made.referral_id).left_at is not None) == any(began)
            assert isinstance(claimed(town, row), Stopped)
            assert town.waiting(made.referral_id, Topic.PACKET) == []
            seen.add(any(began))
    assert seen


@pytest.mark.parametrize("how", ["withdraw", "revoke"])
def test_an_attempt_waits_for_a_withdrawal_that_is_under_way_and_then_does_not_begin(town, how):
    made = town.sent(town.pen)
    (row,) = town.waiting(made.referral_id, Topic.PACKET)
    held = Event()

    def worker():
        with town.engine.begin() as connection:
            connection.execute(select(HANDOFF).where(HANDOFF.c.id == row.id).with_for_update())
            held.set()
            begun.wait(10)
            return town.handlers[Topic.PACKET].claim(connection, town.claimed(row), town.now)

    begun = Event()
    with ThreadPoolExecutor(1) as pool:
        attempt = pool.submit(worker)
        held.wait(10)
        with town.engine.begin() as connection:
            # The worker holds its delivery: the withdrawal does not wait for it.
            if how == "withdraw":
                town.referrals.withdraw(connection, town.mira, made.referral_id, reason=ClosingReason.ERROR)
            else:
                town.referrals.revoke_consent(connection, town.dora, made.consent_id, ConsentChannel.IN_APP)
            begun.set()
            assert not Event().wait(0.3)
            assert not attempt.done()
        assert isinstance(attempt.result(30), Stopped)
    assert stops(town, made.referral_id) == 0


@pytest.mark.parametrize("how", ["withdraw", "revoke"])
def test_a_withdrawal_waits_for_a_claim_that_is_under_way_and_then_tells_the_recipient(town, how):
    made = town.sent(town.pen)
    (row,) = town.waiting(made.referral_id, Topic.PACKET)
    with ThreadPoolExecutor(1) as pool:
        with town.engine.begin() as connection:
            found = town.handlers[Topic.PACKET].claim(connection, town.claimed(row), town.now)
            assert not isinstance(found, Stopped)
            other = pool.submit(withdrawn, town, made, how)
            assert not Event().wait(0.3)
            assert not other.done()
        other.result(30)
    assert stops(town, made.referral_id) == 1


def test_a_fetch_waits_for_a_withdrawal_and_gets_nothing(town):
    made = town.received(town.pen)
    with ThreadPoolExecutor(1) as pool:
        with town.engine.begin() as connection:
            town.referrals.withdraw(connection, town.mira, made.referral_id, reason=ClosingReason.ERROR)
            fetch = pool.submit(town.fetched, town.pen, made.referral_id)
            assert not Event().wait(0.3)
            assert not fetch.done()
        assert fetch.result(30) is None


def test_a_packet_is_fetched_by_its_recipient_alone_and_while_consent_holds(town):
    made = town.sent(town.pen)
    assert town.fetched(town.pen, made.referral_id) == town.packet_text(made.referral_id)
    assert town.fetched(town.sar, made.referral_id) is None
    assert town.row(made.referral_id).left_at == town.now
    town.clock.advance(days=91)
    assert town.fetched(town.pen, made.referral_id) is None


def test_a_packet_that_is_fetched_leaves_word_of_whose_it_is_and_who_had_it(town):
    made = town.sent(town.pen)
    leaves = table_of(AuditLeafRow)

    def told():
        with town.engine.connect() as connection:
            return connection.execute(select(leaves)).all()

    assert town.fetched(town.sar, made.referral_id) is None
    assert told() == []
    (row,) = town.waiting(made.referral_id, Topic.PACKET)
    assert not isinstance(town.claim(row), Stopped)
    assert told() == [], "a notice says nothing of anybody"
    assert town.fetched(town.pen, made.referral_id)
    (leaf,) = told()
    assert (leaf.kind, leaf.relation, leaf.at) == (AuditKind.READ, Relation.PARTNER_REFERRAL, town.now)
    assert (leaf.organisation_id, leaf.subjects) == (town.pen.id, [made.person_id])
    assert (leaf.purpose, leaf.categories) == (Purpose.RESIDENCY_PLACEMENT, [*ALL])
    assert leaf.fields_returned == ["Referral.packet"]
    reach = replace(town.pen.partner.settings.reach, capabilities=frozenset({Capability.SUBMIT}))
    found = network("pen_international")
    town.pen.partner = found.partner(found.settings(reach=reach), town.me, now=town.clock.now)
    assert not isinstance(town.claim(row), Stopped)
    assert len(told()) == 2, "where it is brought without a notice, it is had as soon as it is brought"


def test_the_same_packet_at_the_same_moment_is_one_referral(town):
    token = town.packet(town.pen)
    barrier = Barrier(3)

    def arrive():
        barrier.wait(10)
        return town.take_in(town.pen, token)

    with ThreadPoolExecutor(3) as pool:
        replies = [pool.submit(arrive) for _ in range(3)]
        assert all(each.result(30).reply for each in replies)
    with town.engine.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from referral").scalar() == 1
        assert connection.exec_driver_sql("select count(*) from inbox_message").scalar() == 1
