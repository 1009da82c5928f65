"""Referrals from the first draft to the end, step by step on a real database, with real signed messages."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from referrals_town import ALL, CONTENT, NAME, PRISON, SERVICES, TITLE

from connectors.errors import Refused, Unauthorized
from connectors.signing import unchecked
from hub.consent import AgreementInvalid, ConsentMissing, InvalidInput, NotFound, StateConflict
from hub.delivery.ports import Stopped, Topic
from hub.referrals.errors import AlreadyReferred, SecondPersonNeeded
from schema.vocabulary import (
    Category,
    ClockKind,
    ClosingReason,
    ConsentChannel,
    ConsentState,
    DeclineReason,
    ReferralState,
    Urgency,
)

S = ReferralState


def test_a_person_is_handed_over_helped_and_the_loop_is_closed(town):
    made = town.received(town.pen)
    row = town.row(made.referral_id)
    assert row.clock is ClockKind.FIRST_LOOK
    town.tells(town.pen, made.referral_id, 1, "take", "in_review")
    services = [{"kind": kind.value, "given": True} for kind in SERVICES]
    town.tells(town.pen, made.referral_id, 2, "accept", "accepted", services=services, on="2026-12-01")
    town.tells(town.pen, made.referral_id, 3, "start", "in_progress")
    town.tells(town.pen, made.referral_id, 4, "report_outcome", "outcome_reported", reason="opinion given")
    row = town.row(made.referral_id)
    assert (row.state, row.closing_reason) == (S.OUTCOME_REPORTED, ClosingReason.OPINION_GIVEN)
    town.do("confirm_outcome", town.mira, made.referral_id)
    assert town.state(made.referral_id) is S.CLOSED
    (told,) = town.brought(made.referral_id, Topic.ANSWER)
    assert (told["event"], told["state"], told["number"], told["seen"]) == ("confirm", "closed", 1, 4)
    events = town.events(made.referral_id)
    assert [row.kind.value for row in events] == [
        "create",
        "ask_consent",
        "consent_given",
        "send",
        "acknowledge",
        "take",
        "accept",
        "start",
        "report_outcome",
        "confirm",
    ]
    assert [row.number for row in events] == list(range(1, 11))
    assert [row.recipient_number for row in events] == [None, None, None, *range(1, 8)]


def test_the_packet_holds_what_was_given_in_the_partners_words_and_nothing_else(town):
    made = town.sent(town.pen, (Category.CASE, Category.IDENTITY))
    claims = unchecked(town.packet_text(made.referral_id))
    assert claims["terms"]["categories"] == ["case", "identity"]
    assert claims["form"]["name"] == "pen_international/1"
    assert claims["form"]["fields"]["writer_name"] == NAME
    assert claims["envelope"]["origin_region"] == "western_asia"
    assert PRISON not in str(claims)
    assert TITLE not in str(claims)


def test_without_the_case_itself_not_even_its_region_leaves(town):
    made = town.sent(town.pen, (Category.IDENTITY,))
    claims = unchecked(town.packet_text(made.referral_id))
    assert claims["envelope"].keys() == {"purpose", "urgency", "services"}
    assert town.row(made.referral_id).languages == []


def test_nothing_planted_lies_in_a_plain_column(town):
    made = town.received(town.pen)
    text = f"{NAME} was here"
    town.tells(town.pen, made.referral_id, 1, "take", "in_review", text=text)
    town.tells(town.pen, made.referral_id, 2, "decline", "declined", reason="harm feared", text=text)
    other = town.ready(town.sar)
    town.do("withdraw", town.mira, other.referral_id, reason=ClosingReason.PERSON_WITHDREW, note=text)
    handoff = unchecked(town.packet(town.sar))["handoff"]
    town.take_in(town.sar, town.packet(town.sar, reference=f"for {NAME}"))
    packet = town.packet(town.sar)
    town.take_in(town.sar, packet)
    mine = unchecked(packet)["handoff"]
    town.do("take", town.mira, mine)
    town.do("decline", town.mira, mine, reason=DeclineReason.OTHER, text=text)
    assert handoff != mine
    assert town.leaks() == []


def test_the_answer_cuts_what_was_asked(town):
    case = town.do("open_case", town.mira, CONTENT)
    made = town.do("create", town.mira, town.draft(town.pen, case_id=case.case_id))
    asked = town.do(
        "request_consent", town.mira, made.referral_id, categories=ALL, until=town.now.date() + timedelta(days=30)
    )
    with pytest.raises(InvalidInput):
        town.do("record_consent", town.mira, asked.consent_id, town.said([Category.HEALTH]))
    town.do("record_consent", town.mira, asked.consent_id, town.said([Category.CASE]))
    assert town.consent(asked.consent_id).state is ConsentState.LIMITED
    assert town.row(made.referral_id).categories == [Category.CASE]
    town.do("send", town.mira, made.referral_id)
    assert unchecked(town.packet_text(made.referral_id))["form"]["fields"].keys() >= {"writer_region"}
    with pytest.raises(StateConflict):
        town.do("record_consent", town.mira, asked.consent_id, town.said(ALL))


def test_a_refusal_ends_it_and_nothing_leaves(town):
    case = town.do("open_case", town.mira, CONTENT)
    made = town.do("create", town.mira, town.draft(town.pen, case_id=case.case_id))
    asked = town.do("request_consent", town.mira, made.referral_id, categories=ALL, until=date(2027, 1, 1))
    town.do("record_consent", town.mira, asked.consent_id, town.said([]))
    assert town.state(made.referral_id) is S.WITHDRAWN
    assert town.consent(asked.consent_id).state is ConsentState.REFUSED
    assert town.waiting(made.referral_id) == []


def test_risk_needs_a_second_person_and_a_lead_may_send(town):
    made = town.ready(town.pen)
    with pytest.raises(SecondPersonNeeded):
        town.do("send", town.mira, made.referral_id)
    assert town.state(made.referral_id) is S.READY
    town.do("send", town.lena, made.referral_id)
    assert town.state(made.referral_id) is S.SENT


def test_the_same_person_is_not_sent_twice_to_one_body(town):
    made = town.sent(town.pen)
    case_id = town.row(made.referral_id).case_id
    again = town.do("create", town.mira, town.draft(town.pen, case_id=case_id))
    asked = town.do("request_consent", town.mira, again.referral_id, categories=ALL, until=date(2027, 1, 1))
    town.do("record_consent", town.mira, asked.consent_id, town.said(ALL))
    with pytest.raises(AlreadyReferred):
        town.do("send", town.lena, again.referral_id)


def test_who_has_no_tie_to_a_case_is_told_that_there_is_none(town):
    made = town.ready(town.pen)
    stranger = town.as_staff(town.other)
    for who in (stranger, town.program(town.pen), town.program(town.sar), town.dora):
        with pytest.raises(NotFound):
            town.do("send", who, made.referral_id)
        with pytest.raises(NotFound):
            town.do("withdraw", who, made.referral_id, reason=ClosingReason.ERROR)
        with pytest.raises(NotFound):
            town.do("take", who, made.referral_id)
        with pytest.raises(NotFound):
            town.do("send", who, uuid4())
    with pytest.raises(NotFound):
        town.do("create", stranger, town.draft(town.pen, case_id=made.case_id))
    with pytest.raises(NotFound):
        town.do("record_consent", stranger, made.consent_id, town.said(ALL))
    with pytest.raises(NotFound):
        town.do("revoke_consent", town.mira, made.consent_id, ConsentChannel.SIGNED_PAPER)


def test_declined_with_a_reason_access_ends_at_once(town):
    made = town.received(town.pen)
    town.tells(town.pen, made.referral_id, 1, "take", "in_review")
    town.tells(town.pen, made.referral_id, 2, "decline", "declined", reason="fund exhausted", text="Next year.")
    row = town.row(made.referral_id)
    assert (row.state, row.decline_reason, row.clock) == (S.DECLINED, DeclineReason.NO_FUNDS, None)
    with pytest.raises(StateConflict):
        town.do("confirm_outcome", town.mira, made.referral_id)


def test_withdrawn_before_it_left_nobody_is_told(town):
    made = town.sent(town.pen)
    (row,) = town.waiting(made.referral_id, Topic.PACKET)
    town.do("withdraw", town.mira, made.referral_id, reason=ClosingReason.PERSON_WITHDREW)
    assert town.state(made.referral_id) is S.WITHDRAWN
    assert town.waiting(made.referral_id) == []
    assert isinstance(town.claim(row), Stopped)


def test_withdrawn_after_it_left_the_recipient_is_told_to_delete_and_its_certificate_is_kept(town):
    made = town.received(town.pen)
    town.do("withdraw", town.mira, made.referral_id, reason=ClosingReason.HELPED_ELSEWHERE)
    (stop,) = town.brought(made.referral_id, Topic.STOP)
    assert (stop["cause"], stop["number"]) == ("withdrawn", 1)
    town.tells(town.pen, made.referral_id, 1, "take", "in_review")
    assert town.state(made.referral_id) is S.WITHDRAWN


def test_revoked_in_flight_no_attempt_begins_and_a_late_receipt_does_no_harm(town):
    made = town.sent(town.pen)
    (row,) = town.waiting(made.referral_id, Topic.PACKET)
    attempt = town.claim(row)
    town.do("revoke_consent", town.dora, made.consent_id, ConsentChannel.ENCRYPTED_MESSAGE)
    assert town.state(made.referral_id) is S.CONSENT_REVOKED
    assert town.consent(made.consent_id).state is ConsentState.WITHDRAWN
    assert isinstance(town.claim(row), Stopped)
    town.settle(row, town.receipt(town.pen, attempt.packet))
    assert town.state(made.referral_id) is S.CONSENT_REVOKED
    (stop,) = town.brought(made.referral_id, Topic.STOP)
    assert stop["cause"] == "consent_revoked"


def test_revoked_after_the_end_the_state_stays_and_the_stop_notice_goes(town):
    made = town.received(town.pen)
    town.tells(town.pen, made.referral_id, 1, "take", "in_review")
    town.tells(town.pen, made.referral_id, 2, "decline", "declined", reason="other")
    for _ in range(2):
        town.do("revoke_consent", town.dora, made.consent_id, ConsentChannel.ENCRYPTED_MESSAGE)
    assert town.state(made.referral_id) is S.DECLINED
    assert [each["cause"] for each in town.brought(made.referral_id, Topic.STOP)] == ["consent_revoked"]


def test_a_delivery_that_fails_is_shown_tried_again_and_given_up_in_time(town):
    made = town.sent(town.pen)
    (row,) = town.waiting(made.referral_id, Topic.PACKET)
    town.claim(row)
    town.give_up(row, "refused")
    assert town.state(made.referral_id) is S.DELIVERY_FAILED
    town.do("retry_delivery", town.mira, made.referral_id)
    (again,) = town.waiting(made.referral_id, Topic.PACKET)
    assert again.packet_id == row.packet_id
    town.give_up(again, "unavailable")
    town.clock.advance(days=4)
    with pytest.raises(StateConflict):
        town.do("retry_delivery", town.mira, made.referral_id)
    expired(town)
    assert town.state(made.referral_id) is S.EXPIRED


def test_a_receipt_that_came_after_we_gave_up_settles_the_next_try(town):
    made = town.sent(town.pen)
    (row,) = town.waiting(made.referral_id, Topic.PACKET)
    packet = town.claim(row).packet
    town.give_up(row, "uncertain")
    town.take_in(town.pen, town.receipt_token(town.pen, packet))
    assert town.state(made.referral_id) is S.DELIVERY_FAILED
    town.do("retry_delivery", town.mira, made.referral_id)
    assert town.state(made.referral_id) is S.RECEIVED
    assert town.waiting(made.referral_id) == []


def expired(town):
    """Let the clock run until it has nothing to do: half time first, then the event."""
    with town.engine.begin() as connection:
        town.referrals.remind(connection, town.now)
    with town.engine.begin() as connection:
        return town.referrals.expire(connection, town.now)


def test_nobody_answers_in_time(town):
    made = town.received(town.pen, urgency=Urgency.URGENT)
    town.clock.advance(hours=25)
    assert expired(town) == ()
    row = town.row(made.referral_id)
    assert (row.state, row.clock) == (S.RECEIVED, ClockKind.DECISION)
    town.clock.advance(hours=48)
    (changed,) = expired(town)
    assert changed.referral_id == made.referral_id
    assert town.state(made.referral_id) is S.EXPIRED
    assert [each["cause"] for each in town.brought(made.referral_id, Topic.STOP)] == ["expired"]
    town.tells(town.pen, made.referral_id, 1, "take", "in_review")
    assert town.state(made.referral_id) is S.EXPIRED


def test_nobody_is_timed_out_who_was_not_reminded(town):
    made = town.received(town.pen)
    town.clock.advance(days=4)
    for expected in (S.RECEIVED, S.EXPIRED):
        with town.engine.begin() as connection:
            town.referrals.expire(connection, town.now)
        assert town.state(made.referral_id) is expected


def test_a_person_who_does_not_answer_is_asked_anew(town):
    case = town.do("open_case", town.mira, CONTENT)
    made = town.do("create", town.mira, town.draft(town.pen, case_id=case.case_id))
    asked = town.do("request_consent", town.mira, made.referral_id, categories=ALL, until=date(2027, 1, 1))
    town.clock.advance(hours=73)
    expired(town)
    assert town.state(made.referral_id) is S.DRAFT
    with pytest.raises(StateConflict):
        town.do("record_consent", town.mira, asked.consent_id, town.said(ALL))
    anew = town.do("request_consent", town.mira, made.referral_id, categories=ALL, until=date(2027, 1, 1))
    town.do("record_consent", town.mira, anew.consent_id, town.said(ALL))
    assert town.state(made.referral_id) is S.READY


def test_a_consent_that_ran_out_lets_nothing_leave_and_its_sender_sees_it(town):
    made = town.sent(town.pen, days=1)
    (row,) = town.waiting(made.referral_id, Topic.PACKET)
    town.clock.advance(days=2)
    assert isinstance(town.claim(row), Stopped)
    assert town.state(made.referral_id) is S.DELIVERY_FAILED
    assert town.events(made.referral_id)[-1].note == "consent_missing"
    with pytest.raises(ConsentMissing):
        town.do("retry_delivery", town.mira, made.referral_id)


def test_an_agreement_that_ended_ends_what_is_under_way(town):
    made = town.sent(town.pen)
    (row,) = town.waiting(made.referral_id, Topic.PACKET)
    with town.engine.begin() as connection:
        connection.exec_driver_sql("update agreement set state = 'suspended'")
    assert isinstance(town.claim(row), Stopped)
    assert town.state(made.referral_id) is S.WITHDRAWN
    other = town.do("open_case", town.mira, CONTENT)
    with pytest.raises(AgreementInvalid):
        town.do("create", town.mira, town.draft(town.pen, case_id=other.case_id))


def test_a_person_who_shut_a_body_out_is_not_handed_to_it(town):
    made = town.sent(town.pen)
    (row,) = town.waiting(made.referral_id, Topic.PACKET)
    with town.engine.begin() as connection:
        connection.exec_driver_sql(
            "update person set blocked_organisations = array[%s::uuid] where id = %s",
            (town.pen.id, town.row(made.referral_id).person_id),
        )
    assert isinstance(town.claim(row), Stopped)
    assert town.events(made.referral_id)[-1].note == "rule_of_person"


def test_a_recipient_without_a_receiving_system_acts_through_the_graph(town):
    made = town.sent(town.pen)
    packet = town.deliver(made.referral_id, town.pen, receipt=False)
    receipt = town.receipt(town.pen, packet)
    program = town.program(town.pen)
    digest = town.digest(packet)
    with pytest.raises(InvalidInput):
        town.do("acknowledge", program, made.referral_id, receipt=receipt, digest=b"another")
    with pytest.raises(NotFound):
        town.do("acknowledge", town.program(town.sar), made.referral_id, receipt=receipt, digest=digest)
    for _ in range(2):
        town.do("acknowledge", program, made.referral_id, receipt=receipt, digest=digest)
    town.do("take", program, made.referral_id)
    town.do("accept", program, made.referral_id)
    town.do("start", program, made.referral_id)
    town.do("report_outcome", program, made.referral_id, reason=ClosingReason.HELPED_AS_ASKED)
    town.do("confirm_outcome", town.mira, made.referral_id)
    assert town.state(made.referral_id) is S.CLOSED
    assert town.kinds(made.referral_id).count("acknowledge") == 1


def test_a_receipt_for_another_packet_is_refused(town):
    made = town.sent(town.pen)
    town.deliver(made.referral_id, town.pen, receipt=False)
    other = town.sent(town.pen)
    wrong = town.deliver(other.referral_id, town.pen, receipt=False)
    forged = town.receipt_token(town.pen, wrong)
    with pytest.raises(Refused):
        town.take_in(town.sar, town.receipt_token(town.sar, wrong))
    town.take_in(town.pen, forged)
    assert town.state(made.referral_id) is S.SENT
    with pytest.raises(InvalidInput):
        town.do(
            "acknowledge",
            town.program(town.pen),
            made.referral_id,
            receipt=town.receipt(town.pen, wrong),
            digest=town.digest(wrong),
        )


def test_a_certificate_must_answer_a_stop_notice(town):
    made = town.received(town.pen)
    with pytest.raises(Unauthorized):
        town.take_in(town.pen, town.certificate(town.pen, made.referral_id, 1))
    town.do("withdraw", town.mira, made.referral_id, reason=ClosingReason.ERROR)
    for _ in range(2):
        town.take_in(town.pen, town.certificate(town.pen, made.referral_id, 1))
    assert town.kinds(made.referral_id)[-1] == "answer_stop_notice"
    assert town.kinds(made.referral_id).count("answer_stop_notice") == 1
    with pytest.raises(Unauthorized):
        town.take_in(town.pen, town.certificate(town.pen, made.referral_id, 2))
