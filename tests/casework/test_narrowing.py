"""Lists about persons narrowed and ordered: each condition keeps what fits, of what the viewer may see at all."""

from datetime import timedelta

import pytest
from office import LEAD, TODAY, case_id, partner

from schema.vocabulary import ConsentState, ReferralEventKind, ReferralState


@pytest.fixture
def consents(hub):
    """Give a body, and its consents by state: the later in this list, the earlier it ends."""
    states = [ConsentState.GIVEN, ConsentState.LIMITED, ConsentState.REQUESTED, ConsentState.WITHDRAWN]
    with hub.office() as office:
        body = office.body("body")
        office.agree(body)
        file = office.file()
        office.refer(file, body)
        made = {
            state: office.consent(file, body, state=state, until_on=TODAY + timedelta(days=20 - number))
            for number, state in enumerate(states)
        }
    return body, made


async def found(hub, who, arguments: str) -> list[str]:
    """Ask for consents; give their ids without the prefix."""
    answer = await hub.ask(f"{{ consents({arguments}) {{ totalCount nodes {{ id }} }} }}", who)
    nodes = answer["data"]["consents"]["nodes"]
    assert answer["data"]["consents"]["totalCount"] == len(nodes)
    return [each["id"].removeprefix("cs_") for each in nodes]


async def test_consents_are_narrowed_by_the_state_that_the_viewer_reads(hub, consents):
    body, made = consents
    given, limited = str(made[ConsentState.GIVEN]), str(made[ConsentState.LIMITED])
    assert set(await found(hub, LEAD, "where: {state: {eq: GIVEN}}")) == {given}
    assert set(await found(hub, LEAD, "where: {state: {eq: LIMITED}}")) == {limited}
    assert len(await found(hub, LEAD, "where: {state: {in: [REQUESTED, WITHDRAWN]}}")) == 2
    # The body is not told that less was given than was asked for, nor what waits for an answer.
    assert set(await found(hub, partner(body), "where: {state: {eq: GIVEN}}")) == {given, limited}
    assert await found(hub, partner(body), "where: {state: {in: [LIMITED, REQUESTED]}}") == []


async def test_consents_are_ordered_by_their_last_day(hub, consents):
    _, made = consents
    latest_first = [str(each) for each in made.values()]
    assert await found(hub, LEAD, "orderBy: {field: ENDS, direction: DESC}") == latest_first
    assert await found(hub, LEAD, "orderBy: {field: ENDS}") == latest_first[::-1]
    assert await found(hub, LEAD, "first: 10") == latest_first[::-1]


async def test_events_are_narrowed_by_kind(hub):
    with hub.office() as office:
        body = office.body("body")
        office.agree(body)
        referral = office.refer(office.file(), body)
        office.event(referral, 1, ReferralEventKind.CREATE, ReferralState.DRAFT)
        office.event(referral, 2, ReferralEventKind.SEND, ReferralState.SENT, recipient_number=1)
    asked = """query($id: ID!) { referral(id: $id) {
      made: events(where: {kind: {eq: CREATE}}) { totalCount }
      both: events(where: {kind: {in: [CREATE, SEND]}}) { nodes { kind number } }
      after: events(where: {kind: {in: [CREATE, SEND]}, afterNumber: 1}) { nodes { kind } } } }"""
    lead = (await hub.ask(asked, LEAD, id=f"rf_{referral}"))["data"]["referral"]
    assert lead["made"]["totalCount"] == 1
    assert lead["both"]["nodes"] == [{"kind": "CREATE", "number": 1}, {"kind": "SEND", "number": 2}]
    assert lead["after"]["nodes"] == [{"kind": "SEND"}]
    theirs = (await hub.ask(asked, partner(body), id=f"rf_{referral}"))["data"]["referral"]
    assert theirs["made"]["totalCount"] == 0, "it does not exist for the recipient before it was sent"
    assert theirs["both"]["nodes"] == [{"kind": "SEND", "number": 1}]


async def test_the_log_is_narrowed_by_body(hub):
    with hub.office() as office:
        bodies = [office.body(slug) for slug in ("first", "second")]
        file = office.file()
        for body in bodies:
            office.agree(body)
            office.refer(file, body)
    for body in bodies:
        who = partner(body)
        await hub.ask("query($id: ID!) { case(id: $id) { id } }", who, id=case_id(file, who))
    asked = "query($body: ID!) { auditEntries(where: {organisation: {eq: $body}}) { nodes { organisation { slug } } } }"
    for who, body, slugs in (
        (LEAD, bodies[0], ["first"]),
        (LEAD, bodies[1], ["second"]),
        (partner(bodies[1]), bodies[0], []),
    ):
        answer = await hub.ask(asked, who, body=f"or_{body}")
        nodes = answer["data"]["auditEntries"]["nodes"]
        assert [each["organisation"]["slug"] for each in nodes] == slugs
    both = "query($ids: [ID!]) { auditEntries(where: {organisation: {in: $ids}}) { totalCount } }"
    for ids, count in (([f"or_{each}" for each in bodies], 2), ([f"ca_{bodies[0]}", "or_x"], 0)):
        # The bodies' own entries: one of the first body, one of the second, and one for its look into the log.
        answer = await hub.ask(both, LEAD, ids=ids)
        assert answer["data"]["auditEntries"]["totalCount"] == (count + 1 if count else 0)
