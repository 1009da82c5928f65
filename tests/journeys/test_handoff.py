"""A person handed over between two real servers: the hub and a partner's system, registered by commands.

The lead works at the console's door, with a passkey; the partner is the sandbox, a process with books of its own. What
the graph says and what the partner's books say must be the same in the end.
"""

import base64
import importlib.util
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from joserfc.jwk import ECKey
from journeys.both import Both, Run
from journeys.secretariat import Lead

from connectors import handoff as wire
from connectors.messages import Packet
from connectors.signing import Me, new_keys, public_jwks, unchecked
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
    day = (SystemClock().now() + timedelta(days=90)).date().isoformat()
    found = {"or_...": both.body, "YYYY-MM-DD": day}

    def tab(name: str, prefix: str | None = None) -> dict[str, Any]:
        """Run a tab as a program that fills in what the console would; note an id it shows."""
        [file] = TABS.glob(f"*-{name}.graphql")
        text = file.read_text().replace("a-key-of-your-own", f"the tab {name}, by hand")
        for blank, value in found.items():
            text = text.replace(blank, value)
        [answer] = both.lead.ask(text).values()
        shown = re.search(f'"({prefix}_[^"]+)"', json.dumps(answer)) if prefix else None
        if shown is not None:
            found[f"{prefix}_..."] = shown.group(1)
        return answer

    assert tab("recipient")["id"] == both.body
    assert tab("open-case", "ca")["case"]["identity"] == {"legalName": "Name in papers"}
    assert tab("draft", "rf")["referral"]["state"] == "DRAFT"
    assert tab("ask-consent", "cs")["referral"]["state"] == "CONSENT_PENDING"
    assert tab("record-consent")["referral"]["state"] == "READY"
    assert tab("send")["referral"]["state"] == "SENT"
    await both.becomes(found["rf_..."], "OUTCOME_REPORTED")
    [followed] = [each for each in tab("handed-over")["nodes"] if each["id"] == found["rf_..."]]
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


# ---- A partner whose system takes no messages: it asks, by its token ------------------------------------------------


@dataclass
class Asking:
    """PEN's program, made of the example in the documentation, with the keys PEN publishes for the handoff."""

    example: Any
    me: Me
    client: str
    key: ECKey

    def ask(self, document: str, **variables: object) -> dict[str, Any]:
        answer = self.example.ask(self.key, self.client, document, variables)
        assert "errors" not in answer, answer
        return answer["data"]

    def packet(self, referral: str) -> str:
        """Fetch a packet by the same token that asks the graph."""
        url = f"{self.example.HUB}/referrals/{referral.removeprefix('rf_')}/packet"
        token = self.example.get_token(self.key, self.client)
        bound = {"htm": "GET", "htu": url, "ath": wire.digest(token)}
        proof = self.example.sign(self.key, {"typ": "dpop+jwt", "jwk": self.key.as_dict(private=False)}, bound)
        answer = httpx.get(url, headers={"Authorization": f"DPoP {token}", "DPoP": proof})
        answer.raise_for_status()
        return wire.open_letter(answer.text, self.me).jws


@pytest.fixture(scope="module")
def asking(served: tuple[str, Run], lead: Lead, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """Registered, agreed, with a client; its server publishes its keys and takes nothing."""
    url, run = served

    class KeysOnly(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(public_jwks(me)).encode() if self.path == "/jwks" else b""
            self.send_response(200 if body else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.send_response(503)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), KeysOnly)
    me = new_keys(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
    found = importlib.util.spec_from_file_location("partner_example", TABS.parents[4] / "docs/examples/partner.py")
    example = importlib.util.module_from_spec(found)
    found.loader.exec_module(example)
    example.HUB, key = url, ECKey.generate_key("P-256")
    published = tmp_path_factory.mktemp("pen") / "jwks"
    published.write_text(json.dumps({"keys": [key.as_dict(private=False) | {"kid": key.thumbprint()}]}))
    scopes = ("referral:send", "referral:receive", "referral:decide", "case:read", "identity:read")
    client = run(
        "client", "create", "PEN's desk", "--body", "pen-international", "--purpose", "residency_placement",
        *[word for scope in scopes for word in ("--scope", scope)], "--jwks", str(published),
    ).split()[-1]  # fmt: skip
    run("partner", "add", "pen-international", "--network", "pen_international", "--issuer", me.issuer)
    agreed = lead.do(
        "saveAgreement",
        "... on AgreementPayload { agreement { state } } ... on Problem { code }",
        organisation=lead.ask('{ organisation(slug: "pen-international") { id } }')["organisation"]["id"],
        state="IN_FORCE",
        categories=["NETWORK", "CASE", "IDENTITY", "RISK"],
        purposes=["RESIDENCY_PLACEMENT"],
        **{"from": "2026-01-01"},
    )
    assert agreed == {"agreement": {"state": "IN_FORCE"}}
    yield Asking(example, me, client, key)
    server.shutdown()
    server.server_close()


ACKNOWLEDGE = """mutation Acknowledge($input: AcknowledgeReferralInput!) {
  acknowledgeReferral(input: $input) {
    ... on ReferralPayload { replayed referral { id state since } event { number kind } }
    ... on Problem { code message path }
  } }"""
SUBMIT = """mutation($input: SubmitReferralInput!) { submitReferral(input: $input) {
    ... on ReferralPayload { replayed referral { id state } event { kind } }
    ... on Problem { code message path }
    ... on ConsentProblem { categories } } }"""
INBOX = "{ referrals(first: 25, where: {mySide: RECIPIENT, open: true}, orderBy: {field: DUE}) { nodes { id state } } }"
READ = """query($id: ID!) { referral(id: $id) { state packet { version categories digest ...File } } }
  fragment File on CaseContent { identity { legalName } risk { claim } }"""


def test_a_partner_asks_confirms_and_reads_by_its_token_alone(asking: Asking, lead: Lead):
    pen = lead.ask('{ organisation(slug: "pen-international") { id } }')["organisation"]["id"]
    referral = lead.hand_over(pen)
    assert {"id": referral, "state": "SENT"} in asking.ask(INBOX)["referrals"]["nodes"]
    packet = asking.packet(referral)
    held = wire.Read(msgspec.convert(unchecked(packet), Packet), packet)
    digest = base64.b64encode(base64.urlsafe_b64decode(held.digest + "=")).decode()
    given = {
        "idempotencyKey": f"received {referral}",
        "referral": referral,
        "digest": digest,
        "receipt": wire.sign_receipt(held, asking.me, now=SystemClock().now()),
    }
    told = asking.ask(ACKNOWLEDGE, input=given)["acknowledgeReferral"]
    assert (told["replayed"], told["referral"]["state"], told["event"]["kind"]) == (False, "RECEIVED", "ACKNOWLEDGE")
    assert asking.ask(ACKNOWLEDGE, input=given)["acknowledgeReferral"] == told | {"replayed": True}
    take = "mutation($input: TakeReferralInput!) { takeReferral(input: $input) { __typename } }"
    asking.ask(take, input={"idempotencyKey": f"taken {referral}", "referral": referral})
    read = asking.ask(READ, id=referral)["referral"]
    # Risk was sent, and this client has no scope for it.
    assert read == {
        "state": "IN_REVIEW",
        "packet": {
            "version": 1,
            "categories": ["CASE", "IDENTITY", "RISK"],
            "digest": digest,
            "identity": {"legalName": "Nadim Planted"},
            "risk": None,
        },
    }
    assert lead.kinds(referral)[-3:] == ["SEND", "ACKNOWLEDGE", "TAKE"]


def test_a_partner_hands_over_by_its_token_alone(asking: Asking, lead: Lead):
    given = {
        "idempotencyKey": "a person, brought once",
        "content": {"profile": {"languages": ["ar"]}, "identity": {"legalName": "Brought Person"}},
        "purpose": "RESIDENCY_PLACEMENT",
        "urgency": "URGENT",
        "services": ["RESIDENCY"],
        "consent": {
            "categories": ["CASE", "IDENTITY"],
            "until": (SystemClock().now() + timedelta(days=90)).date().isoformat(),
            "channel": "SIGNED_PAPER",
            "wordingVersion": "2026-11",
            "language": "ar",
            "basis": "ART9_2_A",
        },
    }
    told = asking.ask(SUBMIT, input=given)["submitReferral"]
    assert (told["referral"]["state"], told["event"]["kind"]) == ("RECEIVED", "ACKNOWLEDGE")
    assert asking.ask(SUBMIT, input=given)["submitReferral"] == told | {"replayed": True}
    referral = told["referral"]["id"]
    quarantined = lead.ask("query($id: ID!) { referral(id: $id) { state case { id } packet { id } } }", id=referral)
    assert quarantined == {"referral": {"state": "RECEIVED", "case": None, "packet": None}}
    taken = lead.do("takeReferral", referral=referral)
    assert taken["referral"]["case"]["identity"] == {"legalName": "Brought Person"}
    beyond = given | {"idempotencyKey": "more than was allowed", "content": given["content"] | {"risk": {"claim": "x"}}}
    refused = asking.ask(SUBMIT, input=beyond)["submitReferral"]
    assert (refused["code"], refused["path"]) == ("INVALID", ["content", "risk"])
