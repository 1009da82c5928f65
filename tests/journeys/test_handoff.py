"""A person handed over between two real servers: the hub and a partner's system, registered by commands.

The lead works at the console's door, with a passkey; the partner is the sandbox, a process with books of its own. What
the graph says and what the partner's books say must be the same in the end.
"""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import commands
import pytest
from databases import cloned
from joserfc.jwk import ECKey
from journeys.secretariat import Lead
from visiting.visitor import Visitor
from web.serving import hub_process, root_key

from hub.clock import SystemClock
from hub.store import Database
from tests.sandbox.sandbox_process import Sandbox, until

TABS = Path(__file__).parents[2] / "hub" / "web" / "console" / "source" / "operations"
LOOPBACK = {"HUB_PARTNER_PLACES": "loopback"}


@dataclass
class Both:
    """The hub with its lead, and the partner."""

    lead: Lead
    sandbox: Sandbox
    body: str

    def sent(self) -> str:
        """Hand a person over; give the referral."""
        return self.lead.hand_over(self.body)

    async def becomes(self, referral: str, state: str) -> None:
        """Wait for the hub's books to say so."""
        seen = set[str | None]()

        def there() -> bool:
            now = self.lead.state(referral)
            seen.add(now)
            return now == state

        try:
            await until(there, seconds=40)
        except AssertionError:
            told = await self.sandbox.books()
            raise AssertionError(f"{referral}: not {state}, but {seen}; the partner: {told}") from None

    async def theirs(self, handoff: str) -> str:
        """What the partner's books say of it."""
        rows = (await self.sandbox.control("handoffs"))["handoffs"]
        return next(row["state"] for row in rows if row["id"] == handoff.removeprefix("rf_"))

    async def kinds(self, handoff: str) -> list[str]:
        return [entry["kind"] for entry in await self.sandbox.books(handoff=handoff.removeprefix("rf_"))]


Run = Callable[..., str]


@pytest.fixture(scope="module")
def served(facts_template: Database) -> Iterator[tuple[str, Run]]:
    """A hub over the facts, and its commands."""
    with cloned(facts_template) as database, hub_process(database, "localhost", **LOOPBACK) as (url, _process):
        settings = {**LOOPBACK, "HUB_DATABASE_URL": database.conninfo, "HUB_BASE_URL": url}
        settings["HUB_ROOT_KEY_FILE"] = str(root_key())

        def run(*words: str) -> str:
            done = commands.typed(*words, **settings)
            done.check_returncode()
            return done.stdout

        yield url, run


@pytest.fixture(scope="module")
def lead(served: tuple[str, Run]) -> Iterator[Lead]:
    url, run = served
    said = run("user", "create", "lena", "--name", "Lena", "--role", "lead")
    visitor = Visitor(url, SystemClock(), {})
    visitor.enrol(re.search(r"Enrolment code: (\S+)", said).group(1))
    visitor.add_passkey()
    visitor.make_codes()
    visitor.finish()
    visitor.sign_in_by_passkey()
    yield Lead(visitor)
    visitor.close()


@pytest.fixture(scope="module")
async def both(served: tuple[str, Run], lead: Lead, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Both]:
    """The partner is given a client, started, registered, and has an agreement."""
    url, run = served
    folder = tmp_path_factory.mktemp("sar")
    key = ECKey.generate_key("P-256")
    (folder / "jwks").write_text(json.dumps({"keys": [key.as_dict(private=False) | {"kid": key.thumbprint()}]}))
    client = run(
        "client", "create", "SAR's system", "--body", "sar", "--scope", "referral:receive",
        "--purpose", "residency_placement", "--jwks", str(folder / "jwks"),
    ).split()[-1]  # fmt: skip
    hub = {"issuer": url, "graphql": f"{url}/graphql", "client_id": client, "key": key.as_dict(private=True)}
    sandbox = Sandbox(folder / "books", "scholars_at_risk", hub | {"scope": "referral:receive"})
    await sandbox.start()
    try:
        run("partner", "add", "sar", "--network", "scholars_at_risk", "--issuer", sandbox.url)
        body = lead.ask('{ organisation(slug: "sar") { id } }')["organisation"]["id"]
        agreed = lead.do(
            "saveAgreement",
            "... on AgreementPayload { agreement { state } } ... on Problem { code }",
            organisation=body,
            state="IN_FORCE",
            categories=["NETWORK", "CASE", "IDENTITY", "RISK"],
            purposes=["RESIDENCY_PLACEMENT"],
            **{"from": "2026-01-01"},
        )
        assert agreed == {"agreement": {"state": "IN_FORCE"}}
        yield Both(lead, sandbox, body)
    finally:
        sandbox.stop()


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
