"""What partners' programs do by mutations alone: hand a person over in one go, confirm receipt by a signed receipt."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from handing import CONTENT, NAME, REFERRAL, Desk, consented, drafted, internal, slugged
from referrals_town import Body, Town, derive

from connectors import handoff as wire
from connectors.registry import network
from connectors.signed import Reach
from connectors.signing import new_keys, peer_from, public_jwks
from hub.operations import Operations
from hub.referrals.packets import raw
from hub.store.sealed import Sealing
from schema.vocabulary import AccessScope

TAKEN = {
    "categories": ["CASE", "IDENTITY"],
    "until": "2027-02-01",
    "channel": "SIGNED_PAPER",
    "wordingVersion": "2026-11",
    "language": "ar",
    "basis": "ART9_2_A",
}
ALLOWED = {name: CONTENT[name] for name in ("profile", "identity")}
WANTED = {"purpose": "RESIDENCY_PLACEMENT", "urgency": "URGENT", "services": ["RESIDENCY"]}
WHY = "__typename ... on Problem { code path } ... on StateProblem { possible } ... on ConsentProblem { categories }"


def rows(town: Town, query: str) -> list[tuple]:
    with town.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


# ---- Handed over in one go -------------------------------------------------------------------------------------------


async def test_a_partner_hands_a_person_over_in_one_go(lena: Desk, pen: Desk, town: Town):
    made = await pen.step("submitReferral", content=ALLOWED, consent=TAKEN, senderReference="A-17", **WANTED)
    referral = made["referral"]["id"]
    assert (made["referral"]["state"], made["event"]["kind"]) == ("RECEIVED", "ACKNOWLEDGE")
    assert made["consent"]["categories"] == ["CASE", "IDENTITY"]
    assert made["referral"]["case"]["identity"] == {"legalName": NAME}
    # In quarantine: ICORN reads the envelope, and nobody there the person.
    there = f'{{ referral(id: "{referral}") {{ state purpose case {{ id }} }} cases(first: 5) {{ totalCount }} }}'
    assert (await lena.ask(there))["data"] == {
        "referral": {"state": "RECEIVED", "purpose": "RESIDENCY_PLACEMENT", "case": None},
        "cases": {"totalCount": 0},
    }
    assert town.leaks() == []
    taken = await lena.step("takeReferral", referral=referral)
    assert taken["referral"]["case"]["identity"] == {"legalName": NAME}
    assert taken["referral"]["case"]["risk"] is None


async def test_what_is_not_for_who_hands_over_is_withheld_beneath_the_answer(pen: Desk):
    everything = pen.profile
    pen.profile = replace(everything, scopes=frozenset({AccessScope.REFERRAL_SEND}))
    document = """mutation($input: SubmitReferralInput!) { it: submitReferral(input: $input) { ... on ReferralPayload {
      replayed given: consent { id } referral { id consent { id } } } } }"""
    given = {"idempotencyKey": "with-one-scope", "content": ALLOWED, "consent": TAKEN, **WANTED}
    answer = await pen.ask(document, input=given)
    assert answer["data"]["it"]["given"] is answer["data"]["it"]["referral"]["consent"] is None
    assert sorted((each["path"], each["category"], each["code"]) for each in answer["extensions"]["withheld"]) == [
        (["it", "given"], "CASE", "SCOPE"),
        (["it", "referral", "consent"], "CASE", "SCOPE"),
    ]
    pen.profile = everything
    assert "extensions" not in await pen.ask(document, input=given)


async def test_the_same_key_hands_over_once(pen: Desk, town: Town):
    document = f"mutation($input: SubmitReferralInput!) {{ it: submitReferral(input: $input) {{ {REFERRAL} }} }}"
    given = {"idempotencyKey": "a-person-once", "content": ALLOWED, "consent": TAKEN, **WANTED}
    first = (await pen.ask(document, input=given))["data"]["it"]
    again = (await pen.ask(document, input=given))["data"]["it"]
    assert again == first | {"replayed": True}
    assert rows(town, "select count(*) from person") == [(1,)]
    # Who has the database can try neither what the key was nor what the input: marks are made with the root key.
    [(key,)] = rows(town, "select key from change_key")
    assert key == Sealing(derive).mark("key", "a-person-once").hex()
    assert key != Sealing(lambda use: derive(use + "of another root")).mark("key", "a-person-once").hex()
    other = (await pen.ask(document, input=given | {"urgency": "NORMAL"}))["data"]["it"]
    assert other["code"] == "KEY_REUSED"


RECEIPT = """... on ReferralPayload { replayed referral { id receipt { jws at digest } } } ... on Problem { code }"""


def canonical(given: dict) -> bytes:
    """Digest an input as a partner's program does, by RFC 8785."""
    return hashlib.sha256(
        json.dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    ).digest()


async def test_who_hands_over_by_the_graph_gets_a_signed_receipt_for_what_it_sent(lena: Desk, pen: Desk, town: Town):
    document = f"mutation($input: SubmitReferralInput!) {{ it: submitReferral(input: $input) {{ {RECEIPT} }} }}"
    given = {"idempotencyKey": "with-a-receipt", "content": ALLOWED, "consent": TAKEN, **WANTED}
    told = (await pen.ask(document, input=given))["data"]["it"]
    receipt = told["referral"]["receipt"]
    hub = peer_from(town.me.issuer, public_jwks(town.me))
    read = wire.read_message(wire.open_letter(receipt["jws"], town.pen.me), hub, town.pen.me, now=town.now)
    assert isinstance(read.message, wire.Receipt)
    assert (read.message.handoff, read.message.version) == (internal(told["referral"]["id"]), 1)
    assert base64.b64decode(receipt["digest"]) == raw(read.message.digest) == canonical(given)
    # Tried again it is the same receipt; ICORN reads it too, and another body has none to read.
    assert (await pen.ask(document, input=given))["data"]["it"] == told | {"replayed": True}
    there = f'{{ referral(id: "{told["referral"]["id"]}") {{ receipt {{ jws }} }} }}'
    assert (await lena.ask(there))["data"]["referral"]["receipt"] == {"jws": receipt["jws"]}
    assert (await Desk(pen.operations, town.sar.acting).ask(there))["data"]["referral"] is None
    # Written out in the document it is the same input, and has the same digest but for its key.
    inline = """mutation { it: submitReferral(input: {idempotencyKey: "with-another", purpose: RESIDENCY_PLACEMENT,
      urgency: URGENT, services: [RESIDENCY], content: {profile: {languages: ["ar"]}}, consent: {categories: [CASE],
      until: "2027-02-01", channel: SIGNED_PAPER, wordingVersion: "\u00fc", language: "ar", basis: ART9_2_A}})
      { %s } }"""
    told = (await pen.ask(inline % RECEIPT))["data"]["it"]
    taken = TAKEN | {"categories": ["CASE"], "wordingVersion": "\u00fc"}
    same = {"idempotencyKey": "with-another", "content": {"profile": {"languages": ["ar"]}}, "consent": taken, **WANTED}
    assert base64.b64decode(told["referral"]["receipt"]["digest"]) == canonical(same)


async def test_what_was_drafted_step_by_step_has_a_receipt_too(pen: Desk, town: Town):
    made = await pen.step("createReferral", recipient=slugged(town, "icorn"), content=ALLOWED, **WANTED)
    referral = made["referral"]["id"]
    draft = await pen.ask(f'{{ referral(id: "{referral}") {{ receipt {{ at }} }} }}')
    assert draft["data"]["referral"] == {"receipt": None}
    await consented(pen, town, referral, ["CASE", "IDENTITY"], asked=("CASE", "IDENTITY"))
    given = {"idempotencyKey": "sent-by-steps", "referral": referral}
    document = f"mutation($input: SendReferralInput!) {{ it: sendReferral(input: $input) {{ {RECEIPT} }} }}"
    receipt = (await pen.ask(document, input=given))["data"]["it"]["referral"]["receipt"]
    assert base64.b64decode(receipt["digest"]) == canonical(given)


async def test_a_body_that_is_no_registered_partner_gets_a_receipt_all_the_same(pen: Desk, town: Town):
    del town.bodies[town.pen.id]
    told = await pen.do("submitReferral", RECEIPT, content=ALLOWED, consent=TAKEN, **WANTED)
    claims = wire.unchecked(told["referral"]["receipt"]["jws"])
    assert claims["aud"] == f"{town.me.issuer}/organisations/pen-international"


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"content": CONTENT}, "INVALID", ["content", "risk"]),
        ({"consent": TAKEN | {"categories": ["IDENTITY"]}}, "INVALID", ["content", "profile"]),
        ({"consent": TAKEN | {"categories": []}, "content": {}}, "INVALID", ["categories"]),
        ({"consent": TAKEN | {"until": "2026-11-01"}}, "INVALID", ["consent", "until"]),
        ({"senderReference": "x" * 201}, "INVALID", ["senderReference"]),
        ({"services": []}, "INVALID", ["services"]),
        ({"purpose": "ADVOCACY"}, "NO_AGREEMENT", []),
    ],
)
async def test_what_cannot_be_taken_in_leaves_nothing(pen: Desk, town: Town, changes: dict, code: str, path: list[str]):
    given = {"content": ALLOWED, "consent": TAKEN, **WANTED} | changes
    refused = await pen.do("submitReferral", WHY, **given)
    assert (refused["code"], refused["path"]) == (code, path)
    assert rows(town, "select count(*) from person") == rows(town, "select count(*) from subject_key") == [(0,)]


async def test_nobody_hands_over_without_an_agreement(pen: Desk, town: Town):
    with town.engine.begin() as connection:
        connection.exec_driver_sql("update agreement set state = 'suspended'")
    refused = await pen.do("submitReferral", WHY, content=ALLOWED, consent=TAKEN, **WANTED)
    assert refused == {"__typename": "SimpleProblem", "code": "NO_AGREEMENT", "path": []}


# ---- Received ------------------------------------------------------------------------------------------------------


class Keys(BaseHTTPRequestHandler):
    """Publishes the keys of a partner, and counts who asks."""

    jwks = b""
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(self.jwks)))
        self.end_headers()
        self.wfile.write(self.jwks)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def published(town: Town) -> Iterator[type[Keys]]:
    """Let PEN publish its keys for real."""
    keys = type("KeysOfPen", (Keys,), {"jwks": json.dumps(public_jwks(town.pen.me)).encode()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), keys)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"
    found = network("pen_international")
    reach = Reach(issuer=town.pen.me.issuer, base=base, jwks_uri=f"{base}/jwks", loopback=True)
    town.pen.partner = found.partner(found.settings(reach=reach), town.me, now=town.clock.now)
    yield keys
    server.shutdown()
    server.server_close()
    thread.join()


async def sent(lena: Desk, town: Town) -> tuple[str, str]:
    """Send a person to PEN, whose system fetches the packet; give referral and packet."""
    _case, referral = await drafted(lena, town)
    await consented(lena, town, referral, ["CASE", "IDENTITY"])
    await lena.step("sendReferral", referral=referral)
    packet = town.fetched(town.pen, internal(referral))
    assert packet is not None
    return referral, packet


def confirming(town: Town, body: Body, packet: str) -> dict[str, str]:
    return {
        "digest": base64.b64encode(town.digest(packet)).decode(),
        "receipt": town.receipt_token(body, packet),
    }


@pytest.mark.usefixtures("published")
async def test_a_partner_confirms_receipt_by_its_token(lena: Desk, pen: Desk, town: Town):
    referral, packet = await sent(lena, town)
    # What the partner told before its receipt came waits for it.
    town.tells(town.pen, internal(referral), 1, "take", "in_review")
    assert town.state(internal(referral)) == "sent"
    given = confirming(town, town.pen, packet)
    told = await pen.step("acknowledgeReferral", referral=referral, reference="PEN-4711", **given)
    assert "event" in told, told
    assert told["referral"]["state"] == "IN_REVIEW"
    assert town.kinds(internal(referral))[-2:] == ["acknowledge", "take"]
    assert town.row(internal(referral)).recipient_reference == "PEN-4711"
    assert rows(town, "select verbatim, direction from receipt") == [(given["receipt"], "incoming")]
    # The same receipt by the inbox, and again by the graph, is the same receipt.
    town.take_in(town.pen, given["receipt"])
    again = await pen.step("acknowledgeReferral", referral=referral, **given)
    shown = await lena.ask(f'{{ referral(id: "{referral}") {{ receipt {{ jws digest }} }} }}')
    assert shown["data"]["referral"]["receipt"] == {"jws": given["receipt"], "digest": given["digest"]}
    assert again["referral"]["state"] == "IN_REVIEW"
    assert rows(town, "select count(*) from receipt") == [(1,)]
    assert rows(town, "select count(*) from referral_event where kind = 'acknowledge'") == [(1,)]


@pytest.mark.usefixtures("published")
async def test_the_same_key_confirms_once_also_when_the_receipt_is_old(lena: Desk, pen: Desk, town: Town):
    referral, packet = await sent(lena, town)
    document = (
        f"mutation($input: AcknowledgeReferralInput!) {{ it: acknowledgeReferral(input: $input) {{ {REFERRAL} }} }}"
    )
    given = {"idempotencyKey": "received-once", "referral": referral, **confirming(town, town.pen, packet)}
    first = (await pen.ask(document, input=given))["data"]["it"]
    assert first["referral"]["state"] == "RECEIVED"
    town.clock.advance(hours=2)
    assert (await pen.ask(document, input=given))["data"]["it"] == first | {"replayed": True}
    late = (await pen.ask(document, input=given | {"idempotencyKey": "received-later"}))["data"]["it"]
    assert (late["code"], late["path"]) == ("INVALID", ["receipt"])


@pytest.mark.usefixtures("published")
async def test_a_receipt_of_somebody_else_or_for_something_else_confirms_nothing(
    lena: Desk, pen: Desk, town: Town, graph: Operations
):
    referral, packet = await sent(lena, town)
    other, other_packet = await sent(lena, town)
    good, wrong = confirming(town, town.pen, packet), confirming(town, town.pen, other_packet)
    forged = town.pen.me
    town.pen.me = new_keys(forged.issuer)
    by_other_keys = confirming(town, town.pen, packet)
    town.pen.me = forged
    for given, path in (
        (good | {"receipt": wrong["receipt"]}, ["receipt"]),
        (good | {"digest": wrong["digest"]}, ["digest"]),
        (confirming(town, town.sar, packet), ["receipt"]),
        (by_other_keys, ["receipt"]),
        (good | {"receipt": packet}, ["receipt"]),
        (good | {"reference": NAME}, ["reference"]),
        (good | {"reference": "7" * 65}, ["reference"]),
    ):
        refused = await pen.do("acknowledgeReferral", WHY, referral=referral, **given)
        assert (refused["__typename"], refused["code"], refused["path"]) == ("SimpleProblem", "INVALID", path), given
    # SAR signs well for itself, and has no such referral.
    sar = Desk(graph, town.sar.acting)
    town.bodies[town.sar.id].partner = town.pen.partner
    assert (await sar.do("acknowledgeReferral", WHY, referral=referral, **good))["code"] == "NOT_FOUND"
    assert {town.state(internal(each)) for each in (referral, other)} == {"sent"}
    assert rows(town, "select count(*) from receipt") == [(0,)]


async def test_without_scope_agreement_or_registration_nothing_is_confirmed(
    lena: Desk, pen: Desk, town: Town, published: type[Keys]
):
    referral, packet = await sent(lena, town)
    given = confirming(town, town.pen, packet)
    everything = pen.profile
    pen.profile = town.pen.acting.__class__(
        relation=everything.relation,
        scopes=frozenset(AccessScope) - {AccessScope.REFERRAL_RECEIVE},
        organisation_id=town.pen.id,
        client="pen",
    )
    document = "mutation($input: AcknowledgeReferralInput!) { acknowledgeReferral(input: $input) { __typename } }"
    shut = await pen.ask(document, input={"idempotencyKey": "without-scope", "referral": referral, **given})
    assert shut["data"] == {"acknowledgeReferral": None}
    assert published.asked == 0
    pen.profile = everything
    with town.engine.begin() as connection:
        connection.exec_driver_sql("update agreement set state = 'ended'")
    assert (await pen.do("acknowledgeReferral", WHY, referral=referral, **given))["code"] == "NO_AGREEMENT"
    del town.bodies[town.pen.id]
    assert (await pen.do("acknowledgeReferral", WHY, referral=referral, **given))["code"] == "NO_CONNECTOR"
    assert town.state(internal(referral)) == "sent"


async def test_where_its_keys_cannot_be_had_the_partner_asks_again(lena: Desk, pen: Desk, town: Town):
    referral, packet = await sent(lena, town)
    document = "mutation($input: AcknowledgeReferralInput!) { acknowledgeReferral(input: $input) { __typename } }"
    given = {"idempotencyKey": "no-keys-there", "referral": referral, **confirming(town, town.pen, packet)}
    before = rows(town, "select count(*) from change_key")
    answer = await pen.ask(document, input=given)
    assert answer["errors"][0]["extensions"]["code"] == "PARTNER_UNAVAILABLE"
    assert rows(town, "select count(*) from change_key") == before


# ---- Why not ---------------------------------------------------------------------------------------------------------


async def test_who_is_out_of_turn_is_told_what_may_be_done(lena: Desk, pen: Desk, town: Town):
    referral, _packet = await sent(lena, town)
    refused = await lena.do("sendReferral", WHY, referral=referral)
    assert refused == {
        "__typename": "StateProblem",
        "code": "WRONG_STATE",
        "path": [],
        "possible": ["WITHDRAW", "MARK_ERROR"],
    }
    refused = await pen.do("takeReferral", WHY, referral=referral)
    assert (refused["__typename"], refused["possible"]) == ("StateProblem", ["ACKNOWLEDGE", "DUPLICATE_DETECTED"])
    # Whose agreement ended reads no referral, and is not told its state by another way.
    with town.engine.begin() as connection:
        connection.exec_driver_sql("update agreement set state = 'ended'")
    refused = await pen.do("reportOutcome", WHY, referral=referral, reason="HELPED_AS_ASKED")
    assert refused == {"__typename": "SimpleProblem", "code": "NOT_FOUND", "path": []}


async def test_a_consent_that_was_answered_has_no_step_to_tell_of(lena: Desk, town: Town):
    _case, referral = await drafted(lena, town)
    answer = await consented(lena, town, referral, ["CASE"])
    said = {
        "channel": "SIGNED_PAPER",
        "wordingVersion": "2026-11",
        "language": "ar",
        "basis": "ART9_2_A",
    }
    refused = await lena.do(
        "recordConsent",
        "__typename ... on StateProblem { code possible }",
        consent=answer["consent"]["id"],
        given=["CASE"],
        **said,
    )
    assert refused == {"__typename": "StateProblem", "code": "WRONG_STATE", "possible": []}


async def test_who_holds_the_consents_is_told_what_is_missing_and_nobody_else(lena: Desk, pen: Desk, town: Town):
    _case, waiting = await drafted(lena, town)
    await consented(lena, town, waiting, ["CASE", "IDENTITY"])
    referral, packet = await sent(lena, town)
    town.settle(town.waiting(internal(referral))[0], town.receipt(town.pen, packet))
    with town.engine.begin() as connection:
        connection.exec_driver_sql("update consent set categories = '{case}'")
    refused = await lena.do("sendReferral", WHY, referral=waiting)
    assert refused == {
        "__typename": "ConsentProblem",
        "code": "CONSENT_MISSING",
        "path": [],
        "categories": ["IDENTITY"],
    }
    refused = await pen.do("takeReferral", WHY, referral=referral)
    assert refused == {"__typename": "SimpleProblem", "code": "CONSENT_MISSING", "path": []}
    town.clock.advance(days=100)
    refused = await lena.do("sendReferral", WHY, referral=waiting)
    assert refused["categories"] == ["CASE", "IDENTITY"]


async def test_what_the_person_did_not_allow_is_not_icorns_to_read(lena: Desk, pen: Desk, town: Town):
    """Content that came along through the graph is the partner's file; taking up opens what was allowed."""
    icorn = f"or_{town.home}"
    made = await pen.step("createReferral", content=CONTENT, recipient=icorn, **WANTED)
    referral = made["referral"]["id"]
    await consented(pen, town, referral, ["CASE", "IDENTITY"])
    await pen.step("sendReferral", referral=referral)
    taken = await lena.step("takeReferral", referral=referral)
    assert taken["referral"]["case"]["identity"] == {"legalName": NAME}
    assert taken["referral"]["case"]["risk"] is None
    town.clock.advance(days=200)
    later = await lena.ask(f'{{ referral(id: "{referral}") {{ case {{ identity {{ legalName }} }} }} }}')
    assert later["data"]["referral"]["case"]["identity"] is None
