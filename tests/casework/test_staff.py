"""Who of ICORN works on a case: named among colleagues, a role for the person, nobody for bodies."""

import pytest
from office import LEAD, NOW, case_id, codes, partner, staff

from schema.tables import AccountRow
from schema.vocabulary import Relation

ASK = "query($id: ID!) { case(id: $id) { owner { id role name } cover { role name } } }"


@pytest.fixture
def worked(hub):
    """Give a file, its owner, its cover, its person's account, and a body it is handed to."""
    with hub.office() as office:
        body = office.body("body")
        office.agree(body)
        owner, cover = office.account(Relation.CASEWORKER), office.account(Relation.LEAD)
        own = office.account(Relation.RESIDENT)
        file = office.file(owner_id=owner, cover_id=cover, person={"account_id": own})
        given = office.consent(file, body, taken_by_id=owner)
        office.refer(file, body, consent_id=given)
        for account, name in ((owner, "Olga Owner"), (cover, "Cleo Cover"), (own, "Rana Resident")):
            office.change(AccountRow, account, name=name)
    return file, owner, cover, own, body, given


async def test_colleagues_read_names_the_person_a_role_bodies_nothing(hub, worked):
    file, owner, _, own, body, _ = worked
    named = {"role": "CASEWORKER", "name": "Olga Owner"}
    covering = {"role": "LEAD", "name": "Cleo Cover"}
    role_only = {"role": "CASEWORKER", "name": None}
    for who, expected, kept in (
        (LEAD, (named, covering), {}),
        (staff(Relation.CASEWORKER, owner), (named, covering), {}),
        (staff(Relation.DPO), (named, covering), {}),
        (staff(Relation.RESIDENT, own), (role_only, None), {"name": "RELATION", "cover": "RELATION"}),
        (partner(body), (None, None), {"owner": "RELATION", "cover": "RELATION"}),
    ):
        answer = await hub.ask(ASK, who, id=case_id(file, who))
        found = answer["data"]["case"]
        if found["owner"]:
            assert found["owner"].pop("id").startswith("st_")
        assert (found["owner"], found["cover"]) == expected, who.relation
        assert codes(answer) == kept, who.relation
        assert (b"Olga" in await hub.text(ASK, who, id=case_id(file, who))) == (expected[0] == named)


async def test_an_id_of_staff_tells_no_account_and_is_another_for_the_person(hub, worked):
    file, owner, cover, own, *_ = worked
    person = staff(Relation.RESIDENT, own)
    ids = {
        who: (await hub.ask(ASK, who, id=case_id(file, who)))["data"]["case"]["owner"]["id"] for who in (LEAD, person)
    }
    assert len({*ids.values(), f"st_{owner}"}) == 3
    node = "query($id: ID!) { node(id: $id) { ... on Staff { role } } }"
    assert (await hub.ask(node, person, id=ids[person]))["data"]["node"] == {"role": "CASEWORKER"}
    assert (await hub.ask(node, person, id=ids[LEAD]))["data"]["node"] is None
    # Others of ICORN's are not there for the person, whatever the id; persons and partners are no staff at all.
    with hub.office() as office:
        other = office.account(Relation.RESIDENT)
        elsewhere = office.file(owner_id=cover, person={"account_id": other})
    stranger = staff(Relation.RESIDENT, other)
    theirs = (await hub.ask(ASK, stranger, id=case_id(elsewhere, stranger)))["data"]["case"]["owner"]
    assert theirs["role"] == "LEAD"
    assert (await hub.ask(node, stranger, id=ids[person]))["data"]["node"] is None
    assert (await hub.ask(node, partner(None), id=ids[LEAD]))["data"]["node"] is None


async def test_cases_are_narrowed_by_who_works_on_them(hub, worked):
    file, owner, cover, own, body, _ = worked
    with hub.office() as office:
        free = office.file()
    find = "query($ids: [ID!]) { cases(where: {owner: {in: $ids}}) { nodes { id } } }"
    one = "query($id: ID) { cases(where: {owner: {eq: $id}}) { totalCount nodes { id } } }"
    mine = (await hub.ask(ASK, LEAD, id=case_id(file, LEAD)))["data"]["case"]["owner"]["id"]
    for who in (LEAD, staff(Relation.CASEWORKER, owner)):
        found = (await hub.ask(one, who, id=mine))["data"]["cases"]
        assert found == {"totalCount": 1, "nodes": [{"id": case_id(file, LEAD)}]}
    assert (await hub.ask(find, LEAD, ids=[mine, "st_x"]))["data"]["cases"]["nodes"] == [{"id": case_id(file, LEAD)}]
    # The row's own id, and an id of another's, find nothing.
    for wrong in (f"st_{owner}", f"st_{cover}", mine.replace("st_", "or_"), "st_"):
        assert (await hub.ask(one, LEAD, id=wrong))["data"]["cases"]["totalCount"] == 0, wrong
    untaken = (await hub.ask("{ cases(where: {unowned: true}) { nodes { id } } }", LEAD))["data"]["cases"]["nodes"]
    assert untaken == [{"id": case_id(free, LEAD)}]
    for where in ('owner: {eq: "st_x"}', "unowned: true"):
        answer = await hub.ask(f"{{ cases(where: {{{where}}}) {{ totalCount }} }}", partner(body))
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN_FILTER"
    mine_alone = await hub.ask("{ cases(where: {unowned: false}) { totalCount } }", staff(Relation.RESIDENT, own))
    assert mine_alone["data"]["cases"]["totalCount"] == 1


async def test_who_took_a_consent_is_told_to_colleagues(hub, worked):
    _, owner, _, own, body, given = worked
    ask = "query($id: ID!) { node(id: $id) { ... on Consent { takenBy { name } } } }"
    for who, expected in (
        (LEAD, {"name": "Olga Owner"}),
        (staff(Relation.CASEWORKER, owner), {"name": "Olga Owner"}),
        (staff(Relation.RESIDENT, own), None),
        (partner(body), None),
    ):
        answer = await hub.ask(ask, who, id=f"cs_{given}")
        assert answer["data"]["node"]["takenBy"] == expected, who.relation
        assert codes(answer) == ({} if expected else {"takenBy": "RELATION"})
    with hub.office() as office:
        office.connection.exec_driver_sql(f"update consent set taken_by_id = '{own}'")
    answer = await hub.ask(ask, LEAD, id=f"cs_{given}")
    assert answer == {"data": {"node": {"takenBy": None}}}, "the person gave it alone"


async def test_the_log_names_who_read_to_those_who_answer_for_it(hub, worked):
    file, owner, _, own, body, _ = worked
    for who in (staff(Relation.CASEWORKER, owner), partner(body), staff(Relation.RESIDENT, own)):
        hub.clock.advance(minutes=1)
        await hub.ask("query($id: ID!) { case(id: $id) { id } }", who, id=case_id(file, who))
    ask = "query($since: DateTime) { auditEntries(where: {at: {gte: $since}}) { nodes { relation actor { name } } } }"
    since = NOW.isoformat()
    hub.clock.advance(minutes=1)
    lead = (await hub.ask(ask, LEAD, since=since))["data"]["auditEntries"]["nodes"]
    assert lead == [
        {"relation": "CASEWORKER", "actor": {"name": "Olga Owner"}},
        {"relation": "PARTNER_AGREEMENT", "actor": None},
        {"relation": "RESIDENT", "actor": None},
    ]
    for who in (partner(body), staff(Relation.AUDITOR), staff(Relation.RESIDENT, own)):
        answer = await hub.ask(ask, who, since=since)
        nodes = answer["data"]["auditEntries"]["nodes"]
        assert nodes
        assert {each["actor"] for each in nodes} == {None}
        assert codes(answer) == {"actor": "RELATION"}
