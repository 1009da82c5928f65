"""The packet of a referral, as its recipient reads it by its token: what was sent, cut to consent at each reading."""

import base64
from typing import Any

import pytest
from handing import NAME, Desk, consented, drafted, internal, staff
from referrals_town import PEN_NAME, PRISON, Town

from connectors.signing import unchecked
from hub.operations import Operations
from schema.tables import CaseIdentityRow
from schema.vocabulary import Relation

# Operation 07 of those the graph was drawn from, as far as the present types carry it.
READ = """
query ReadPacket($id: ID!) {
  referral(id: $id) {
    ...Content
    consent { categories purposes period { until } }
    packet { version sealedAt categories digest ...File }
  }
}
fragment Content on Referral { id state purpose urgency services { kind answer } declineReason }
fragment File on CaseContent {
  profile { disciplines languages originRegion householdSize }
  identity { legalName names nationalities }
  contact { rule channels { kind address safe } safeTimes language }
  risk { claim linkWithWork incidents { act on account } samples { title } }
  securityAdvice
}
"""


async def packet(desk: Desk, referral: str) -> Any:
    answer = await desk.ask(READ, id=referral)
    assert "errors" not in answer, answer
    return answer["data"]["referral"]["packet"]


@pytest.fixture
async def handed(lena: Desk, pen: Desk, town: Town) -> tuple[str, str]:
    """A person handed to PEN, which took it up; give case and referral."""
    case, referral = await drafted(lena, town)
    await consented(lena, town, referral, ["CASE", "IDENTITY"])
    shown = "... on ReferralPayload { packet { version digest identity { legalName } } } ... on Problem { code }"
    sent = await lena.do("sendReferral", shown, referral=referral)
    assert sent["packet"]["version"] == 1, sent
    assert await packet(pen, referral) is None
    town.deliver(internal(referral), town.pen)
    taken = await pen.do("takeReferral", shown, referral=referral)
    assert taken["packet"] == sent["packet"] | {"identity": {"legalName": NAME}}
    return case, referral


async def test_it_shows_what_was_sent_and_nothing_more(pen: Desk, town: Town, handed: tuple[str, str]):
    _case, referral = handed
    read = await packet(pen, referral)
    digest = base64.b64encode(town.digest(town.packet_text(internal(referral)))).decode()
    assert read == {
        "version": 1,
        "sealedAt": read["sealedAt"],
        "categories": ["CASE", "IDENTITY"],
        "digest": digest,
        "profile": {
            "disciplines": [],
            "languages": ["ar", "fr"],
            "originRegion": "WESTERN_ASIA",
            "householdSize": None,
        },
        "identity": {"legalName": NAME, "names": [PEN_NAME], "nationalities": None},
        "contact": None,
        "risk": None,
        "securityAdvice": None,
    }
    assert town.leaks() == []


async def test_how_a_person_is_reached_travels_under_a_consent_of_its_own(lena: Desk, pen: Desk, town: Town):
    contact = {
        "rule": "CHANNEL_ONLY",
        "channels": [{"kind": "SIGNAL", "address": PRISON, "safe": True}],
        "safeTimes": "After dark.",
        "language": "ar",
    }
    opened = await lena.do(
        "openCase",
        "... on CasePayload { case { id contact { channels { address } } } } ... on Problem { code path }",
        content={"contact": contact},
    )
    assert opened["case"]["contact"] == {"channels": [{"address": PRISON}]}
    with town.engine.connect() as connection:
        rules = connection.exec_driver_sql("select contact_rule from person").scalars().all()
    assert rules == ["channel_only"]
    wanted = {"purpose": "RESIDENCY_PLACEMENT", "urgency": "URGENT", "services": ["RESIDENCY"]}
    body = f"or_{town.pen.id}"
    for given in (["CASE"], ["CASE", "CONTACT"]):
        made = await lena.step("createReferral", case=opened["case"]["id"], recipient=body, **wanted)
        referral = made["referral"]["id"]
        await consented(lena, town, referral, given, asked=["CASE", "CONTACT"])
        sent = await lena.step("sendReferral", referral=referral)
        assert "referral" in sent, sent
        packed = town.packet_text(internal(referral))
        assert (PRISON in str(unchecked(packed))) == ("CONTACT" in given)
        town.deliver(internal(referral), town.pen)
        await pen.step("takeReferral", referral=referral)
        read = await packet(pen, referral)
        assert read["contact"] == (contact if "CONTACT" in given else None)
        await pen.step("declineReferral", referral=referral, reason="NO_CAPACITY")
    assert town.leaks() == []


async def test_it_stays_as_it_was_sent(pen: Desk, town: Town, handed: tuple[str, str]):
    _case, referral = handed
    row = town.row(internal(referral))
    with town.engine.begin() as connection:
        newer = {"legal_name": "Somebody Else"}
        town.vault.write(connection, CaseIdentityRow, row.case_id, row.person_id, newer)
    assert (await packet(pen, referral))["identity"]["legalName"] == NAME


async def test_reading_it_leaves_a_leaf_about_the_person(pen: Desk, town: Town, handed: tuple[str, str]):
    _case, referral = handed
    with town.engine.begin() as connection:
        connection.exec_driver_sql("delete from audit_leaf")
    await packet(pen, referral)
    with town.engine.connect() as connection:
        query = "select subjects, categories, fields_returned, organisation_id from audit_leaf"
        (leaf,) = connection.exec_driver_sql(query).all()
    assert (leaf.subjects, leaf.organisation_id) == ([town.row(internal(referral)).person_id], town.pen.id)
    assert set(leaf.categories) == {"case", "identity"}
    assert {"Packet.identity", "Identity.legalName"} <= set(leaf.fields_returned)
    assert NAME not in str(leaf)


async def test_consent_cuts_it_on_the_next_read(pen: Desk, lena: Desk, town: Town, handed: tuple[str, str]):
    _case, referral = handed
    with town.engine.begin() as connection:
        connection.exec_driver_sql("update consent set categories = '{case}', state = 'limited'")
    read = await packet(pen, referral)
    assert (read["categories"], read["identity"], read["version"]) == (["CASE"], None, 1)
    # ICORN's own people still see what they sent.
    assert (await packet(lena, referral))["identity"]["legalName"] == NAME
    with town.engine.begin() as connection:
        connection.exec_driver_sql("update consent set withdrawn_at = now()")
    assert {name for name, value in (await packet(pen, referral)).items() if value is not None} == set()


async def test_it_is_its_recipients_while_the_referral_is_open(
    pen: Desk, lena: Desk, town: Town, graph: Operations, handed: tuple[str, str]
):
    _case, referral = handed
    sar = Desk(graph, town.sar.acting)
    assert (await sar.ask(READ, id=referral))["data"]["referral"] is None
    got = (await pen.ask(f'{{ referral(id: "{referral}") {{ packet {{ id }} }} }}'))["data"]["referral"]["packet"]["id"]
    for desk, there in ((pen, True), (lena, True), (sar, False), (Desk(graph, staff(town, Relation.DPO)), True)):
        node = (await desk.ask(f'{{ node(id: "{got}") {{ id }} }}'))["data"]["node"]
        assert (node is not None) == there
    await pen.step("declineReferral", referral=referral, reason="NO_CAPACITY")
    assert await packet(pen, referral) is None
    assert (await pen.ask(f'{{ node(id: "{got}") {{ id }} }}'))["data"]["node"] is None
    assert (await packet(lena, referral))["identity"]["legalName"] == NAME


async def test_who_is_erased_is_in_no_packet(pen: Desk, lena: Desk, town: Town, handed: tuple[str, str]):
    _case, referral = handed
    with town.engine.begin() as connection:
        town.vault.destroy_key(connection, town.row(internal(referral)).person_id, town.now)
    for desk in (pen, lena):
        answer = await desk.ask(READ, id=referral)
        assert answer["data"]["referral"]["packet"]["identity"] is None
        assert "SEALED" in {each["code"] for each in answer["extensions"]["withheld"]}


async def test_what_a_stranger_wrote_that_fits_no_type_is_null(lena: Desk, town: Town):
    strange = {
        "identity": {"legal_name": ["a", "list"], "names": [NAME, 7, None], "nationalities": "IR", "pronouns": {}},
        "risk": {
            "claim": PRISON,
            "level": "beyond all words",
            "convicted": "yes",
            "incidents": ["none", {"act": "arrest", "by": {}}, {"act": 1}],
        },
    }
    token = town.packet(town.pen, content=strange)
    town.take_in(town.pen, token)
    (brought,) = town.states()
    town.do("take", town.lena, brought)
    for record in ("case", "packet"):
        selection = (
            "identity { legalName names nationalities pronouns } risk { claim level convicted incidents { act by } }"
        )
        answer = await lena.ask(f'{{ referral(id: "rf_{brought}") {{ {record} {{ {selection} }} }} }}')
        assert answer["data"]["referral"][record] == {
            "identity": {"legalName": None, "names": [NAME], "nationalities": None, "pronouns": None},
            "risk": {
                "claim": PRISON,
                "level": None,
                "convicted": None,
                "incidents": [{"act": "ARREST", "by": None}, {"act": None, "by": None}],
            },
        }, record


async def test_what_a_partner_brought_is_read_within_its_terms_and_gone_with_it(lena: Desk, town: Town):
    token = town.packet(
        town.pen,
        terms={"categories": ["case", "risk"]},
        content={
            "case": {"languages": ["ar"]},
            "identity": {"legal_name": NAME},
            "risk": {"claim": PRISON, "security_advice": PEN_NAME},
        },
    )
    town.take_in(town.pen, token)
    (brought,) = town.states()
    referral = f"rf_{brought}"
    assert await packet(lena, referral) is None
    town.do("take", town.lena, brought)
    read = await packet(lena, referral)
    assert (read["categories"], read["identity"], read["securityAdvice"]) == (["CASE", "RISK"], None, None)
    assert read["risk"]["claim"] == PRISON
    assert town.leaks() == []
    town.take_in(town.pen, town.stop(town.pen, brought))
    assert await packet(lena, referral) is None
    with town.engine.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from packet_copy").scalar() == 0


async def test_sending_leaves_word_of_the_categories_that_went(lena: Desk, town: Town):
    _, referral = await drafted(lena, town)
    await consented(lena, town, referral, ["CASE", "RISK"])
    await lena.step("sendReferral", referral=referral)
    with town.engine.connect() as connection:
        query = "select categories from audit_leaf where fields_returned = '{Mutation.sendReferral}'"
        assert [set(row.categories) for row in connection.exec_driver_sql(query)] == [{"case", "risk"}]
