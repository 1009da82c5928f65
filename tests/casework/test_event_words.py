"""Words on a referral: sealed each by itself, read by who may, and only where their event or their referral is."""

import pytest
from office import LEAD, NOW, PLANTED, codes, partner, staff
from sqlalchemy import update

from schema.access import AccessProfile
from schema.tables import ReferralServiceRow
from schema.tables.base import table_of
from schema.tables.referrals import WordsKind
from schema.vocabulary import AccessScope, DeclineReason, ReferralEventKind, ReferralState, Relation, ServiceAnswer

NOTE, DECLINE, WITHDRAWAL = (f"Planted {each}" for each in ("note", "refusal", "withdrawal"))
ASK = """query($id: ID!) { referral(id: $id) { declineReason declineText withdrawReason
  services { answer declineReason } events(where: {kind: {eq: ACCEPT}}) { nodes { kind note } } } }"""


@pytest.fixture(params=["outgoing", "incoming"])
def said(hub, request):
    """Give a referral with all words on it: its partner, its file, its way, and who works on it."""
    with hub.office() as office:
        body = office.body("body")
        office.agree(body)
        worker, own = office.account(Relation.CASEWORKER), office.account(Relation.RESIDENT)
        outgoing = request.param == "outgoing"
        file = office.file(owner_id=worker, holder_id=None if outgoing else body, person={"account_id": own})
        consent = office.consent(file, body if outgoing else office.house)
        ways = {} if outgoing else {"sender_id": body}
        referral = office.refer(
            file,
            body if outgoing else office.house,
            direction=request.param,
            consent_id=consent,
            decline_reason=DeclineReason.NO_CAPACITY,
            **ways,
        )
        services = table_of(ReferralServiceRow)
        office.connection.execute(
            update(services).values(answer=ServiceAnswer.DECLINED, decline_reason=DeclineReason.NO_CAPACITY)
        )
        kinds = ReferralEventKind
        for number, (kind, what, text) in enumerate(
            (
                (kinds.ACCEPT, WordsKind.NOTE, NOTE),
                (kinds.DECLINE, WordsKind.DECLINE, DECLINE),
                (kinds.WITHDRAW, WordsKind.WITHDRAWAL, WITHDRAWAL),
            ),
            1,
        ):
            event = office.event(referral, number, kind, ReferralState.IN_REVIEW, recipient_number=number)
            office.say(file, referral, event, what, text)
    return referral, body, file, outgoing, {"worker": worker, "own": own}


def read(answer) -> tuple:
    """Give the texts that were shown: refusal, withdrawal, note, and why the help was declined."""
    found = answer["data"]["referral"]
    (event,), (service,) = found["events"]["nodes"], found["services"]
    return found["declineText"], found["withdrawReason"], event["note"], service["declineReason"]


async def test_words_are_read_by_whom_they_are_for(hub, said):
    referral, body, _, outgoing, accounts = said
    ours = WITHDRAWAL if outgoing else None
    theirs = None if outgoing else WITHDRAWAL
    why = "NO_CAPACITY"
    for who, expected in (
        (LEAD, (DECLINE, ours, NOTE, why)),
        (staff(Relation.CASEWORKER, accounts["worker"]), (DECLINE, ours, NOTE, why)),
        (staff(Relation.DPO), (None, ours, NOTE, why)),
        (staff(Relation.RESIDENT, accounts["own"]), (DECLINE, None, NOTE, why)),
        # What it wrote itself as recipient is in its own books; what it is told as sender is here.
        (partner(body), (None if outgoing else DECLINE, theirs, NOTE, why)),
    ):
        answer = await hub.ask(ASK, who, id=f"rf_{referral}")
        assert read(answer) == expected, (who.relation, answer)


async def test_words_that_are_not_for_one_are_withheld_and_not_in_the_answer(hub, said):
    referral, body, _, outgoing, _ = said
    answer = await hub.ask(ASK, partner(body), id=f"rf_{referral}")
    kept = codes(answer)
    assert kept == ({"declineText": "RELATION", "withdrawReason": "RELATION"} if outgoing else {})
    nothing = AccessProfile(
        relation=Relation.LEAD, scopes=frozenset({AccessScope.NETWORK_READ}), account_id=LEAD.account_id
    )
    text = await hub.text(ASK, nothing, id=f"rf_{referral}")
    assert not any(each.encode() in text for each in PLANTED)


async def test_a_recipient_reads_no_note_without_consent(hub, said):
    referral, body, _, outgoing, _ = said
    with hub.office() as office:
        office.connection.exec_driver_sql("update consent set withdrawn_at = now()")
    answer = await hub.ask(ASK, partner(body), id=f"rf_{referral}")
    assert read(answer)[2:] == ((None, None) if outgoing else (NOTE, "NO_CAPACITY"))
    assert (codes(answer).get("note") == "CONSENT") == outgoing


async def test_words_are_sealed_and_gone_with_the_persons_key(hub, said):
    referral, _, file, _, _ = said
    stored = hub.rows("select encode(sealed, 'escape') from event_words")
    assert len(stored) == 3
    assert not any("Planted" in text for (text,) in stored)
    with hub.office() as office:
        office.vault.destroy_key(office.connection, file.person, NOW)
    answer = await hub.ask(ASK, LEAD, id=f"rf_{referral}")
    assert read(answer)[:3] == (None, None, None)
    assert {codes(answer)[name] for name in ("declineText", "note")} == {"SEALED"}


async def test_words_moved_to_another_event_do_not_open(hub, said):
    referral, *_ = said
    with hub.office() as office:
        office.connection.exec_driver_sql(
            "update event_words set kind = 'note', sealed = "
            "(select sealed from event_words where kind = 'decline') where kind = 'note'"
        )
    answer = await hub.ask(ASK, LEAD, id=f"rf_{referral}")
    assert read(answer)[2] is None
    assert codes(answer)["note"] == "SEALED"
