"""The questions about persons that the graph was drawn from: an inbox, a body's own log, a gateway's entities."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from desk import Hub
from office import LEAD, NOW, case_id, partner, person_id

from schema.vocabulary import AccessScope, Urgency

FOLDER = Path(__file__).parent / "operations"
OPERATIONS = {path.stem[:2]: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.graphql"))}


@pytest.fixture
async def handed(hub: Hub):
    """Two cases handed to a body."""
    with hub.office() as office:
        body = office.body("body")
        office.agree(body)
        files = [office.file() for _ in range(2)]
        for file in files:
            office.consent(file, body)
        referrals = [office.refer(file, body, urgency=u) for file, u in zip(files, Urgency, strict=False)]
    return body, files, referrals


async def test_a_partners_machine_reads_its_inbox_page_by_page(hub: Hub, handed):
    body, _, referrals = handed
    who = partner(body, None, scopes=frozenset({AccessScope.REFERRAL_RECEIVE}))
    page = (await hub.ask(OPERATIONS["05"], who))["data"]["referrals"]
    assert {edge["node"]["id"] for edge in page["edges"]} == {f"rf_{each}" for each in referrals}
    assert page["totalCount"] == 2
    rest = (await hub.ask(OPERATIONS["05"], who, after=page["edges"][0]["cursor"]))["data"]["referrals"]
    assert [edge["node"]["id"] for edge in rest["edges"]] == [page["edges"][1]["node"]["id"]]


async def test_a_body_reads_back_what_its_programs_read(hub: Hub, handed):
    body, files, _ = handed
    who = partner(body)
    for file in files:
        hub.clock.advance(minutes=1)
        await hub.ask("query($id: ID!) { case(id: $id) { state } }", who, id=case_id(file, who))
    since = (NOW + timedelta(seconds=90)).isoformat()
    nodes = (await hub.ask(OPERATIONS["11"], who, since=since))["data"]["auditEntries"]["nodes"]
    assert [(each["kind"], each["purpose"], each["categories"], each["fieldsReturned"]) for each in nodes] == [
        ("READ", "ASSESSMENT", ["CASE"], ["Case.state", "Query.case"])
    ]
    assert nodes[0]["person"] == {"id": person_id(files[1], who)}
    stranger = await hub.ask(OPERATIONS["11"], partner(None), since=since)
    assert stranger["data"]["auditEntries"]["nodes"] == []


async def test_a_gateway_is_given_entities_and_no_more_than_their_viewer_may_see(hub: Hub, handed):
    body, files, referrals = handed
    for who, there in ((partner(body), True), (LEAD, True), (partner(None), False), (partner(hub.house), False)):
        representations = [
            {"__typename": "Case", "id": case_id(files[0], who)},
            {"__typename": "Referral", "id": f"rf_{referrals[0]}"},
            {"__typename": "Organisation", "slug": "body"},
        ]
        answer = await hub.ask(OPERATIONS["60"], who, representations=representations)
        case, referral, organisation = answer["data"]["_entities"]
        assert organisation["name"] == "body"
        assert (case is not None, referral is not None) == (there, there)
        if there:
            assert case == {"__typename": "Case", "id": case_id(files[0], who), "caseState": "OPEN"}
            assert referral["recipient"]["id"] == f"or_{body}"


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("urgency: {in: [URGENT]}", 1),
        ("purpose: {eq: ASSESSMENT}", 2),
        ("purpose: {eq: ADVOCACY}", 0),
        ("service: {eq: ASSESSMENT}", 2),
        ("service: {in: [RESIDENCY, ASSESSMENT]}", 2),
        ("service: {in: [RESIDENCY, TRAINING]}", 0),
        ("service: {eq: RESIDENCY}", 0),
        ("state: {eq: IN_REVIEW}", 2),
        ("state: {in: [CLOSED, IN_REVIEW]}", 2),
        ("state: {in: [CLOSED, DRAFT]}", 0),
        ("state: {eq: CLOSED}", 0),
        ('since: {gte: "2026-11-20T00:00:00Z"}', 2),
        ('since: {lt: "2026-11-20T00:00:00Z"}', 0),
        ("mySide: SENDER", 0),
        ('dueAt: {lt: "2026-11-24T00:00:00Z", gte: "2026-11-22T00:00:00Z"}', 2),
        ("open: false", 0),
    ],
)
async def test_an_inbox_is_narrowed(hub: Hub, handed, where: str, found: int):
    body, *_ = handed
    for order in ("", "orderBy: {field: URGENCY}", "orderBy: {field: SINCE, direction: DESC}"):
        document = f"{{ referrals(where: {{{where}}} {order}) {{ totalCount nodes {{ id }} }} }}"
        answer = await hub.ask(document, partner(body))
        assert answer["data"]["referrals"]["totalCount"] == found, json.dumps(answer)
        assert len(answer["data"]["referrals"]["nodes"]) == found
