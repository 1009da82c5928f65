"""A person asks for themselves; and whose a public face is, which is told like a name, and never from the face."""

import pytest
from desk import leaves
from graphql import get_named_type
from office import LEAD, NOW, codes, partner, person_id, staff
from sqlalchemy import insert

from schema.root import SCHEMA
from schema.tables import PersonFaceRow, ResidentRow
from schema.tables.base import table_of
from schema.vocabulary import Category, Certainty, Relation

MYSELF = "{ viewer { relation person { id resident { name } cases { nodes { state owner { role name } } } } } }"
FACE = "query($id: ID!) { person(id: $id) { id resident { id name } } }"


@pytest.fixture
def shown(hub):
    """Give a file with a public face, the account of its person, and a body it is handed to."""
    with hub.office() as office:
        body = office.body("body")
        office.agree(body)
        own, owner = office.account(Relation.RESIDENT), office.account(Relation.CASEWORKER)
        file = office.file(owner_id=owner, person={"account_id": own})
        office.file(person={"account_id": office.account(Relation.RESIDENT)})
        office.consent(file, body)
        office.refer(file, body)
        face = office.put(
            ResidentRow, certainty=Certainty.SYNTHETIC, sources=[], name="Pen Name", disciplines=[], links=[]
        )
        office.connection.execute(insert(table_of(PersonFaceRow)).values(person_id=file.person, resident_id=face))
    return file, face, own, body


async def test_a_person_finds_their_own_record_and_its_reading_is_on_record(hub, shown):
    file, _, own, _ = shown
    me = staff(Relation.RESIDENT, own)
    answer = await hub.ask(MYSELF, me)
    assert answer["data"]["viewer"] == {
        "relation": "RESIDENT",
        "person": {
            "id": person_id(file, me),
            "resident": {"name": "Pen Name"},
            "cases": {"nodes": [{"state": "OPEN", "owner": {"role": "CASEWORKER", "name": None}}]},
        },
    }
    (leaf,) = leaves(hub)
    assert leaf.subjects == [file.person]
    assert {"Person.resident", "Person.cases"} <= set(leaf.fields_returned)
    assert "Staff.name" in leaf.fields_withheld


async def test_who_is_no_person_in_the_hub_has_no_record_of_their_own(hub, shown):
    _, _, _, body = shown
    for who in (LEAD, staff(Relation.DPO), partner(body), staff(Relation.BOARD)):
        answer = await hub.ask("{ viewer { relation person { id } } }", who)
        assert answer["data"]["viewer"]["person"] is None
        assert codes(answer) == {"person": "RELATION"}
    # Somebody with the role whom no record names: there is none, and nothing is withheld.
    answer = await hub.ask("{ viewer { person { id } } }", staff(Relation.RESIDENT))
    assert answer == {"data": {"viewer": {"person": None}}}


async def test_whose_a_face_is_is_told_like_a_name(hub, shown):
    file, face, own, body = shown
    there = {"id": f"re_{face}", "name": "Pen Name"}
    for who in (LEAD, staff(Relation.DPO), staff(Relation.RESIDENT, own), partner(body)):
        answer = await hub.ask(FACE, who, id=person_id(file, who))
        assert answer["data"]["person"]["resident"] == there, who.relation
    changes = (
        ("update consent set categories = array_remove(categories, 'identity')", "CONSENT"),
        (f"update agreement set categories = array_remove(categories, '{Category.IDENTITY.value}')", "SCOPE"),
    )
    for change, code in changes:
        with hub.office() as office:
            office.connection.exec_driver_sql(change)
        answer = await hub.ask(FACE, partner(body), id=person_id(file, partner(body)))
        assert answer["data"]["person"]["resident"] is None
        assert codes(answer) == {"resident": code}
    with hub.office() as office:
        office.vault.destroy_key(office.connection, file.person, NOW)
    answer = await hub.ask(FACE, LEAD, id=person_id(file, LEAD))
    assert codes(answer) == {"resident": "SEALED"}


def test_nothing_leads_from_a_face_to_a_person():
    graph = SCHEMA._schema  # noqa: SLF001  # strawberry keeps graphql-core's schema there
    met, ahead = set(), ["Resident"]
    while ahead:
        name = ahead.pop()
        if name not in met:
            met.add(name)
            fields = getattr(graph.type_map[name], "fields", {})
            ahead += [get_named_type(field.type).name for field in fields.values()]
    assert not met & {"Person", "Case", "Consent", "Referral", "Packet", "AuditEntry", "Staff"}, met
