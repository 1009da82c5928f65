"""A person handed over between two real servers: the hub and a partner's system, registered by commands.

The lead works at the console's door, with a passkey; the partner is the sandbox, a process with books of its own. What
the graph says and what the partner's books say must be the same in the end.
"""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from journeys.both import Both

from hub.clock import SystemClock
from tests.sandbox.sandbox_process import until

TABS = Path(__file__).parents[2] / "hub" / "web" / "console" / "source" / "operations"


async def test_a_person_is_handed_over_helped_and_the_loop_is_closed(both: Both):
    referral = both.sent()
    await both.becomes(referral, "OUTCOME_REPORTED")
    assert both.lead.do("confirmOutcome", referral=referral)["referral"]["state"] == "CLOSED"

    async def closed_there() -> bool:
        return await both.theirs(referral) == "closed"

    await until(closed_there)
    assert both.lead.kinds(referral) == [
        "CREATE", "ASK_CONSENT", "CONSENT_GIVEN", "SEND", "ACKNOWLEDGE", "TAKE", "ACCEPT", "START",
        "REPORT_OUTCOME", "CONFIRM",
    ]  # fmt: skip
    books = await both.kinds(referral)
    assert (books.count("notice"), books.count("packet"), books.count("answer_in")) == (1, 1, 1)
    [packet] = await both.sandbox.books("packet", referral.removeprefix("rf_"))
    assert "identity.legal_name" in packet["detail"]["fields"]


async def test_the_ready_tabs_of_the_console_take_a_person_all_the_way(both: Both):
    found = {"or_...": both.body, "2027-03-31": (SystemClock().now() + timedelta(days=90)).date().isoformat()}

    def tab(name: str, prefix: str | None = None) -> dict[str, Any]:
        """Run a tab as somebody who fills in ids and makes up keys; note an id it shows."""
        [file] = TABS.glob(f"*-{name}.graphql")
        text = file.read_text().replace("a-key-of-your-own", f"the tab {name}, by hand")
        for blank, value in found.items():
            text = text.replace(blank, value)
        [answer] = both.lead.ask(text).values()
        shown = re.search(f'"({prefix}_[^"]+)"', json.dumps(answer)) if prefix else None
        if shown is not None:
            found[f"{prefix}_..."] = shown.group(1)
        return answer

    tab("open-case", "ca")
    assert tab("draft", "rf")["referral"]["state"] == "DRAFT"
    assert tab("ask-consent", "cs")["referral"]["state"] == "CONSENT_PENDING"
    assert tab("record-consent")["referral"]["state"] == "READY"
    assert tab("send")["referral"]["state"] == "SENT"
    await both.becomes(found["rf_..."], "OUTCOME_REPORTED")
    [followed] = [each for each in tab("follow")["nodes"] if each["id"] == found["rf_..."]]
    assert followed["events"]["nodes"][-1]["kind"] == "REPORT_OUTCOME"
    assert tab("confirm")["referral"]["state"] == "CLOSED"
    [case] = [each for each in tab("cases")["nodes"] if each["id"] == found["ca_..."]]
    assert case["identity"] == {"legalName": "Name in papers"}
    assert case["referrals"]["nodes"][0]["state"] == "CLOSED"


async def test_a_partner_declines(both: Both):
    await both.sandbox.control("behave", decision="decline")
    try:
        referral = both.sent()
        await both.becomes(referral, "DECLINED")
        assert await both.theirs(referral) == "declined"
    finally:
        await both.sandbox.control("behave", decision="accept")


async def test_what_is_taken_back_in_flight_is_deleted_and_certified(both: Both):
    await both.sandbox.control("behave", take_seconds=-1)
    try:
        referral = both.sent()
        await both.becomes(referral, "RECEIVED")
        taken_back = both.lead.do("withdrawReferral", referral=referral, reason="PERSON_WITHDREW")
        assert taken_back["referral"]["state"] == "WITHDRAWN", taken_back

        async def stopped() -> bool:
            return "certificate" in await both.kinds(referral)

        await until(stopped)
        assert await both.theirs(referral) == "withdrawn"
        await until(lambda: "ANSWER_STOP_NOTICE" in both.lead.kinds(referral))
        assert (await both.kinds(referral)).count("packet") == 1
    finally:
        await both.sandbox.control("behave", take_seconds=0.2)


async def test_what_is_taken_back_before_it_was_fetched_never_leaves(both: Both):
    await both.sandbox.control("fail_next", kind="503", count=1, where="/inbox")
    referral = both.sent()

    async def met() -> bool:
        return (await both.sandbox.control("trouble"))["met"].get("503", 0) > 0

    await until(met)
    taken_back = both.lead.do("withdrawReferral", referral=referral, reason="PERSON_WITHDREW")
    assert taken_back["referral"]["state"] == "WITHDRAWN", taken_back
    await until(lambda: "ANSWER_STOP_NOTICE" in both.lead.kinds(referral))
    assert await both.kinds(referral) == ["stop_in", "stop", "certificate"]


async def test_a_partner_hands_a_person_to_icorn(both: Both):
    case = {"languages": ["ar"], "support": ["residency"], "urgency": "urgent"}
    told = await both.sandbox.control("send", content={"case": case, "identity": {"legal_name": "Made Up"}})
    referral = f"rf_{told['handoff']}"
    await both.becomes(referral, "RECEIVED")
    [inbox] = TABS.glob("*-inbox.graphql")
    assert referral in [each["id"] for each in both.lead.ask(inbox.read_text())["referrals"]["nodes"]]
    taken = both.lead.do("takeReferral", referral=referral)
    assert taken["referral"]["case"]["identity"] == {"legalName": "Made Up"}, taken
    assert both.lead.do("acceptReferral", referral=referral)["referral"]["state"] == "ACCEPTED"
    assert both.lead.do("startReferral", referral=referral)["referral"]["state"] == "IN_PROGRESS"
    told = both.lead.do("reportOutcome", referral=referral, reason="HELPED_AS_ASKED")
    assert told["referral"]["state"] == "OUTCOME_REPORTED", told
    await both.becomes(referral, "CLOSED")
    assert await both.theirs(referral) == "closed"
    assert "receipt_in" in await both.kinds(referral)
