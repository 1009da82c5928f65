"""The audit: what a read leaves behind, who may read it back, and a door that can do nothing else."""

import asyncpg
import pytest
from desk import leaves
from office import (
    CASE,
    LEAD,
    NOW,
    case_id,
    partner,
    person_id,
    staff,
)

from schema.tables import ConsentRow, PersonRow
from schema.vocabulary import (
    Category,
    Relation,
)


async def test_a_read_leaves_word_of_who_what_whose_and_why_and_of_no_value(hub, handed):
    file, body, _, consent, _ = handed
    with hub.office() as office:
        office.change(ConsentRow, consent, categories=[Category.CASE, Category.IDENTITY])
    who = partner(body)
    await hub.operations.execute(
        CASE, variables={"id": case_id(file, who)}, profile=who, request_id="the-request-of-this-test"
    )
    (leaf,) = leaves(hub)
    assert leaf.relation == "partner_agreement"
    assert (leaf.actor_id, leaf.organisation_id, leaf.client) == (None, body, "program")
    assert leaf.purpose == "assessment"
    assert leaf.subjects == [file.person]
    assert leaf.categories == ["case", "identity"]
    assert leaf.fields_returned == [
        "Case.identity",
        "Case.state",
        "Identity.legalName",
        "Identity.names",
        "Query.case",
    ]
    assert leaf.fields_withheld == ["Case.risk", "Case.securityAdvice"]
    assert leaf.request_id == "the-request-of-this-test"
    assert (len(leaf.operation_hash), leaf.at) == (32, NOW)


async def test_who_asks_for_somebody_not_for_them_is_noted_too(hub, handed):
    file, *_ = handed
    with hub.office() as office:
        stranger = office.body("stranger")
        office.agree(stranger)
    who = partner(stranger)
    await hub.ask(CASE, who, id=case_id(file, who))
    (leaf,) = leaves(hub)
    assert (leaf.organisation_id, leaf.subjects, leaf.categories) == (stranger, [], [])
    assert leaf.fields_returned == []


async def test_a_request_that_comes_again_leaves_word_again_and_is_answered_by_what_holds_now(hub, handed):
    file, body, _, consent, _ = handed
    with hub.office() as office:
        stranger = office.body("stranger")
        office.agree(stranger)
    operations, who = hub.operations, partner(body)
    answer = await operations.execute(
        CASE, variables={"id": case_id(file, who)}, profile=who, request=b"case", request_id="first"
    )
    known = operations.known(b"case", who)
    assert (await operations.again(known, who, "second")).body == answer.body
    assert b"Planted" in answer.body
    one, two = sorted(leaves(hub), key=lambda leaf: leaf.request_id)
    assert one._asdict() | {"request_id": "second"} == two._asdict()
    # The very same bytes from another body name nobody there, though what it asks looks alike.
    other = partner(stranger)
    assert operations.known(b"case", other) is known
    assert (await operations.again(known, other)).body == b'{"data":{"case":null}}'
    with hub.office() as office:
        office.change(ConsentRow, consent, withdrawn_at=NOW)
    assert b"Planted" not in (await operations.again(known, who)).body
    assert sorted(leaf.subjects for leaf in leaves(hub)) == [[], [file.person], [file.person], [file.person]]


@pytest.mark.usefixtures("handed")
async def test_what_is_not_about_persons_leaves_nothing_and_goes_through_the_door_that_only_reads(hub):
    await hub.ask("{ organisations { totalCount nodes { name agreement { state } } } viewer { relation } }", LEAD)
    assert leaves(hub) == []
    assert (hub.open.statements, hub.audited.statements) == (1, 0)


async def test_where_the_leaf_cannot_be_written_nobody_is_answered(hub, handed):
    file, *_ = handed
    with hub.office() as office:
        office.connection.exec_driver_sql("revoke insert on audit_leaf from hub_reader")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await hub.ask(CASE, LEAD, id=case_id(file, LEAD))
    with hub.office() as office:
        office.connection.exec_driver_sql("grant insert on audit_leaf to hub_reader")
        office.connection.exec_driver_sql("alter table audit_leaf add constraint none check (false)")
    with pytest.raises(asyncpg.CheckViolationError):
        await hub.ask(CASE, LEAD, id=case_id(file, LEAD))


@pytest.mark.usefixtures("handed")
async def test_the_door_that_leaves_leaves_can_do_nothing_else(hub):
    for statement in (
        "update audit_leaf set client = 'x' returning client::text",
        "delete from audit_leaf returning client::text",
        "insert into person (id, contact_rule) values (gen_random_uuid(), 'never') returning 'x'::text",
        "update consent set state = 'given' returning 'x'::text",
        "update receipt set verbatim = 'x' returning verbatim",
        "select sealed::text from inbox_message",
        "select sealed::text from packet",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await hub.audited.fetch_text(statement)
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await hub.open.fetch_text(
            "insert into audit_leaf (at, kind, relation, client, subjects, categories, fields_returned, "
            "fields_withheld, request_id, operation_hash) values (now(), 'read', 'lead', '', '{}', '{}', '{}', '{}', "
            "'', '') returning 'x'::text"
        )


async def test_whose_data_an_entry_tells_of_stands_in_another_order_for_every_body(hub):
    with hub.office() as office:
        bodies = [office.body(name) for name in ("one", "two")]
        files = [office.file() for _ in range(8)]
        for body in bodies:
            office.agree(body)
            for file in files:
                office.refer(file, body)
    orders = []
    for body in bodies:
        who = partner(body)
        await hub.ask("{ cases(first: 20) { nodes { id } } }", who)
        entries = await hub.ask("{ auditEntries(first: 1) { nodes { persons { id } } } }", who)
        (entry,) = entries["data"]["auditEntries"]["nodes"]
        known = {person_id(file, who): number for number, file in enumerate(files)}
        orders.append([known[each["id"]] for each in entry["persons"]])
    assert sorted(orders[0]) == sorted(orders[1]) == [*range(8)]
    assert orders[0] != orders[1]


async def test_the_log_is_read_by_the_lead_by_each_body_for_itself_and_by_the_person(hub, handed):
    file, body, *_ = handed
    with hub.office() as office:
        own = office.account(Relation.RESIDENT)
        office.change(PersonRow, file.person, account_id=own)
        second = office.body("second")
        office.agree(second)
    for who in (partner(body), partner(second), LEAD):
        await hub.ask(CASE, who, id=case_id(file, who))
    entries = "{ auditEntries(last: 50) { nodes { relation organisation { slug } person { id } fieldsReturned } } }"
    lead = (await hub.ask(entries, LEAD))["data"]["auditEntries"]["nodes"]
    assert sorted(each["relation"] for each in lead) == ["LEAD", "PARTNER_AGREEMENT", "PARTNER_AGREEMENT"]
    theirs = (await hub.ask(entries, partner(body)))["data"]["auditEntries"]["nodes"]
    assert {each["organisation"]["slug"] for each in theirs} == {"body"}
    assert person_id(file, partner(body)) in {each["person"]["id"] for each in theirs if each["person"]}
    person = staff(Relation.RESIDENT, own)
    document = "query($id: ID!) { person(id: $id) { accessLog { nodes { relation person { id } } } } }"
    mine = (await hub.ask(document, person, id=person_id(file, person)))["data"]["person"]["accessLog"]["nodes"]
    # The body that was handed the case, the lead twice; not the body that asked in vain.
    assert sorted(each["relation"] for each in mine) == ["LEAD", "LEAD", "PARTNER_AGREEMENT", "PARTNER_AGREEMENT"]
    assert {each["person"]["id"] for each in mine if each["person"]} == {person_id(file, person)}
    worker = await hub.ask(document, staff(Relation.CASEWORKER), id=person_id(file, LEAD))
    assert worker["data"]["person"] is None
