"""Whatever happens in whatever order: the books follow the table, and nothing leaves that may not."""

from contextlib import suppress
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from referrals_town import HANDOFF, MORNING
from sqlalchemy import select

from connectors.errors import ConnectorError
from hub.delivery.ports import Stopped, Topic
from hub.errors import HubError
from hub.referrals import FINAL, TRANSITIONS
from hub.referrals.states import NOTES
from schema.tables.referrals import DeliveryState
from schema.vocabulary import (
    ClosingReason,
    ConsentChannel,
    DeclineReason,
    ReferralEventKind,
    ReferralState,
)

S, E = ReferralState, ReferralEventKind
STEPS = {
    (state, each.event): each for each in TRANSITIONS for state in each.from_states or (None,) if not each.makes_new
}
SAID = {
    "take": "in_review",
    "ask": "info_requested",
    "accept": "accepted",
    "waitlist": "waitlisted",
    "capacity_free": "accepted",
    "decline": "declined",
    "start": "in_progress",
    "pause": "on_hold",
    "resume": "in_progress",
    "report_outcome": "outcome_reported",
    "person_safe": "outcome_reported",
    "note_progress": "in_progress",
    "mark_duplicate": "duplicate",
}
MORE = {
    "waitlist": {"on": "2026-12-20"},
    "pause": {"on": "2026-12-20", "reason": "travel"},
    "decline": {"reason": "other"},
    "report_outcome": {"reason": "opinion given"},
    "person_safe": {"reason": "person_safe"},
}
WAY = ["send", "receipt", "says take", "says accept", "says start", "says report_outcome", "confirm"]
OUTGOING = st.tuples(
    st.integers(0, len(WAY)),
    st.lists(
        st.one_of(
            st.sampled_from(["send", "attempt", "receipt", "late", "fail", "retry", "withdraw", "revoke", "confirm"]),
            st.sampled_from(sorted(SAID)).map(lambda event: f"says {event}"),
            st.sampled_from(["hours", "days", "weeks"]),
        ),
        max_size=12,
    ),
).map(lambda both: WAY[: both[0]] + both[1])
"""A piece of the straight way, then whatever happens."""
INCOMING = st.lists(
    st.sampled_from(
        ["take", "accept", "decline", "start", "report", "stop", "revoke", "newer", "hours", "days", "weeks"]
    ),
    max_size=10,
)
HARD = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
LENGTHS = {"hours": timedelta(hours=13), "days": timedelta(days=4), "weeks": timedelta(days=31)}


class Outgoing:
    """One referral of ours, and what may happen to it."""

    def __init__(self, town):
        self.town = town
        self.made = town.ready(town.pen, days=60)
        self.id = self.made.referral_id
        self.packet = None
        self.number = 0

    def play(self, what):
        town = self.town
        match what:
            case "send":
                town.do("send", town.lena, self.id)
            case "attempt" | "receipt" | "fail":
                self.attempt(what)
            case "late" if self.packet:
                town.take_in(town.pen, town.receipt_token(town.pen, self.packet))
            case "retry":
                town.do("retry_delivery", town.lena, self.id)
            case "withdraw":
                town.do("withdraw", town.lena, self.id, reason=ClosingReason.PERSON_WITHDREW)
            case "revoke":
                town.do("revoke_consent", town.dora, self.made.consent_id, ConsentChannel.IN_APP)
            case "confirm":
                town.do("confirm_outcome", town.lena, self.id)
            case _ if what in LENGTHS:
                passed(town, LENGTHS[what])
            case _ if what.startswith("says "):
                event = what.removeprefix("says ")
                town.tells(town.pen, self.id, self.number + 1, event, SAID[event], **MORE.get(event, {}))
                self.number += 1

    def attempt(self, what):
        for row in self.town.waiting(self.id, Topic.PACKET):
            before = self.town.row(self.id)
            consent = self.town.consent(self.made.consent_id)
            attempt = self.town.claim(row)
            if isinstance(attempt, Stopped):
                continue
            assert before.state is S.SENT
            assert consent.withdrawn_at is None
            assert consent.until_on >= self.town.now.date()
            self.packet = attempt.packet
            if what == "fail":
                self.town.give_up(row, "refused")
            elif what == "receipt":
                self.town.settle(row, self.town.receipt(self.town.pen, attempt.packet))


class Incoming:
    """One that a partner sent by the wire."""

    def __init__(self, town):
        self.town = town
        token = town.packet(town.pen)
        self.id = town.read(town.pen, token).message.handoff
        self.version = 1
        town.take_in(town.pen, token)

    def play(self, what):
        town = self.town
        match what:
            case "take":
                town.do("take", town.lena, self.id)
            case "accept":
                town.do("accept", town.lena, self.id)
            case "decline":
                town.do("decline", town.lena, self.id, reason=DeclineReason.NO_FUNDS)
            case "start":
                town.do("start", town.lena, self.id)
            case "report":
                town.do("report_outcome", town.lena, self.id, reason=ClosingReason.HELPED_AS_ASKED)
            case "stop":
                town.take_in(town.pen, town.stop(town.pen, self.id))
            case "revoke":
                town.do("revoke_consent", town.dora, town.row(self.id).consent_id, ConsentChannel.IN_APP)
            case "newer":
                town.take_in(town.pen, town.packet(town.pen, self.id, version=self.version + 1))
                self.version += 1
            case _:
                passed(town, LENGTHS[what])


def passed(town, time):
    """Let time pass, and the clock do what it has to, as often as it runs."""
    town.clock.advance(seconds=time.total_seconds())
    for _ in range(2):
        with town.engine.begin() as connection:
            town.referrals.remind(connection, town.now, limit=1000)
        with town.engine.begin() as connection:
            town.referrals.expire(connection, town.now, limit=1000)


def check(town, referral_id, ended):
    """Look that the books tell one story, and that it is the table's."""
    row, events = town.row(referral_id), town.events(referral_id)
    state = events[0].from_state
    for number, event in enumerate(events, 1):
        assert event.number == number
        assert event.from_state is state
        step = STEPS.get((state, event.kind))
        if step is None:
            # What steps nothing: a note, or a withdrawal of consent after the end.
            assert event.kind in NOTES or (event.kind is E.REVOKE_CONSENT and state is not None)
            assert event.to_state is state
        else:
            assert event.to_state is step.lands(state or S.DRAFT)
        state = event.to_state
    assert state is row.state
    told = [event.recipient_number for event in events if event.recipient_number is not None]
    assert told == list(range(1, len(told) + 1))
    assert (row.sent_at is not None) == bool(told)
    assert ended is None or row.state is ended
    if row.state in FINAL:
        assert row.due_at is None
        waiting = town.waiting(referral_id, Topic.PACKET)
        assert all(isinstance(town.claim(each), Stopped) for each in waiting)
    with town.engine.connect() as connection:
        query = select(HANDOFF).where(HANDOFF.c.referral_id == referral_id, HANDOFF.c.topic == Topic.STOP.value)
        stops = connection.execute(query).all()
    assert len(stops) <= 1
    revoked = [event for event in events if event.kind in {E.REVOKE_CONSENT, E.WITHDRAW}]
    if revoked and row.direction == "outgoing":
        assert len(stops) == int(row.left_at is not None)
    assert all(each.state is not DeliveryState.STOPPED for each in stops)
    return row.state if row.state in FINAL else None


def walked(town, referral, walk):
    ended = None
    for what in walk:
        with suppress(HubError, ConnectorError):
            referral.play(what)
        ended = check(town, referral.id, ended)


@given(OUTGOING)
@HARD
def test_what_goes_out_follows_the_table(town, walk):
    town.clock.instant = MORNING
    walked(town, Outgoing(town), walk)


@given(INCOMING)
@HARD
def test_what_comes_in_follows_the_table(town, walk):
    town.clock.instant = MORNING
    walked(town, Incoming(town), walk)
    assert town.leaks() == []


def test_a_whole_life_is_among_the_walks(town):
    """The walks are worth something: the longest way through is one of them."""
    referral = Outgoing(town)
    walk = ["send", "receipt", "says take", "says ask", "weeks", "says accept"]
    walked(town, referral, walk)
    assert S.INFO_REQUESTED in {event.to_state for event in town.events(referral.id)}
    other = Outgoing(town)
    walked(town, other, ["send", "receipt", *(f"says {e}" for e in ("take", "accept", "start", "report_outcome"))])
    walked(town, other, ["confirm", "revoke"])
    assert town.state(other.id) is S.CLOSED
    assert town.events(other.id)[-1].kind is E.REVOKE_CONSENT
