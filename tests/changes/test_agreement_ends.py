"""An agreement that ends or is narrowed takes the open referrals with it that rest on it, at once (T41)."""

import threading
from contextlib import nullcontext
from datetime import timedelta
from uuid import UUID

import pytest
from handing import Desk, slugged
from referrals_town import ALL, Town

from hub.auth.clients import bounded
from hub.consent import AgreementInvalid
from hub.delivery.ports import Topic
from hub.referrals.agreements import agreed
from hub.referrals.clockwork import Clockwork
from schema.tables import AgreementRow
from schema.vocabulary import AccessScope, AgreementState, Category, ReferralState

S = ReferralState
SAID = "... on AgreementPayload { agreement { state } } ... on Problem { code path }"
TERMS = {
    "state": "IN_FORCE",
    "from": "2026-01-01",
    "until": None,
    "categories": [category.name for category in Category],
    "purposes": ["RESIDENCY_PLACEMENT", "ASSESSMENT"],
}


async def saved(lena: Desk, town: Town, **changes: object) -> None:
    answer = await lena.do("saveAgreement", SAID, organisation=slugged(town, "pen-international"), **(TERMS | changes))
    assert "agreement" in answer, answer


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "ENDED"},
        {"state": "SUSPENDED"},
        {"until": "2026-11-22"},
        {"from": "2026-12-01"},
        {"categories": ["CASE", "RISK"]},
        {"purposes": ["ASSESSMENT"]},
    ],
    ids=["ended", "suspended", "over", "not begun", "a category less", "a purpose less"],
)
async def test_what_rested_on_the_agreement_ends_with_it(lena: Desk, town: Town, changes: dict):
    held, waiting, drawn = town.received(town.pen), town.sent(town.pen), town.ready(town.pen)
    # A partner's own: brought by the wire, and taken up here.
    token = town.packet(town.pen)
    town.take_in(town.pen, token)
    brought = next(each for each, state in town.states().items() if state is S.RECEIVED and each != held.referral_id)
    town.do("take", town.mira, brought)
    elsewhere = town.received(town.sar)
    await saved(lena, town, **changes)
    assert [town.state(each) for each in (held.referral_id, waiting.referral_id, brought)] == [S.WITHDRAWN] * 3
    assert town.kinds(held.referral_id)[-1] == "agreement_ended"
    # What did not leave stays; nothing leaves of it without an agreement. Another body's is not touched.
    assert (town.state(drawn.referral_id), town.state(elsewhere.referral_id)) == (S.READY, S.RECEIVED)
    # Who holds it is told to delete it; to whom nothing left nothing is said, and nothing leaves any more.
    (stop,) = town.brought(held.referral_id, Topic.STOP)
    assert stop["cause"] == "agreement_ended"
    assert town.waiting(waiting.referral_id) == []
    with town.engine.connect() as connection:
        (subjects,) = connection.exec_driver_sql(
            "select subjects from audit_leaf where kind = 'change' and fields_returned = '{Mutation.saveAgreement}'"
        ).one()
    persons = {town.row(each).person_id for each in (held.referral_id, waiting.referral_id, brought)}
    assert {UUID(str(each)) for each in subjects} == persons


async def test_what_it_still_carries_goes_on(lena: Desk, town: Town):
    narrow, wide = town.received(town.pen, [Category.CASE]), town.received(town.pen, ALL)
    await saved(lena, town, categories=["CASE", "IDENTITY"])
    assert (town.state(narrow.referral_id), town.state(wide.referral_id)) == (S.RECEIVED, S.WITHDRAWN)
    await saved(lena, town)
    assert (town.state(narrow.referral_id), town.state(wide.referral_id)) == (S.RECEIVED, S.WITHDRAWN)


async def test_what_is_refused_ends_nothing(lena: Desk, town: Town):
    made = town.received(town.pen)
    body = slugged(town, "pen-international")
    refused = await lena.do("saveAgreement", SAID, organisation=body, **(TERMS | {"until": "2025-12-31"}))
    assert refused == {"code": "INVALID", "path": ["until"]}
    assert town.state(made.referral_id) is S.RECEIVED


async def test_an_agreement_that_runs_out_is_found_by_the_sweeper(lena: Desk, town: Town):
    await saved(lena, town, until="2026-11-24")
    made, other = town.received(town.pen), town.received(town.sar)
    sweeper = Clockwork(town.engine, town.referrals, town.clock)
    sweeper.look()
    assert town.state(made.referral_id) is S.RECEIVED
    town.clock.advance(days=2)
    sweeper.look()
    assert (town.state(made.referral_id), town.state(other.referral_id)) == (S.WITHDRAWN, S.RECEIVED)
    assert sweeper.look() == 0


async def test_door_service_and_sweeper_read_an_agreement_alike(town: Town):
    """The sweeper finds exactly what the service and the door refuse, whatever the dates look like."""
    made = town.received(town.pen)
    today = town.now.date()
    spans = [None, "2026", "2026-11", "2026-11-23", "2026-11-22", "2026-11-24", "2025", "2027", "2026-10", "2026-12"]
    for start in spans:
        for end in spans:
            with town.engine.connect() as connection:
                change = "update agreement set from_on = %s, until_on = %s where organisation_id = %s"
                connection.exec_driver_sql(change, (start, end, town.pen.id))
                agreement = AgreementRow(state=AgreementState.IN_FORCE, from_on=start, until_on=end, categories=[])
                runs = bool(bounded({AccessScope.SELF_READ}, agreement, today))
                with nullcontext() if runs else pytest.raises(AgreementInvalid):
                    agreed(connection, town.pen.id, today)
                ended = town.referrals.end_uncovered(connection, town.now)
                assert bool(ended) is not runs, (start, end)
                connection.rollback()
    assert town.state(made.referral_id) is S.RECEIVED


def test_a_step_under_way_and_the_end_of_the_agreement_wait_for_each_other(town: Town):
    """Both lock the referral first; were it the agreement, each would wait for the other."""
    made = town.received(town.pen)
    done = threading.Event()

    def end() -> None:
        with town.engine.begin() as connection:
            town.referrals.hold(connection, town.pen.id)
            connection.exec_driver_sql("update agreement set state = 'ended'")
            town.referrals.agreement_changed(connection, town.pen.id, town.now)
        done.set()

    with town.engine.begin() as connection:
        town.referrals.book.locked(connection, made.referral_id)
        ending = threading.Thread(target=end)
        ending.start()
        assert not done.wait(0.3)
        town.referrals.take(connection, town.program(town.pen), made.referral_id)
    ending.join(10)
    assert done.is_set()
    assert town.kinds(made.referral_id)[-2:] == ["take", "agreement_ended"]
    assert town.now - town.row(made.referral_id).since < timedelta(minutes=1)


def test_who_asks_while_an_agreement_changes_waits_and_is_told_how_it_stands_then(town: Town):
    told: list[bool] = []

    def ask() -> None:
        with town.engine.begin() as connection:
            try:
                agreed(connection, town.pen.id, town.now.date())
                told.append(True)
            except AgreementInvalid:
                told.append(False)

    for state, runs in (("ended", False), ("in_force", True)):
        with town.engine.begin() as changing:
            changing.exec_driver_sql("update agreement set state = %s", (state,))
            asking = threading.Thread(target=ask)
            asking.start()
            asking.join(0.3)
            assert asking.is_alive()
        asking.join(10)
        assert told.pop() is runs
