"""A person handed over by mutations alone: out to a partner, answered, closed; and one brought in by a partner."""

from dataclasses import replace

from handing import CONTENT, NAME, Desk, consented, drafted, internal, slugged, staff
from referrals_town import PLANTED, Town
from sqlalchemy import Engine

from hub.operations import Operations
from schema.vocabulary import Relation


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
    town.deliver(internal(referral), town.pen)

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
    town.deliver(internal(referral), town.pen)
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
    town.deliver(internal(referral), town.pen)
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
    town.deliver(internal(referral), town.pen)
    await pen.step("takeReferral", referral=referral)
    with facts_engine.connect() as connection:
        tables = [
            row[0] for row in connection.exec_driver_sql("select tablename from pg_tables where schemaname = 'public'")
        ]
        for table in tables:
            rows = connection.exec_driver_sql(f'select t::text from "{table}" t')
            text = "\n".join(row[0] for row in rows)
            assert not [name for name in PLANTED if name in text], table
