"""What a no changes while a person is on the way, and what happens when a partner is away for a week.

All of it between two processes. Where the partner is away it really is: its process has ended, and starts again later.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from journeys.both import Both
from journeys.secretariat import Desk

from tests.sandbox.sandbox_process import until

DAY = timedelta(days=1)
WAITING = """query($id: ID!) { referral(id: $id) {
    state clock { kind side dueAt } events(last: 1) { nodes { kind to } } } }"""


@pytest.fixture
async def patient(both: Both) -> AsyncIterator[Both]:
    """A partner whose people take nothing up."""
    await both.sandbox.control("behave", take_seconds=-1)
    yield both
    await both.sandbox.control("behave", take_seconds=0.2, receipt="answer", fetch_seconds=0)


def seen(both: Both, referral: str) -> dict[str, Any]:
    """What the secretariat sees of it."""
    return both.lead.ask(WAITING, id=referral)["referral"]


async def certified(both: Both, referral: str) -> None:
    await until(lambda: both.lead.kinds(referral)[-1] == "ANSWER_STOP_NOTICE")


# ---- The person's no -------------------------------------------------------------------------------------------------


async def test_a_no_before_sending_leaves_nothing_to_send(patient: Both, officer: Desk):
    referral = patient.lead.ready(patient.body)
    assert officer.revoke(patient.lead.consent(referral))["referral"]["state"] == "CONSENT_REVOKED"
    assert seen(patient, referral)["events"]["nodes"] == [{"kind": "REVOKE_CONSENT", "to": "CONSENT_REVOKED"}]
    assert patient.lead.do("sendReferral", referral=referral)["code"] == "WRONG_STATE"
    assert patient.attempts(referral) == 0
    assert await patient.kinds(referral) == []


async def test_after_a_no_while_it_waits_for_the_partner_nothing_leaves(patient: Both, officer: Desk):
    patient.sandbox.kill()
    try:
        referral = patient.sent()
        await until(lambda: patient.attempts(referral) > 1)
        assert officer.revoke(patient.lead.consent(referral))["referral"]["state"] == "CONSENT_REVOKED"
        assert seen(patient, referral)["events"]["nodes"] == [{"kind": "REVOKE_CONSENT", "to": "CONSENT_REVOKED"}]
    finally:
        await patient.sandbox.start()
        await patient.sandbox.control("behave", take_seconds=-1)
    await certified(patient, referral)
    # It is told to delete what it might hold, as nobody knows what became of the attempts; and of nothing else.
    assert await patient.kinds(referral) == ["stop_in", "stop", "certificate"]
    [stop] = await patient.sandbox.books("stop", referral.removeprefix("rf_"))
    assert stop["detail"]["cause"] == "consent_revoked"
    assert (await patient.sandbox.control("fetch", handoff=referral.removeprefix("rf_")))["code"] is not None
    assert "packet" not in await patient.kinds(referral)


async def test_after_a_no_between_notice_and_fetching_there_is_nothing_to_fetch(patient: Both, officer: Desk):
    await patient.sandbox.control("behave", receipt="push", fetch_seconds=-1)
    referral = patient.sent()
    handoff = referral.removeprefix("rf_")

    async def told() -> bool:
        return "notice" in await patient.kinds(referral)

    await until(told)
    assert officer.revoke(patient.lead.consent(referral))["referral"]["state"] == "CONSENT_REVOKED"
    assert (await patient.sandbox.control("fetch", handoff=handoff))["code"] in {"refused", "unsupported"}
    await certified(patient, referral)
    assert (await patient.sandbox.control("fetch", handoff=handoff))["code"] in {"refused", "unsupported"}
    kinds = await patient.kinds(referral)
    assert (kinds.count("fetch"), kinds.count("fetch_failed"), kinds.count("stop")) == (2, 2, 1)
    assert "packet" not in kinds
    assert await patient.theirs(referral) == "consent_revoked"


async def test_after_a_no_what_was_received_is_deleted_there(patient: Both, officer: Desk):
    referral = patient.sent()
    await patient.becomes(referral, "RECEIVED")
    assert officer.revoke(patient.lead.consent(referral))["referral"]["state"] == "CONSENT_REVOKED"
    await certified(patient, referral)
    [stop] = await patient.sandbox.books("stop", referral.removeprefix("rf_"))
    assert stop["detail"]["cause"] == "consent_revoked"
    assert await patient.theirs(referral) == "consent_revoked"
    [held] = [
        row
        for row in (await patient.sandbox.control("handoffs"))["handoffs"]
        if row["id"] == referral.removeprefix("rf_")
    ]
    assert held["packet"] is None
    assert seen(patient, referral)["state"] == "CONSENT_REVOKED"
    assert (await patient.sandbox.control("fetch", handoff=referral.removeprefix("rf_")))["code"] is not None
    assert (await patient.kinds(referral)).count("packet") == 1


# ---- A week ----------------------------------------------------------------------------------------------------------


async def test_a_partner_that_is_away_for_a_week_has_the_person_once(patient: Both):
    patient.sandbox.kill()
    try:
        referral = patient.sent("NORMAL")
        for _ in range(7):
            before = patient.passes(referral, DAY)
            # Each day it is tried again, and nobody is there.
            await until(lambda before=before: patient.attempts(referral) > before)
        now = seen(patient, referral)
        # The hour for a receipt is over, so what is waited for is the answer: it may take two weeks.
        assert (now["state"], now["clock"]["kind"], now["clock"]["side"]) == ("SENT", "DECISION", "RECIPIENT")
    finally:
        await patient.sandbox.start()
        await patient.sandbox.control("behave", take_seconds=-1)
    await patient.becomes(referral, "RECEIVED")
    kinds = await patient.kinds(referral)
    assert (kinds.count("packet"), kinds.count("receipt")) == (1, 1), kinds
    assert patient.lead.kinds(referral).count("ACKNOWLEDGE") == 1


async def test_what_cannot_wait_a_week_expires_and_is_not_brought_later(patient: Both):
    patient.sandbox.kill()
    try:
        referral = patient.sent("URGENT")
        for _ in range(2):
            before = patient.passes(referral, DAY)
            await until(lambda before=before: patient.attempts(referral) > before)
        assert seen(patient, referral)["state"] == "SENT"
        # On the third day the time for an answer is over, with five of the week to come.
        patient.passes(referral, 5 * DAY)
        await patient.becomes(referral, "EXPIRED")
        told = patient.lead.kinds(referral)[4:]
        assert told in (["DELIVERY_ERROR", "GIVE_UP_TIMEOUT"], ["ANSWER_TIMEOUT"])
        assert seen(patient, referral)["clock"] is None
    finally:
        await patient.sandbox.start()
        await patient.sandbox.control("behave", take_seconds=-1)
    await certified(patient, referral)
    assert await patient.kinds(referral) == ["stop_in", "stop", "certificate"]
    [stop] = await patient.sandbox.books("stop", referral.removeprefix("rf_"))
    assert stop["detail"]["cause"] == "expired"
    assert (await patient.sandbox.control("fetch", handoff=referral.removeprefix("rf_")))["code"] is not None
