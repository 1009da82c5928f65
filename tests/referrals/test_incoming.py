"""What partners bring and say: quarantine, once, in order, late, under another's name; and stop, and delete."""

from datetime import date
from itertools import permutations
from uuid import UUID, uuid4

import pytest
from referrals_town import ALL, CONTENT, NAME, PEN_NAME, PRISON, SERVICES, TITLE
from sqlalchemy import func, select

from connectors.errors import Refused
from connectors.signing import unchecked
from hub.consent import AgreementInvalid, ConsentMissing, NotFound, StateConflict
from hub.delivery.ports import Topic
from hub.referrals.service import Brought
from hub.store.vault import KeyDestroyed
from schema.tables import CaseIdentityRow, CaseRiskRow, CaseRow, EventWordsRow, InboxMessageRow, ReferralServiceRow
from schema.tables.base import table_of
from schema.tables.referrals import InboxState
from schema.vocabulary import (
    Category,
    ClosingReason,
    ConsentChannel,
    ConsentState,
    DeclineReason,
    LegalBasis,
    Purpose,
    ReferralState,
    Region,
    ServiceAnswer,
    SupportKind,
    Urgency,
)

S = ReferralState


def handoff_of(token: str) -> UUID:
    return UUID(unchecked(token)["handoff"])


def arrived(town, body, **more):
    """Let a packet arrive; give the id of its handoff."""
    token = town.packet(body, **more)
    town.take_in(body, token)
    return handoff_of(token)


def content(town, row, case_id):
    with town.engine.connect() as connection:
        return town.vault.read(connection, row, case_id)


def case_of(town, case_id):
    with town.engine.connect() as connection:
        table = table_of(CaseRow)
        return connection.execute(select(table).where(table.c.id == case_id)).one()


def test_a_person_comes_in_is_taken_up_helped_and_reported(town):
    token = town.packet(town.pen, envelope={"origin_region": "western_asia", "languages": ["ar"]})
    reply = town.take_in(town.pen, token).reply
    handoff = handoff_of(token)
    receipt = unchecked(reply)
    assert (receipt["handoff"], receipt["aud"]) == (str(handoff), town.pen.me.issuer)
    row = town.row(handoff)
    assert (row.state, row.origin_region, row.recipient_id) == (S.RECEIVED, Region.WESTERN_ASIA, town.home)
    assert content(town, CaseIdentityRow, row.case_id) is None
    town.do("take", town.mira, handoff)
    assert content(town, CaseIdentityRow, row.case_id) == {"legal_name": NAME, "names": [PEN_NAME]}
    assert content(town, CaseRiskRow, row.case_id) == {"claim": PRISON, "samples": [{"title": TITLE}]}
    assert case_of(town, row.case_id).owner_id == town.caseworker
    with pytest.raises(NotFound):
        town.do("accept", town.as_staff(town.other), handoff)
    town.do("accept", town.mira, handoff, start_by=date(2026, 12, 1), note="Come.")
    town.do("start", town.mira, handoff)
    town.do("report_outcome", town.mira, handoff, reason=ClosingReason.RESIDENCY_STARTED, text="Arrived.")
    told = town.brought(handoff, Topic.ANSWER)
    assert [(each["number"], each["event"], each["state"]) for each in told] == [
        (1, "take", "in_review"),
        (2, "accept", "accepted"),
        (3, "start", "in_progress"),
        (4, "report_outcome", "outcome_reported"),
    ]
    assert told[1]["services"] == [{"kind": "residency", "given": True}]
    assert (told[1]["on"], told[1]["text"]) == ("2026-12-01", "Come.")
    town.tells(town.pen, handoff, 1, "confirm", "closed")
    assert town.state(handoff) is S.CLOSED
    assert [row.number for row in town.events(handoff)] == [row.recipient_number for row in town.events(handoff)]
    assert town.kinds(handoff)[0] == "send"
    assert case_of(town, row.case_id).owner_id is None


def test_an_answer_says_the_same_each_time_it_is_brought(town):
    handoff = arrived(town, town.pen)
    town.do("take", town.mira, handoff)
    (row,) = town.waiting(handoff, Topic.ANSWER)
    first = unchecked(town.claim(row).answer)
    town.clock.advance(hours=2)
    second = unchecked(town.claim(row).answer)
    assert first["jti"] != second["jti"]
    passing = {"jti", "iat", "exp", "pad"}
    assert {k: v for k, v in first.items() if k not in passing} == {k: v for k, v in second.items() if k not in passing}


def test_what_comes_in_stays_within_what_the_person_allowed(town):
    handoff = arrived(town, town.pen, terms={"categories": ["identity"]})
    town.do("take", town.mira, handoff)
    row = town.row(handoff)
    assert content(town, CaseIdentityRow, row.case_id) is not None
    assert content(town, CaseRiskRow, row.case_id) is None
    assert case_of(town, row.case_id).languages == []


def test_the_same_packet_twice_is_one_referral_and_one_receipt_for_it(town):
    token = town.packet(town.pen)
    replies = [unchecked(town.take_in(town.pen, token).reply) for _ in range(3)]
    assert len({each["digest"] for each in replies}) == 1
    assert town.kinds(handoff_of(token)) == ["send", "acknowledge"]
    with pytest.raises(Refused):
        town.take_in(town.pen, town.packet(town.pen, handoff_of(token)))
    with pytest.raises(Refused):
        town.take_in(town.sar, town.packet(town.sar, handoff_of(token), version=2))


def test_a_newer_version_replaces_what_lies_in_quarantine_or_in_the_case(town):
    handoff = arrived(town, town.pen)
    town.take_in(town.pen, town.packet(town.pen, handoff, version=2, content={"identity": {"legal_name": "Second"}}))
    town.do("take", town.mira, handoff)
    case_id = town.row(handoff).case_id
    assert content(town, CaseIdentityRow, case_id) == {"legal_name": "Second"}
    assert content(town, CaseRiskRow, case_id) is None
    assert town.row(handoff).categories == [Category.IDENTITY]
    town.take_in(town.pen, town.packet(town.pen, handoff, version=3, content={"identity": {"legal_name": "Third"}}))
    assert content(town, CaseIdentityRow, case_id) == {"legal_name": "Third"}
    with pytest.raises(Refused):
        town.take_in(town.pen, town.packet(town.pen, handoff, version=2))


def test_what_no_agreement_or_consent_covers_is_refused_and_leaves_no_trace(town):
    before = town.everything()
    for wrong in (
        {"envelope": {"purpose": "advocacy"}},
        {"terms": {"until": "2026-01-01"}},
        {"terms": {"categories": []}},
    ):
        with pytest.raises(Refused):
            town.take_in(town.pen, town.packet(town.pen, **wrong))
    with town.engine.begin() as connection:
        connection.exec_driver_sql("update agreement set state = 'ended'")
    with pytest.raises(Refused):
        town.take_in(town.pen, town.packet(town.pen))
    with town.engine.begin() as connection:
        connection.exec_driver_sql("update agreement set state = 'in_force'")
    assert sorted(town.everything().splitlines()) == sorted(before.splitlines())


# ---- Stop, and delete ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "state"),
    [
        ("consent_revoked", S.CONSENT_REVOKED),
        ("erasure", S.CONSENT_REVOKED),
        ("withdrawn", S.WITHDRAWN),
        ("agreement_ended", S.WITHDRAWN),
        ("entered_in_error", S.ENTERED_IN_ERROR),
        ("expired", S.EXPIRED),
    ],
)
@pytest.mark.parametrize("taken", [False, True])
def test_a_stop_notice_erases_what_came_and_is_certified(town, cause, state, taken):
    handoff = arrived(town, town.pen)
    if taken:
        town.do("take", town.mira, handoff)
    row = town.row(handoff)
    replies = [unchecked(town.take_in(town.pen, town.stop(town.pen, handoff, cause=cause)).reply) for _ in range(2)]
    assert [(each["answer"], each["stop"]) for each in replies] == [("deleted", 1)] * 2
    assert town.state(handoff) is state
    assert town.consent(row.consent_id).state is ConsentState.WITHDRAWN
    with town.engine.connect() as connection:
        for table in map(table_of, (CaseIdentityRow, CaseRiskRow)):
            assert connection.scalar(select(table.c.case_id).where(table.c.case_id == row.case_id)) is None
        with pytest.raises(KeyDestroyed):
            town.vault.key(connection, row.person_id)
        inbox = table_of(InboxMessageRow)
        assert set(connection.scalars(select(inbox.c.sealed).where(inbox.c.referral_id == handoff))) == {b""}
    assert town.brought(handoff, Topic.ANSWER) == []
    with pytest.raises(Refused):
        town.take_in(town.pen, town.packet(town.pen, handoff, version=2))
    with pytest.raises(StateConflict):
        town.do("decline", town.mira if not taken else town.lena, handoff, reason=DeclineReason.NO_FUNDS)
    town.tells(town.pen, handoff, 2, "confirm", "closed")
    assert town.state(handoff) is state


def test_a_stop_notice_takes_our_words_on_it_along(town):
    handoff = arrived(town, town.pen)
    town.do("take", town.mira, handoff)
    town.do("accept", town.mira, handoff, note="Come.")
    counted = select(func.count()).select_from(table_of(EventWordsRow))
    with town.engine.connect() as connection:
        assert connection.scalar(counted) == 1
    town.take_in(town.pen, town.stop(town.pen, handoff, cause="withdrawn"))
    with town.engine.connect() as connection:
        assert connection.scalar(counted) == 0


@pytest.mark.parametrize("taken", [False, True])
def test_a_person_who_withdraws_here_is_erased_here_and_not_taken_in_again(town, taken):
    handoff = arrived(town, town.pen)
    if taken:
        town.do("take", town.mira, handoff)
    row = town.row(handoff)
    town.do("revoke_consent", town.dora, row.consent_id, ConsentChannel.ENCRYPTED_MESSAGE)
    assert town.state(handoff) is S.CONSENT_REVOKED
    with town.engine.connect() as connection, pytest.raises(KeyDestroyed):
        town.vault.key(connection, row.person_id)
    assert content(town, CaseIdentityRow, row.case_id) is None
    assert town.brought(handoff, Topic.ANSWER) == []
    with pytest.raises(Refused):
        town.take_in(town.pen, town.packet(town.pen, handoff, version=2))
    assert unchecked(town.take_in(town.pen, town.stop(town.pen, handoff)).reply)["answer"] == "deleted"


def test_a_stop_that_comes_first_is_remembered(town):
    token = town.packet(town.pen)
    handoff = handoff_of(token)
    for _ in range(2):
        assert unchecked(town.take_in(town.pen, town.stop(town.pen, handoff)).reply)["answer"] == "deleted"
    with pytest.raises(Refused):
        town.take_in(town.pen, token)
    other = town.packet(town.sar, handoff)
    assert town.take_in(town.sar, other).reply is not None


def refused(town, message):
    """Give why a message of SAR's is not taken in."""
    with pytest.raises(Refused) as caught:
        town.take_in(town.sar, message)
    return caught.value


def test_another_body_can_neither_stop_nor_answer_nor_learn_of_it(town):
    handoff = arrived(town, town.pen)
    outgoing = town.received(town.pen)
    messages = [
        town.packet(town.sar, handoff, terms={"until": "2026-01-01"}),
        town.packet(town.sar, uuid4(), terms={"until": "2026-01-01"}),
    ]
    assert len({str(refused(town, each)) for each in messages}) == 1
    drafted = town.ready(town.sar)
    stops = [town.stop(town.sar, each) for each in (handoff, outgoing.referral_id, drafted.referral_id, uuid4())]
    told = [unchecked(town.take_in(town.sar, each).reply) for each in stops]
    assert {(each["answer"], each["stop"]) for each in told} == {("deleted", 1)}
    assert town.state(drafted.referral_id) is S.READY
    messages = [
        town.answer(town.sar, handoff, 1, "confirm", "closed"),
        town.answer(town.sar, outgoing.referral_id, 1, "decline", "declined", reason="other"),
        town.answer(town.sar, uuid4(), 1, "confirm", "closed"),
    ]
    assert len({str(refused(town, each)) for each in messages}) == 1
    assert town.state(handoff) is S.RECEIVED
    assert town.state(outgoing.referral_id) is S.RECEIVED


def test_narrowed_consent_leaves_only_what_is_brought_anew(town):
    handoff = arrived(town, town.pen)
    town.do("take", town.mira, handoff)
    row = town.row(handoff)
    town.take_in(town.pen, town.stop(town.pen, handoff, cause="consent_narrowed", keep=("identity",)))
    assert town.row(handoff).categories == [Category.IDENTITY]
    assert town.state(handoff) is S.IN_REVIEW
    assert content(town, CaseIdentityRow, row.case_id) is None
    town.take_in(town.pen, town.packet(town.pen, handoff, version=2, content={"identity": {"legal_name": NAME}}))
    assert content(town, CaseIdentityRow, row.case_id) == {"legal_name": NAME}
    assert content(town, CaseRiskRow, row.case_id) is None


# ---- Answers: in order, once, late -----------------------------------------------------------------------------------


def test_answers_in_any_order_and_twice_come_to_the_same(town):
    steps = [
        ("take", "in_review", {}),
        ("accept", "accepted", {}),
        ("start", "in_progress", {}),
        ("report_outcome", "outcome_reported", {"reason": "opinion given"}),
    ]
    for order in list(permutations(range(4)))[::5]:
        made = town.received(town.pen)
        tokens = [
            town.answer(town.pen, made.referral_id, number, event, state, **more)
            for number, (event, state, more) in enumerate(steps, 1)
        ]
        for index in order:
            town.take_in(town.pen, tokens[index])
            town.take_in(town.pen, tokens[index])
        assert town.state(made.referral_id) is S.OUTCOME_REPORTED
        assert town.kinds(made.referral_id)[-4:] == [event for event, _, _ in steps]


def test_an_answer_far_ahead_of_what_was_taken_in_is_refused(town):
    made = town.received(town.pen)
    town.tells(town.pen, made.referral_id, 100, "accept", "accepted")
    with pytest.raises(Refused) as caught:
        town.tells(town.pen, made.referral_id, 101, "accept", "accepted")
    assert caught.value.facts["problem"] == "gap"


def test_an_answer_that_overtakes_the_receipt_waits_for_it(town):
    made = town.sent(town.pen)
    packet = town.deliver(made.referral_id, town.pen, receipt=False)
    town.tells(town.pen, made.referral_id, 1, "take", "in_review")
    assert town.state(made.referral_id) is S.SENT
    town.take_in(town.pen, town.receipt_token(town.pen, packet))
    assert town.state(made.referral_id) is S.IN_REVIEW


def test_the_same_number_with_other_words_is_refused(town):
    made = town.received(town.pen)
    town.tells(town.pen, made.referral_id, 1, "take", "in_review")
    town.tells(town.pen, made.referral_id, 1, "take", "in_review")
    with pytest.raises(Refused):
        town.tells(town.pen, made.referral_id, 1, "decline", "declined", reason="other")
    assert town.state(made.referral_id) is S.IN_REVIEW


def test_before_anything_left_nobody_can_answer(town):
    made = town.sent(town.pen)
    with pytest.raises(Refused):
        town.tells(town.pen, made.referral_id, 1, "take", "in_review")


def test_an_answer_whose_guard_does_not_hold_steps_nothing_and_is_counted(town):
    made = town.received(town.pen)
    town.tells(town.pen, made.referral_id, 1, "take", "in_review")
    town.tells(town.pen, made.referral_id, 2, "ask", "info_requested", categories=("health",), text="How is she?")
    town.tells(town.pen, made.referral_id, 3, "waitlist", "waitlisted", on="2028-01-01")
    town.tells(town.pen, made.referral_id, 4, "forward", "in_progress")
    assert town.state(made.referral_id) is S.IN_REVIEW
    town.tells(town.pen, made.referral_id, 5, "ask", "info_requested", categories=("risk",))
    assert town.state(made.referral_id) is S.INFO_REQUESTED
    table = table_of(InboxMessageRow)
    with town.engine.connect() as connection:
        query = select(table.c.state).where(table.c.referral_id == made.referral_id).order_by(table.c.number)
        states = list(connection.scalars(query))
    assert states == [InboxState.TAKEN, *[InboxState.REFUSED] * 3, InboxState.TAKEN]


def test_a_part_offer_lists_all_that_was_asked(town):
    made = town.received(town.pen)
    town.tells(town.pen, made.referral_id, 1, "take", "in_review")
    part = [{"kind": "residency", "given": False, "reason": "no_capacity"}]
    town.tells(town.pen, made.referral_id, 2, "offer_part", "partial_offer", services=part)
    assert town.state(made.referral_id) is S.IN_REVIEW
    whole = [*part, {"kind": "assessment", "given": True}]
    town.tells(town.pen, made.referral_id, 3, "offer_part", "partial_offer", services=whole)
    assert town.state(made.referral_id) is S.PARTIAL_OFFER
    table = table_of(ReferralServiceRow)
    with town.engine.connect() as connection:
        rows = connection.execute(select(table).where(table.c.referral_id == made.referral_id)).all()
    assert {row.kind: (row.answer, row.decline_reason) for row in rows} == {
        SERVICES[0]: (ServiceAnswer.DECLINED, DeclineReason.NO_CAPACITY),
        SERVICES[1]: (ServiceAnswer.OFFERED, None),
    }


# ---- Through the graph -----------------------------------------------------------------------------------------------


def brought(**more):
    what = {
        "content": CONTENT,
        "purpose": Purpose.RESIDENCY_PLACEMENT,
        "urgency": Urgency.NORMAL,
        "services": [SupportKind.RESIDENCY],
        "categories": ALL,
        "until": date(2027, 2, 1),
        "channel": ConsentChannel.SIGNED_PAPER,
        "wording_version": "2026-11",
        "language": "ar",
        "basis": LegalBasis.ART9_2_A,
    }
    return Brought(**what | more)


def test_a_partners_program_brings_a_person_and_follows_it(town):
    program = town.program(town.pen)
    made = town.do("submit", program, brought(sender_reference="PEN-1"))
    row = town.row(made.referral_id)
    assert (row.state, row.sender_id) == (S.RECEIVED, town.pen.id)
    case = case_of(town, made.case_id)
    assert (case.holder_id, case.owner_id) == (town.pen.id, None)
    with pytest.raises(NotFound):
        town.do("take", program, made.referral_id)
    with pytest.raises(NotFound):
        town.do("withdraw", town.program(town.sar), made.referral_id, reason=ClosingReason.ERROR)
    town.do("take", town.mira, made.referral_id)
    town.do("accept", town.mira, made.referral_id)
    assert town.waiting(made.referral_id) == []
    town.do("withdraw", program, made.referral_id, reason=ClosingReason.PERSON_WITHDREW)
    assert town.state(made.referral_id) is S.WITHDRAWN
    assert case_of(town, made.case_id).owner_id is None
    assert town.leaks() == []


def test_a_partner_revokes_for_its_own_person_and_for_no_other(town):
    made = town.do("submit", town.program(town.pen), brought())
    with pytest.raises(NotFound):
        town.do("revoke_consent", town.program(town.sar), made.consent_id, ConsentChannel.SIGNED_PAPER)
    town.do("revoke_consent", town.program(town.pen), made.consent_id, ConsentChannel.SIGNED_PAPER)
    assert town.state(made.referral_id) is S.CONSENT_REVOKED
    with pytest.raises(StateConflict):
        town.do("take", town.mira, made.referral_id)


def test_nobody_takes_up_what_is_no_longer_covered(town):
    made = town.do("submit", town.program(town.pen), brought(until=date(2026, 11, 24)))
    town.clock.advance(days=2)
    with pytest.raises(ConsentMissing):
        town.do("take", town.mira, made.referral_id)
    again = town.do("submit", town.program(town.pen), brought())
    with town.engine.begin() as connection:
        connection.exec_driver_sql("update agreement set state = 'ended'")
    with pytest.raises(AgreementInvalid):
        town.do("take", town.mira, again.referral_id)
    with pytest.raises(AgreementInvalid):
        town.do("submit", town.program(town.pen), brought())
    with pytest.raises(NotFound):
        town.do("submit", town.mira, brought())
