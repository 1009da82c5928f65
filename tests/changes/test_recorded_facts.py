"""What is known of a case in codes and numbers: written with its source, handed over within consent, taken in."""

from typing import Any

import pytest
from graphql import GraphQLObjectType
from handing import NAME, Desk, consented, internal, slugged, staff
from referrals_town import PRISON, Town

from connectors.forms import Table
from connectors.messages import Unmapped
from connectors.networks import pen_international, scholars_at_risk
from connectors.protocol import Decoded
from connectors.signing import unchecked
from hub.operations import Operations
from hub.referrals import arrivals
from hub.referrals.sources import coordinate
from schema.access import AccessProfile
from schema.root import SCHEMA
from schema.tables import CaseAssessmentRow, CaseLocationRow, CaseRow, PersonRow
from schema.tables.base import table_of
from schema.vocabulary import AccessScope, Category, Relation

GRAPH = SCHEMA._schema  # noqa: SLF001  # strawberry keeps graphql-core's schema there
COARSE = "contactRule currentRegion arrivalMonth careNeeds household { adults children } opinion"
SHOWN = f"id {COARSE} identity {{ legalName names }} profile {{ languages urgency }}"
ANSWER = f"... on CasePayload {{ case {{ {SHOWN} }} }} ... on Problem {{ code message path }}"
TOLD: dict[str, Any] = {"source": "PERSON", "asOf": "2026-10", "confidence": "REFEREE_CONFIRMED"}
CONTENT: dict[str, Any] = {
    "provenance": TOLD,
    "profile": {"languages": ["ar"], "urgency": "URGENT"},
    "identity": {"legalName": NAME},
    "contact": {"rule": "CHANNEL_ONLY"},
    "location": {"currentRegion": "EASTERN_AFRICA", "arrivalMonth": "2027-03-01"},
    "health": {"careNeeds": ["DOCTOR_NEAR", "INTERPRETER"]},
    "family": {"household": {"adults": 2, "children": 1}},
    "assessment": {"opinion": "SUPPORTED"},
}
KNOWN = {
    "contactRule": "CHANNEL_ONLY",
    "currentRegion": "EASTERN_AFRICA",
    "arrivalMonth": "2027-03-01",
    "careNeeds": ["DOCTOR_NEAR", "INTERPRETER"],
    "household": {"adults": 2, "children": 1},
    "opinion": "SUPPORTED",
}
CATEGORIES = ["CASE", "IDENTITY", "CONTACT", "LOCATION", "HEALTH", "FAMILY", "ASSESSMENT"]
PART = {
    "CONTACT": ("contactRule",),
    "LOCATION": ("currentRegion", "arrivalMonth"),
    "HEALTH": ("careNeeds",),
    "FAMILY": ("household",),
    "ASSESSMENT": ("opinion",),
}


@pytest.fixture
def mira(graph: Operations, town: Town) -> Desk:
    """A caseworker."""
    return Desk(graph, staff(town, Relation.CASEWORKER))


def facts(town: Town) -> list[tuple[Any, ...]]:
    with town.engine.connect() as connection:
        query = "select field, source, as_of, confidence, version from recorded_fact order by recorded_at, field"
        return [tuple(row) for row in connection.exec_driver_sql(query)]


async def opened(mira: Desk, **more: Any) -> dict[str, Any]:
    answer = await mira.do("openCase", ANSWER, content=CONTENT | more)
    assert "case" in answer, answer
    return answer["case"]


# ---- Recording -------------------------------------------------------------------------------------------------------


async def test_a_case_is_opened_with_them_and_where_they_come_from(mira: Desk, town: Town):
    case = await opened(mira)
    assert {name: case[name] for name in KNOWN} == KNOWN
    told = facts(town)
    assert {each[1:4] for each in told} == {("person", "2026-10", "referee_confirmed")}
    assert {each[0] for each in told} == {
        *("Case.arrivalMonth", "Case.careNeeds", "Case.currentRegion", "Case.household", "Case.opinion"),
        *("Contact.rule", "Identity.legalName", "Profile.languages", "Profile.urgency"),
    }
    assert town.leaks() == []


def test_each_fact_that_can_be_given_is_a_field_of_the_graph():
    content = GRAPH.type_map["CaseContentInput"].fields
    given = {name: field.type.fields for name, field in content.items() if hasattr(field.type, "fields")}
    snake = {"currentRegion": "current_region", "arrivalMonth": "arrival_month", "careNeeds": "care_needs"}
    for part in given.keys() - {"provenance"}:
        category = Category.CASE if part == "profile" else next(each for each in Category if each.value == part)
        for name in given[part]:
            owner, _, field = coordinate(category, snake.get(name, name)).partition(".")
            named = GRAPH.type_map[owner]
            assert isinstance(named, GraphQLObjectType)
            assert field in named.fields, (part, name)


async def test_only_what_is_given_is_written_and_null_erases(mira: Desk, town: Town):
    case = await opened(mira)
    newer = {
        "provenance": {"source": "PARTNER"},
        "location": {"currentRegion": "NORTHERN_EUROPE"},
        "family": {"household": None},
        "assessment": None,
        "identity": {"names": ["Another Name"]},
        "profile": {"urgency": None},
    }
    answer = await mira.do("recordFacts", ANSWER, case=case["id"], content=newer)
    expected = KNOWN | {"currentRegion": "NORTHERN_EUROPE", "household": None, "opinion": None}
    assert answer["case"] == {
        "id": case["id"],
        **expected,
        "identity": {"legalName": NAME, "names": ["Another Name"]},
        "profile": {"languages": ["ar"], "urgency": None},
    }
    added = [each for each in facts(town) if each[1] == "partner"]
    today = town.now.date().isoformat()
    assert added == [
        ("Case.currentRegion", "partner", today, "claimed", 2),
        ("Case.household", "partner", today, "claimed", 2),
        ("Case.opinion", "partner", today, "claimed", 2),
        ("Identity.names", "partner", today, "claimed", 2),
        ("Profile.urgency", "partner", today, "claimed", None),
    ]
    assert len(facts(town)) == 9 + len(added)
    with town.engine.connect() as connection:
        leaf = "select categories, subjects from audit_leaf where kind = 'change' order by at desc, id limit 2"
        told = [set(row.categories) for row in connection.exec_driver_sql(leaf)]
    assert {"case", "identity", "location", "family", "assessment"} in told


async def test_the_rule_of_contact_binds_at_once_and_nobody_writes_when_it_is_erased(mira: Desk, town: Town):
    case = await opened(mira)
    for contact, rule in (({"rule": "VIA_CONTACT_PERSON"}, "VIA_CONTACT_PERSON"), (None, "NEVER")):
        given = {"provenance": TOLD, "contact": contact}
        answer = await mira.do("recordFacts", ANSWER, case=case["id"], content=given)
        assert answer["case"]["contactRule"] == rule
        with town.engine.connect() as connection:
            rules = connection.exec_driver_sql("select contact_rule from person").scalars().all()
        assert rules == [rule.lower()]


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ({"location": {"currentRegion": "POLYNESIA"}, "provenance": None}, ["content", "provenance"]),
        ({"provenance": TOLD}, ["content"]),
        ({"provenance": TOLD | {"asOf": "2031"}, "profile": {"urgency": "NORMAL"}}, ["content", "provenance", "asOf"]),
        ({"provenance": TOLD, "location": {"arrivalMonth": "2027-03-17"}}, ["location", "arrivalMonth"]),
        ({"provenance": TOLD, "family": {"household": {"adults": 0, "children": 0}}}, ["family", "household"]),
        ({"provenance": TOLD, "family": {"household": {"adults": -1, "children": 3}}}, ["family", "household"]),
    ],
)
async def test_what_cannot_be_kept_is_refused_and_nothing_is_written(mira: Desk, town: Town, content: Any, path: Any):
    case = await opened(mira)
    before = facts(town)
    answer = await mira.do("recordFacts", ANSWER, case=case["id"], content=content)
    assert (answer.get("code"), answer.get("path")) == ("INVALID", path), answer
    assert facts(town) == before


async def test_who_may_not_see_a_category_does_not_write_it(mira: Desk, lena: Desk):
    case = (await opened(mira))["id"]
    for part in ("location", "health"):
        given = {"provenance": TOLD, part: CONTENT[part]}
        assert (await lena.do("recordFacts", ANSWER, case=case, content=given))["path"] == [part]
        assert (await lena.do("openCase", ANSWER, content=given))["path"] == [part]
    given = {"provenance": TOLD, "family": {"household": {"adults": 1, "children": 0}}}
    done = await lena.do("recordFacts", ANSWER, case=case, content=given)
    assert done["case"]["household"] == {"adults": 1, "children": 0}


async def test_a_case_of_others_is_not_there(mira: Desk, graph: Operations, town: Town):
    case = await opened(mira)
    other = AccessProfile(relation=Relation.CASEWORKER, scopes=frozenset(AccessScope), account_id=town.other)
    given = {"provenance": TOLD, "profile": {"urgency": "NORMAL"}}
    for which in (case["id"], "ca_6f1a3c1e-0000-4000-8000-000000000001"):
        answer = await Desk(graph, other).do("recordFacts", ANSWER, case=which, content=given)
        assert answer["code"] == "NOT_FOUND"


async def test_persons_write_what_they_claim_and_do_not_judge_themselves(mira: Desk, graph: Operations, town: Town):
    await opened(mira)
    with town.engine.begin() as connection:
        account = town.other
        connection.execute(table_of(PersonRow).update().values(account_id=account))
        connection.exec_driver_sql("update account set relation = 'resident' where id = %s", (account,))
        assert connection.execute(table_of(CaseRow).select()).rowcount == 1
    own = Desk(
        graph,
        AccessProfile(relation=Relation.RESIDENT, scopes=frozenset(AccessScope), account_id=account, client="own"),
    )
    case = (await own.ask("{ cases(first: 2) { nodes { id } } }"))["data"]["cases"]["nodes"][0]["id"]
    mine = {"provenance": {"source": "PERSON"}, "health": {"careNeeds": ["QUIET_HOME"]}}
    assert (await own.do("recordFacts", ANSWER, case=case, content=mine))["case"]["careNeeds"] == ["QUIET_HOME"]
    for provenance in ({"source": "REFEREE"}, {"source": "PERSON", "confidence": "VERIFIED"}):
        answer = await own.do("recordFacts", ANSWER, case=case, content=mine | {"provenance": provenance})
        assert answer["path"] == ["content", "provenance"]
    judged = {"provenance": {"source": "PERSON"}, "assessment": {"opinion": "SUPPORTED"}}
    assert (await own.do("recordFacts", ANSWER, case=case, content=judged))["path"] == ["assessment"]


# ---- Packets ---------------------------------------------------------------------------------------------------------


async def sent(lena: Desk, town: Town, given: list[str]) -> str:
    """Hand the one case over to PEN under a consent; give the referral."""
    (case,) = (await lena.ask("{ cases(first: 2) { nodes { id } } }"))["data"]["cases"]["nodes"]
    wanted = {"purpose": "RESIDENCY_PLACEMENT", "urgency": "URGENT", "services": ["RESIDENCY"]}
    made = await lena.step("createReferral", case=case["id"], recipient=slugged(town, "pen-international"), **wanted)
    referral = made["referral"]["id"]
    await consented(lena, town, referral, given, asked=CATEGORIES)
    done = await lena.step("sendReferral", referral=referral)
    assert "referral" in done, done
    town.deliver(internal(referral), town.pen)
    return referral


async def test_each_travels_only_where_consent_names_its_category(mira: Desk, lena: Desk, pen: Desk, town: Town):
    await opened(mira)
    for left_out in (None, *PART):
        given = [each for each in CATEGORIES if each != left_out]
        referral = await sent(lena, town, given)
        await pen.step("takeReferral", referral=referral)
        answer = await pen.ask(
            f'{{ referral(id: "{referral}") {{ packet {{ categories {COARSE} }} case {{ {COARSE} }} }} }}'
        )
        expected = KNOWN | dict.fromkeys(PART.get(left_out or "", ()))
        read = answer["data"]["referral"]
        assert read["packet"] == {"categories": given, **expected}
        assert read["case"] == expected
        token = unchecked(town.packet_text(internal(referral)))
        wire = str(token)
        words = {"CONTACT": "channel_only", "LOCATION": "eastern_africa", "HEALTH": "doctor_near", "FAMILY": "adults"}
        for category, word in words.items():
            assert (word in wire) == (category in given), (left_out, category)
        assert ("case of concern" in wire) == ("ASSESSMENT" in given)
        await pen.step("declineReferral", referral=referral, reason="NO_CAPACITY")
        with town.engine.begin() as connection:
            # A consent that runs opens the case under the next referral as well.
            connection.exec_driver_sql("update consent set withdrawn_at = now()")
    assert town.leaks() == []


async def test_of_location_and_assessment_only_the_coarse_form_leaves(mira: Desk, lena: Desk, town: Town):
    await opened(mira)
    with town.engine.begin() as connection:
        (row,) = connection.execute(table_of(CaseRow).select()).all()
        location = {"country": "KE", "place": PRISON, "arrival_on": "2027-05-17"}
        town.vault.write(connection, CaseLocationRow, row.id, row.person_id, location)
        judged = {"opinion": "inconclusive", "text": PRISON}
        town.vault.write(connection, CaseAssessmentRow, row.id, row.person_id, judged)
    referral = await sent(lena, town, CATEGORIES)
    wire = str(unchecked(town.packet_text(internal(referral))))
    assert PRISON not in wire
    assert ("eastern_africa" in wire, "2027-05-01" in wire, "2027-05-17" in wire) == (True, True, False)


async def test_what_a_partner_wrote_is_taken_in_and_what_fits_no_word_is_null(mira: Desk, town: Town):
    strange = {
        "contact": {"rule": "whenever"},
        "location": {"current_region": "the mountains", "arrival_month": "soon", "place": PRISON},
        "health": {"care_needs": ["quiet_home", "a garden", 7], "account": PRISON},
        "family": {"household": "wife and two children"},
        "assessment": {"opinion": "a strong case"},
    }
    plain = {
        "contact": {"rule": "via_contact_person"},
        "location": {"country": "KE", "arrival_month": "2027-05-17"},
        "health": {"care_needs": ["step_free_home"]},
        "family": {"household": {"adults": 2, "children": 0}},
        "assessment": {"opinion": "not_supported"},
    }
    nothing = dict.fromkeys(KNOWN)
    expected = {
        0: nothing | {"contactRule": "NEVER", "careNeeds": ["QUIET_HOME"]},
        1: {
            "contactRule": "VIA_CONTACT_PERSON",
            "currentRegion": "EASTERN_AFRICA",
            "arrivalMonth": "2027-05-01",
            "careNeeds": ["STEP_FREE_HOME"],
            "household": {"adults": 2, "children": 0},
            "opinion": "NOT_SUPPORTED",
        },
    }
    known: set[Any] = set()
    for number, content in enumerate((strange, plain)):
        token = town.packet(town.pen, content=content)
        town.take_in(town.pen, token)
        (brought,) = town.states().keys() - known
        known.add(brought)
        town.do("take", town.mira, brought)
        answer = await mira.ask(f'{{ referral(id: "rf_{brought}") {{ case {{ {COARSE} }} packet {{ {COARSE} }} }} }}')
        read = answer["data"]["referral"]
        assert read["case"] == expected[number]
        assert read["packet"] == expected[number] | ({"contactRule": None} if number == 0 else {})
        # Word for word it is there still, sealed.
        assert (PRISON in str(unchecked(town.packet_text(brought)))) == (number == 0)
        told = {each[0]: each[1:4] for each in facts(town)}
        assert told["Case.careNeeds"] == ("partner", town.now.date().isoformat(), "claimed")
    assert town.leaks() == []
    for brought in known:
        town.take_in(town.pen, town.stop(town.pen, brought))
    with town.engine.connect() as connection:
        for table in ("case_location", "packet_location", "case_health", "recorded_fact"):
            assert connection.exec_driver_sql(f"select count(*) from {table}").scalar() == 0, table
        assert set(connection.exec_driver_sql("select contact_rule from person").scalars()) == {"never"}


async def test_content_of_categories_that_were_not_allowed_is_refused_when_it_is_brought(pen: Desk):
    for part in ("location", "health", "family", "assessment"):
        given = {
            "content": {part: CONTENT[part]},
            "purpose": "RESIDENCY_PLACEMENT",
            "urgency": "URGENT",
            "services": ["RESIDENCY"],
            "consent": {
                "categories": ["CASE"],
                "until": "2027-01-31",
                "channel": "ENCRYPTED_MESSAGE",
                "wordingVersion": "1",
                "language": "ar",
                "basis": "ART9_2_A",
            },
        }
        refused = await pen.step("submitReferral", **given)
        assert (refused["code"], refused["path"]) == ("INVALID", ["content", part])


@pytest.mark.parametrize("table", [pen_international.TABLE, scholars_at_risk.TABLE], ids=lambda table: table.name)
def test_what_a_form_has_no_place_for_comes_through_beside_it(table: Table):
    content: dict[Any, Any] = {
        "contact": {"rule": "never", "safe_times": "After dark."},
        "location": {"current_region": "eastern_africa", "arrival_month": "2027-03-01"},
        "health": {"care_needs": ["doctor_near"]},
        "family": {"household": {"adults": 2, "children": 1}},
        "assessment": {"opinion": "supported"},
    }
    read = arrivals.said(table.decode(table.encode(content)))
    assert {category.value: fields for category, fields in read.items()} == content
    stray = Unmapped(field="health.care_needs", value=["other"], category="case")
    assert arrivals.said(Decoded({}, (stray,))) == {}
