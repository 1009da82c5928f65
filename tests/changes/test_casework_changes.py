"""A person handed over by mutations alone: out to a partner, answered, closed; and one brought in by a partner."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from referrals_town import PLANTED, Town, derive
from sqlalchemy import Engine

from hub.changes import Changes
from hub.changes.services import services
from hub.operations import Operations, Persons
from hub.planner import Limits, Planner
from hub.store import Database, Reader
from hub.store.sealed import Sealing
from hub.store.veil import Veil
from schema.access import AccessProfile
from schema.root import SCHEMA
from schema.vocabulary import AccessScope, Purpose, Relation

NAME, PEN_NAME, BORN, PRISON, TITLE = PLANTED
CONTENT = {
    "profile": {
        "originRegion": "WESTERN_ASIA",
        "languages": ["ar", "fr"],
        "support": ["RESIDENCY"],
        "urgency": "URGENT",
    },
    "identity": {"legalName": NAME, "names": [PEN_NAME], "birthDate": BORN},
    "risk": {"claim": f"Held in {PRISON}.", "incidents": [{"act": "ARREST", "account": PRISON}], "convicted": True},
    "works": [{"title": TITLE, "published": False}],
}
REFERRAL = """
  ... on ReferralPayload {
    replayed event { number kind } consent { id state categories }
    referral { id state mySide case { id identity { legalName } risk { claim samples { title } } } }
  }
  ... on Problem { code message path }
"""


class Desk:
    """Somebody at the graph: sends mutations, each with a key of its own."""

    def __init__(self, operations: Operations, profile: AccessProfile) -> None:
        self.operations = operations
        self.profile = profile
        self.keys = 0

    async def ask(self, document: str, **variables: object) -> dict[str, Any]:
        answer = await self.operations.execute(document, variables=variables, profile=self.profile)
        return json.loads(answer.body)

    async def do(self, name: str, selection: str, **given: object) -> dict[str, Any]:
        self.keys += 1
        kind = f"{name[0].upper()}{name[1:]}Input"
        document = f"mutation($input: {kind}!) {{ it: {name}(input: $input) {{ {selection} }} }}"
        answer = await self.ask(document, input={"idempotencyKey": f"intent-{id(self)}-{self.keys}", **given})
        assert "errors" not in answer, answer
        return answer["data"]["it"]

    async def step(self, name: str, **given: object) -> dict[str, Any]:
        return await self.do(name, REFERRAL, **given)


@pytest.fixture
def facts_engine(facts_database: Database):
    engine = facts_database.engine()
    yield engine
    engine.dispose()


@pytest.fixture
def town(facts_engine: Engine) -> Town:
    return Town(facts_engine)


@pytest.fixture
async def graph(facts_database: Database, facts_engine: Engine, town: Town) -> AsyncIterator[Operations]:
    """The graph of a town, read and written."""
    planner, veil = Planner(SCHEMA, Limits()), Veil(derive)
    reading = facts_database.reading
    async with Reader(reading, connections=2) as reader, Reader(reading, connections=2, appends=True) as audited:
        changes = Changes(facts_engine, SCHEMA, planner.catalogue, services(town.referrals, veil))
        persons = Persons(audited, Sealing(derive), veil)
        yield Operations(reader=reader, clock=town.clock, planner=planner, changes=changes, persons=persons)


def staff(town: Town, relation: Relation) -> AccessProfile:
    account = {Relation.LEAD: town.lead, Relation.CASEWORKER: town.caseworker, Relation.DPO: town.dpo}[relation]
    return AccessProfile(relation=relation, scopes=frozenset(AccessScope), account_id=account)


@pytest.fixture
def lena(graph: Operations, town: Town) -> Desk:
    """The lead."""
    return Desk(graph, staff(town, Relation.LEAD))


@pytest.fixture
def pen(graph: Operations, town: Town) -> Desk:
    """A program of PEN International."""
    purpose = Purpose.RESIDENCY_PLACEMENT
    return Desk(graph, replace(town.pen.acting, purposes=(purpose,), purpose=purpose, client="pen"))


def slugged(town: Town, slug: str) -> str:
    return f"or_{town.ids[slug]}"


async def drafted(lena: Desk, town: Town, **more: object) -> tuple[str, str]:
    """Open a case and draft a referral to PEN; give the ids of both."""
    opened = await lena.do("openCase", "... on CasePayload { case { id } } ... on Problem { code }", content=CONTENT)
    case = opened["case"]["id"]
    wanted = {"purpose": "RESIDENCY_PLACEMENT", "urgency": "URGENT", "services": ["RESIDENCY"]} | more
    made = await lena.step("createReferral", case=case, recipient=slugged(town, "pen-international"), **wanted)
    assert made["referral"]["state"] == "DRAFT", made
    return case, made["referral"]["id"]


async def consented(lena: Desk, town: Town, referral: str, given: list[str]) -> dict[str, Any]:
    """Ask the person, and record the answer."""
    until = (town.now + timedelta(days=90)).date().isoformat()
    asked = await lena.do(
        "requestConsent",
        "... on ConsentPayload { consent { id state } referral { state } } ... on Problem { code path }",
        referral=referral,
        categories=["CASE", "IDENTITY", "RISK"],
        until=until,
    )
    assert asked["referral"]["state"] == "CONSENT_PENDING", asked
    return await lena.do(
        "recordConsent",
        "... on ConsentPayload { consent { id state categories } referral { state } } ... on Problem { code path }",
        consent=asked["consent"]["id"],
        given=given,
        channel="ENCRYPTED_MESSAGE",
        wordingVersion="2026-11",
        language="ar",
        basis="ART9_2_A",
    )


async def test_a_person_is_handed_over_answered_and_closed(lena: Desk, pen: Desk, town: Town):
    _case, referral = await drafted(lena, town)
    answer = await consented(lena, town, referral, ["CASE", "IDENTITY"])
    assert answer["referral"]["state"] == "READY"
    assert answer["consent"] | {"id": ""} == {"id": "", "state": "LIMITED", "categories": ["CASE", "IDENTITY"]}
    sent = await lena.step("sendReferral", referral=referral)
    assert (sent["referral"]["state"], sent["event"]["kind"]) == ("SENT", "SEND")

    # Before its system confirmed receipt, the partner reads the envelope and nothing else.
    before = await pen.ask("{ referrals(first: 5) { nodes { id state case { id } } } }")
    assert before["data"]["referrals"]["nodes"] == [{"id": referral, "state": "SENT", "case": None}]
    town.deliver(_internal(referral), town.pen)

    taken = await pen.step("takeReferral", referral=referral)
    assert taken["referral"]["state"] == "IN_REVIEW"
    assert taken["referral"]["mySide"] == "RECIPIENT"
    # What consent covers is shown, what it does not is not.
    assert taken["referral"]["case"]["identity"] == {"legalName": NAME}
    assert taken["referral"]["case"]["risk"] is None
    assert (await pen.step("acceptReferral", referral=referral))["referral"]["state"] == "ACCEPTED"
    assert (await pen.step("startReferral", referral=referral))["referral"]["state"] == "IN_PROGRESS"
    told = await pen.step("reportOutcome", referral=referral, reason="HELPED_AS_ASKED", feedback="FAVOURABLE")
    assert told.get("referral", told).get("state") == "OUTCOME_REPORTED", told
    closed = await lena.step("confirmOutcome", referral=referral)
    assert closed["referral"]["state"] == "CLOSED"
    after = await pen.ask(f'{{ referral(id: "{referral}") {{ state case {{ id }} }} }}')
    assert after["data"]["referral"] == {"state": "CLOSED", "case": None}


async def test_a_withdrawal_of_consent_ends_reading_at_once(lena: Desk, pen: Desk, town: Town, graph: Operations):
    _case, referral = await drafted(lena, town)
    answer = await consented(lena, town, referral, ["CASE", "IDENTITY"])
    await lena.step("sendReferral", referral=referral)
    town.deliver(_internal(referral), town.pen)
    await pen.step("takeReferral", referral=referral)
    dora = Desk(graph, staff(town, Relation.DPO))
    ended = await dora.do(
        "revokeConsent",
        "... on ConsentPayload { consent { state } referral { state } } ... on Problem { code }",
        consent=answer["consent"]["id"],
        channel="VOICE_WITNESSED",
    )
    assert ended["referral"]["state"] == "CONSENT_REVOKED", ended
    read = await pen.ask(f'{{ referral(id: "{referral}") {{ state case {{ identity {{ legalName }} }} }} }}')
    assert read["data"]["referral"]["case"] is None
    assert (await pen.step("acceptReferral", referral=referral))["code"] == "WRONG_STATE"


async def test_a_partner_hands_a_person_to_icorn(lena: Desk, pen: Desk, town: Town):
    icorn = slugged(town, "icorn")
    wanted = {"purpose": "RESIDENCY_PLACEMENT", "urgency": "URGENT", "services": ["RESIDENCY"]}
    made = await pen.step("createReferral", content=CONTENT, recipient=icorn, senderReference="A-17", **wanted)
    referral = made["referral"]["id"]
    assert (await consented(pen, town, referral, ["CASE", "IDENTITY"]))["referral"]["state"] == "READY"
    # Until somebody takes it up, nobody at ICORN reads what came along; a draft is not there at all.
    there = f'{{ referral(id: "{referral}") {{ state case {{ id }} }} cases(first: 5) {{ totalCount }} }}'
    assert (await lena.ask(there))["data"] == {"referral": None, "cases": {"totalCount": 0}}
    sent = await pen.step("sendReferral", referral=referral)
    assert sent["referral"]["state"] in {"SENT", "RECEIVED"}, sent
    waiting = (await lena.ask(there))["data"]
    assert waiting["referral"]["case"] is None
    assert waiting["cases"] == {"totalCount": 0}
    taken = await lena.step("takeReferral", referral=referral)
    assert taken["referral"]["state"] == "IN_REVIEW", taken
    assert taken["referral"]["case"]["identity"] == {"legalName": NAME}
    declined = await lena.step("declineReferral", referral=referral, reason="NO_CAPACITY")
    assert declined["referral"]["state"] == "DECLINED"
    assert declined["referral"]["case"] is None
    assert (await pen.ask(f'{{ referral(id: "{referral}") {{ state }} }}'))["data"]["referral"]["state"] == "DECLINED"


async def test_what_is_not_ones_own_is_not_there(lena: Desk, pen: Desk, town: Town, graph: Operations):
    _case, referral = await drafted(lena, town)
    sar = Desk(graph, replace(town.sar.acting, client="sar"))
    for desk in (pen, sar):
        for name in ("sendReferral", "takeReferral", "acceptReferral", "confirmOutcome"):
            assert (await desk.step(name, referral=referral))["code"] == "NOT_FOUND", name
    unknown = "rf_6f1a3c1e-0000-4000-8000-000000000001"
    assert (await lena.step("sendReferral", referral=unknown))["code"] == "NOT_FOUND"
    assert (await lena.step("sendReferral", referral=referral))["code"] == "WRONG_STATE"


async def test_each_body_knows_a_case_by_an_id_of_its_own(lena: Desk, pen: Desk, town: Town):
    case, referral = await drafted(lena, town)
    await consented(lena, town, referral, ["CASE", "IDENTITY"])
    await lena.step("sendReferral", referral=referral)
    town.deliver(_internal(referral), town.pen)
    taken = await pen.step("takeReferral", referral=referral)
    theirs = taken["referral"]["case"]["id"]
    assert theirs != case
    wanted = {"purpose": "RESIDENCY_PLACEMENT", "urgency": "URGENT", "services": ["RESIDENCY"]}
    body = slugged(town, "sar")
    # An id of another audience leads nowhere.
    assert (await lena.step("createReferral", case=theirs, recipient=body, **wanted))["code"] == "NOT_FOUND"


async def test_names_lie_in_no_plain_column_and_in_no_leaf(lena: Desk, pen: Desk, town: Town, facts_engine: Engine):
    _case, referral = await drafted(lena, town)
    await consented(lena, town, referral, ["CASE", "IDENTITY"])
    await lena.step("sendReferral", referral=referral)
    town.deliver(_internal(referral), town.pen)
    await pen.step("takeReferral", referral=referral)
    with facts_engine.connect() as connection:
        tables = [
            row[0] for row in connection.exec_driver_sql("select tablename from pg_tables where schemaname = 'public'")
        ]
        for table in tables:
            rows = connection.exec_driver_sql(f'select t::text from "{table}" t')
            text = "\n".join(row[0] for row in rows)
            assert not [name for name in PLANTED if name in text], table


def _internal(referral: str) -> UUID:
    return UUID(referral.partition("_")[2])
