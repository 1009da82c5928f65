"""Referrals as each side reads them: the inbox, the events, a duplicate that must not be told."""

from datetime import timedelta

import pytest
from office import (
    LEAD,
    NOW,
    partner,
)

from schema.vocabulary import (
    AccessScope,
    Purpose,
    ReferralEventKind,
    ReferralState,
)


async def test_the_inbox_of_a_partner_holds_its_own_referrals_by_their_clock(hub, handed):
    _, body, _, _, referral = handed
    with hub.office() as office:
        other = office.body("other")
        office.agree(other)
        late = office.refer(office.file(), body, due_at=NOW + timedelta(days=9), state=ReferralState.SENT)
        early = office.refer(office.file(), body, due_at=NOW + timedelta(hours=1), state=ReferralState.RECEIVED)
        office.refer(office.file(), body, state=ReferralState.CLOSED, clock=None, due_at=None)
        office.refer(office.file(), other)
    document = """query PartnerInbox($after: String) {
      referrals(first: 25, after: $after, where: { mySide: RECIPIENT, open: true }, orderBy: { field: DUE }) {
        edges { cursor node { ...Envelope clock { kind dueAt pausedSince } } }
        pageInfo { hasNextPage endCursor } totalCount } }
      fragment Envelope on Referral {
        id state since urgency purpose languages originRegion sender { name } services { kind answer } }"""
    # One inbox for all purposes: no purpose is declared.
    answer = await hub.ask(document, partner(body, None, scopes=frozenset({AccessScope.REFERRAL_RECEIVE})))
    page = answer["data"]["referrals"]
    assert [edge["node"]["id"] for edge in page["edges"]] == [f"rf_{each}" for each in (early, referral, late)]
    assert page["totalCount"] == 3
    assert page["edges"][0]["node"] == {
        "id": f"rf_{early}",
        "state": "RECEIVED",
        "since": "2026-11-20T12:00:00Z",
        "urgency": "URGENT",
        "purpose": "ASSESSMENT",
        "languages": ["fa"],
        "originRegion": "WESTERN_ASIA",
        "sender": {"name": "icorn"},
        "services": [{"kind": "ASSESSMENT", "answer": "ASKED"}],
        "clock": {"kind": "DECISION", "dueAt": "2026-11-21T13:00:00Z", "pausedSince": None},
    }
    assert "extensions" not in answer


def draft_and_send(office, referral):
    """Take two steps that are the sender's alone, then two that the recipient is told of."""
    kinds = (ReferralEventKind.CREATE, ReferralEventKind.CONSENT_GIVEN, ReferralEventKind.SEND)
    for number, kind in enumerate(kinds, 1):
        received = 1 if kind is ReferralEventKind.SEND else None
        office.event(referral, number, kind, ReferralState.SENT, recipient_number=received)
    office.event(referral, 4, ReferralEventKind.ACKNOWLEDGE, ReferralState.RECEIVED, recipient_number=2)


async def test_each_side_counts_its_own_events(hub, handed):
    _, body, _, _, referral = handed
    with hub.office() as office:
        draft_and_send(office, referral)
    document = "query($id: ID!) { referral(id: $id) { events { edges { cursor node { id number kind } } } } }"
    answers = [await hub.ask(document, who, id=f"rf_{referral}") for who in (LEAD, partner(body))]
    edges = [answer["data"]["referral"]["events"]["edges"] for answer in answers]
    read = [[(each["node"]["number"], each["node"]["kind"]) for each in side] for side in edges]
    for each in (each for side in edges for each in side):
        # A cursor tells no more than the number does.
        number, _, row = each["cursor"].rpartition(":")
        assert (row, number[-1]) == (each["node"]["id"].partition("_")[2], str(each["node"]["number"]))
    assert read[0] == [(1, "CREATE"), (2, "CONSENT_GIVEN"), (3, "SEND"), (4, "ACKNOWLEDGE")]
    assert read[1] == [(1, "SEND"), (2, "ACKNOWLEDGE")]


async def test_what_a_partner_did_before_it_sent_is_not_icorns_to_count(hub):
    with hub.office() as office:
        sender = office.body("sender")
        office.agree(sender)
        file = office.file(holder_id=sender)
        referral = office.refer(
            file, office.house, sender_id=sender, direction="incoming", state=ReferralState.RECEIVED
        )
        draft_and_send(office, referral)
    document = "query($id: ID!) { referral(id: $id) { events { totalCount nodes { number kind } } } }"
    theirs, ours = [
        (await hub.ask(document, who, id=f"rf_{referral}"))["data"]["referral"]["events"]
        for who in (partner(sender), LEAD)
    ]
    assert [each["number"] for each in theirs["nodes"]] == [1, 2, 3, 4]
    assert ours == {"totalCount": 2, "nodes": [{"number": 1, "kind": "SEND"}, {"number": 2, "kind": "ACKNOWLEDGE"}]}


@pytest.mark.parametrize("told", [True, False])
async def test_a_sender_learns_of_a_duplicate_only_under_consent(hub, told):
    with hub.office() as office:
        sender = office.body("sender")
        office.agree(sender)
        file = office.file(holder_id=sender)
        referral = office.refer(
            file, office.house, sender_id=sender, direction="incoming", state=ReferralState.DUPLICATE
        )
        office.event(referral, 1, ReferralEventKind.SEND, ReferralState.SENT, recipient_number=1)
        office.event(
            referral,
            2,
            ReferralEventKind.DUPLICATE_DETECTED,
            ReferralState.DUPLICATE,
            recipient_number=2,
            from_state=ReferralState.SENT,
        )
        if told:
            office.consent(file, office.house, purposes=[Purpose.DUPLICATE_CHECK])
    document = """query($id: ID!) { referral(id: $id) { state since events { totalCount nodes { kind } } }
      open: referrals(where: {open: true}) { totalCount }
      found: referrals(where: {state: {eq: DUPLICATE}}) { totalCount }
      listed: referrals(where: {state: {in: [DUPLICATE, CLOSED]}}) { totalCount }
      later: referrals(where: {since: {gte: "2026-11-21T00:00:00Z"}}) { totalCount }
      detected: referral(id: $id) { events(where: {kind: {in: [DUPLICATE_DETECTED]}}) { totalCount } } }"""
    answer = (await hub.ask(document, partner(sender), id=f"rf_{referral}"))["data"]
    assert answer["referral"]["state"] == ("DUPLICATE" if told else "SENT")
    assert answer["referral"]["since"] == ("2026-11-20T12:00:00Z" if told else "2026-11-21T12:00:00Z")
    assert answer["referral"]["events"]["totalCount"] == (2 if told else 1)
    assert (answer["open"]["totalCount"], answer["found"]["totalCount"]) == ((0, 1) if told else (1, 0))
    assert answer["listed"]["totalCount"] == answer["found"]["totalCount"]
    assert answer["later"]["totalCount"] == (0 if told else 1), "as the time of the state that it reads"
    assert answer["detected"]["events"]["totalCount"] == (1 if told else 0)
    lead = (await hub.ask(document, LEAD, id=f"rf_{referral}"))["data"]
    assert lead["referral"]["state"] == "DUPLICATE"
