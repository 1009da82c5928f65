"""The life of a referral: 21 states, 47 transitions, as a table; then one function. Pure: nothing is kept or sent here.

The table is that of `referral_transitions.csv`, and a test holds the two together. It says who may do what from where,
and names the guard that must hold; the service looks at guards, persists the step, and starts what follows from it.

Withdrawal wins: `REVOKE_CONSENT` beats any other event at the same moment. It also works after the end, where the
state stays and only the stop notice and the erasure run; the table knows nothing of that, as nothing steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, Self

from hub.errors import HubError
from schema.vocabulary import ReferralEventKind, ReferralState

S = ReferralState
E = ReferralEventKind


class Actor(StrEnum):
    """Who acts. A lead who does a caseworker's work acts as one."""

    SENDER_CASEWORKER = "sender_caseworker"
    SENDER_LEAD = "sender_lead"
    RECIPIENT_SYSTEM = "recipient_system"
    RECIPIENT_CASEWORKER = "recipient_caseworker"
    RECIPIENT_LEAD = "recipient_lead"
    PERSON = "person"
    CONTACT_PERSON = "contact_person"
    DPO = "dpo"
    CLOCK = "clock"
    WORKER = "worker"


class Second(StrEnum):
    """Whether somebody else must agree before the step is taken."""

    NOBODY = "nobody"
    LEAD = "lead"
    ANYBODY_IF_RISK_OR_HEALTH = "anybody_if_risk_or_health"
    THE_PERSON = "the_person"


class Actors(Enum):
    """Who may take a step, in the words of the csv, with the second who must agree."""

    SENDER = ("sender caseworker", Actor.SENDER_CASEWORKER)
    SENDER_LEAD = ("sender lead", Actor.SENDER_LEAD)
    SENDER_TWO_LEADS = ("sender lead, second lead confirms", Actor.SENDER_LEAD, Second.LEAD)
    SENDER_MAYBE_TWO = (
        "sender caseworker, second person if risk or health is included",
        Actor.SENDER_CASEWORKER,
        Second.ANYBODY_IF_RISK_OR_HEALTH,
    )
    SENDER_WITH_PERSON = ("sender caseworker with the person", Actor.SENDER_CASEWORKER, Second.THE_PERSON)
    SENDER_OR_PERSON = ("sender caseworker or person", Actor.SENDER_CASEWORKER, Actor.PERSON)
    RECIPIENT = ("recipient caseworker", Actor.RECIPIENT_CASEWORKER)
    RECIPIENT_LEAD = ("recipient lead", Actor.RECIPIENT_LEAD)
    RECIPIENT_SYSTEM = ("recipient system", Actor.RECIPIENT_SYSTEM)
    EITHER = ("either caseworker", Actor.SENDER_CASEWORKER, Actor.RECIPIENT_CASEWORKER)
    PERSON_SIDE = ("person or contact person", Actor.PERSON, Actor.CONTACT_PERSON)
    PERSON_OR_DPO = (
        "person, contact person or data protection officer",
        Actor.PERSON,
        Actor.CONTACT_PERSON,
        Actor.DPO,
    )
    CLOCK = ("clock", Actor.CLOCK)
    WORKER = ("system", Actor.WORKER)

    def __init__(self, says: str, *who: Actor | Second) -> None:
        """Take the words, the actors, and the second where there is one."""
        self.says = says
        self.may = frozenset(each for each in who if isinstance(each, Actor))
        self.second = next((each for each in who if isinstance(each, Second)), Second.NOBODY)


class Guard(StrEnum):
    """What must hold before a step is taken. The name is for the service, the words are those of the csv."""

    says: str

    def __new__(cls, code: str, says: str) -> Self:
        """Make a member from its code and its words."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.says = says
        return member

    NONE = ("none", "-")
    AGREEMENT_VALID = ("agreement_valid", "agreement between both bodies valid")
    REQUEST_COMPLETE = ("request_complete", "at least one category and one purpose chosen; recipient named")
    ANSWER_RECORDED = ("answer_recorded", "answer recorded with channel and wording version")
    CONSENT_CLOCK_OUT = ("consent_clock_out", "consent clock ran out")
    LIFE_IN_DANGER = ("life_in_danger", "urgency emergency; person cannot be reached; reason text")
    CLEARED_TO_SEND = ("cleared_to_send", "duplicate check done; consent still valid; preview seen")
    RETRIES_USED_UP = ("retries_used_up", "retries used up")
    CONSENT_VALID = ("consent_valid", "consent still valid")
    PACKET_CHECKED = ("packet_checked", "signature and agreement checked")
    SAME_PERSON_TOKEN = ("same_person_token", "same person token and open referral or case")
    RECEIVE_SCOPE = ("receive_scope", "has receive scope")
    QUESTION_INSIDE_CONSENT = ("question_inside_consent", "question inside given categories, else new consent needed")
    ANSWER_INSIDE_CONSENT = ("answer_inside_consent", "answer inside consent, or consent widened first")
    QUESTION_CLOCK_OUT = ("question_clock_out", "question clock ran out")
    CAPACITY_RESERVED = ("capacity_reserved", "capacity reserved")
    SERVICES_LISTED = ("services_listed", "accepted and refused services listed with reasons")
    PERSON_AGREES = ("person_agrees", "person agrees")
    NO_CAPACITY_NOW = ("no_capacity_now", "fits but no capacity")
    FACTS_RECONFIRMED = ("facts_reconfirmed", "consent valid; facts reconfirmed")
    REVIEW_DATE_PASSED = ("review_date_passed", "review date passed")
    DECLINE_REASON = ("decline_reason", "decline reason from the list")
    CONTACT_MADE = ("contact_made", "contact made by the contact rule")
    REASON_AND_REVIEW_DATE = ("reason_and_review_date", "reason and review date")
    THIRD_BODY_CONSENTED = ("third_body_consented", "new consent names the third body; original sender told")
    CLOSING_REASON = ("closing_reason", "closing reason; no more detail than consented")
    REASON = ("reason", "reason")
    CONFIRM_CLOCK_OUT = ("confirm_clock_out", "14 days")
    RECIPIENT_ASKED_TO_STOP = ("recipient_asked_to_stop", "reason; recipient asked to stop")
    NO_APPROVAL = ("no_approval", "takes effect at once, no approval")
    SOME_CATEGORIES_STAY = ("some_categories_stay", "some categories stay")
    ESCALATED_AT_HALF_TIME = ("escalated_at_half_time", "escalation already sent at half time")
    NEW_RECIPIENT = ("new_recipient", "new recipient; new consent")
    OTHER_NAMED = ("other_named", "other referral or case named")
    ANOTHER_PERSON = ("another_person", "proved to be another person")
    AGREEMENT_ENDED = ("agreement_ended", "agreement ended or suspended")
    PERSON_IS_SAFE = ("person_is_safe", "closing reason person_safe or similar")
    START_CLOCK_OUT = ("start_clock_out", "no start in 30 days")
    OFFER_CLOCK_OUT = ("offer_clock_out", "no agreement in time")
    ANSWER_TIME_OVER = ("answer_time_over", "not delivered in the answer time")
    PROGRESS_CLOCK_OUT = ("progress_clock_out", "no progress note in time")


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table."""

    id: str
    from_states: tuple[ReferralState, ...]
    """Empty for the first step of all."""
    event: ReferralEventKind
    to: ReferralState | None
    """None when the state stays."""
    actors: Actors
    guard: Guard

    @property
    def makes_new(self) -> bool:
        """True when it begins another referral: this one stays where it is, as the final states must."""
        return self.event is E.REROUTE

    def lands(self, state: ReferralState) -> ReferralState:
        """Tell the state of this referral after the step."""
        return state if self.to is None or self.makes_new else self.to


_WITH_CONSENT: Final = (
    S.READY,
    S.SENT,
    S.DELIVERY_FAILED,
    S.RECEIVED,
    S.IN_REVIEW,
    S.INFO_REQUESTED,
    S.PARTIAL_OFFER,
    S.WAITLISTED,
    S.ACCEPTED,
    S.IN_PROGRESS,
    S.ON_HOLD,
    S.OUTCOME_REPORTED,
)

TRANSITIONS: Final = (
    Transition("T01", (), E.CREATE, S.DRAFT, Actors.SENDER, Guard.AGREEMENT_VALID),
    Transition("T02", (S.DRAFT,), E.ASK_CONSENT, S.CONSENT_PENDING, Actors.SENDER, Guard.REQUEST_COMPLETE),
    Transition("T03", (S.CONSENT_PENDING,), E.CONSENT_GIVEN, S.READY, Actors.PERSON_SIDE, Guard.ANSWER_RECORDED),
    Transition("T04", (S.CONSENT_PENDING,), E.CONSENT_REFUSED, S.WITHDRAWN, Actors.PERSON_SIDE, Guard.NONE),
    Transition("T05", (S.CONSENT_PENDING,), E.CONSENT_TIMEOUT, S.DRAFT, Actors.CLOCK, Guard.CONSENT_CLOCK_OUT),
    Transition(
        "T06",
        (
            S.DRAFT,
            S.CONSENT_PENDING,
        ),
        E.OVERRIDE_VITAL_INTEREST,
        S.READY,
        Actors.SENDER_TWO_LEADS,
        Guard.LIFE_IN_DANGER,
    ),
    Transition("T07", (S.READY,), E.SEND, S.SENT, Actors.SENDER_MAYBE_TWO, Guard.CLEARED_TO_SEND),
    Transition("T08", (S.SENT,), E.DELIVERY_ERROR, S.DELIVERY_FAILED, Actors.WORKER, Guard.RETRIES_USED_UP),
    Transition("T09", (S.DELIVERY_FAILED,), E.RETRY, S.SENT, Actors.SENDER, Guard.CONSENT_VALID),
    Transition("T10", (S.SENT,), E.ACKNOWLEDGE, S.RECEIVED, Actors.RECIPIENT_SYSTEM, Guard.PACKET_CHECKED),
    Transition("T11", (S.SENT,), E.DUPLICATE_DETECTED, S.DUPLICATE, Actors.RECIPIENT_SYSTEM, Guard.SAME_PERSON_TOKEN),
    Transition("T12", (S.RECEIVED,), E.TAKE, S.IN_REVIEW, Actors.RECIPIENT, Guard.RECEIVE_SCOPE),
    Transition("T13", (S.IN_REVIEW,), E.ASK, S.INFO_REQUESTED, Actors.RECIPIENT, Guard.QUESTION_INSIDE_CONSENT),
    Transition("T14", (S.INFO_REQUESTED,), E.ANSWER, S.IN_REVIEW, Actors.SENDER, Guard.ANSWER_INSIDE_CONSENT),
    Transition("T15", (S.INFO_REQUESTED,), E.QUESTION_TIMEOUT, S.IN_REVIEW, Actors.CLOCK, Guard.QUESTION_CLOCK_OUT),
    Transition("T16", (S.IN_REVIEW,), E.ACCEPT, S.ACCEPTED, Actors.RECIPIENT, Guard.CAPACITY_RESERVED),
    Transition("T17", (S.IN_REVIEW,), E.OFFER_PART, S.PARTIAL_OFFER, Actors.RECIPIENT, Guard.SERVICES_LISTED),
    Transition("T18", (S.PARTIAL_OFFER,), E.AGREE_PART, S.ACCEPTED, Actors.SENDER_WITH_PERSON, Guard.PERSON_AGREES),
    Transition("T19", (S.PARTIAL_OFFER,), E.REJECT_PART, S.WITHDRAWN, Actors.SENDER_WITH_PERSON, Guard.NONE),
    Transition("T20", (S.IN_REVIEW,), E.WAITLIST, S.WAITLISTED, Actors.RECIPIENT, Guard.NO_CAPACITY_NOW),
    Transition("T21", (S.WAITLISTED,), E.CAPACITY_FREE, S.ACCEPTED, Actors.RECIPIENT, Guard.FACTS_RECONFIRMED),
    Transition("T22", (S.WAITLISTED,), E.REVIEW_TIMEOUT, S.IN_REVIEW, Actors.CLOCK, Guard.REVIEW_DATE_PASSED),
    Transition("T23", (S.IN_REVIEW,), E.DECLINE, S.DECLINED, Actors.RECIPIENT, Guard.DECLINE_REASON),
    Transition("T24", (S.ACCEPTED,), E.START, S.IN_PROGRESS, Actors.RECIPIENT, Guard.CONTACT_MADE),
    Transition("T25", (S.IN_PROGRESS,), E.PAUSE, S.ON_HOLD, Actors.RECIPIENT, Guard.REASON_AND_REVIEW_DATE),
    Transition("T26", (S.ON_HOLD,), E.RESUME, S.IN_PROGRESS, Actors.RECIPIENT, Guard.NONE),
    Transition("T27", (S.IN_PROGRESS,), E.FORWARD, S.IN_PROGRESS, Actors.RECIPIENT, Guard.THIRD_BODY_CONSENTED),
    Transition("T28", (S.IN_PROGRESS,), E.REPORT_OUTCOME, S.OUTCOME_REPORTED, Actors.RECIPIENT, Guard.CLOSING_REASON),
    Transition("T29", (S.OUTCOME_REPORTED,), E.CONFIRM, S.CLOSED, Actors.SENDER, Guard.NONE),
    Transition("T30", (S.OUTCOME_REPORTED,), E.CONTEST, S.IN_PROGRESS, Actors.SENDER_OR_PERSON, Guard.REASON),
    Transition("T31", (S.OUTCOME_REPORTED,), E.CONFIRM_TIMEOUT, S.CLOSED, Actors.CLOCK, Guard.CONFIRM_CLOCK_OUT),
    Transition(
        "T32",
        (
            S.DRAFT,
            S.CONSENT_PENDING,
            S.READY,
            S.DELIVERY_FAILED,
        ),
        E.WITHDRAW,
        S.WITHDRAWN,
        Actors.SENDER,
        Guard.REASON,
    ),
    Transition(
        "T33",
        (
            S.SENT,
            S.RECEIVED,
            S.IN_REVIEW,
            S.INFO_REQUESTED,
            S.WAITLISTED,
            S.ACCEPTED,
            S.IN_PROGRESS,
            S.ON_HOLD,
            S.PARTIAL_OFFER,
        ),
        E.WITHDRAW,
        S.WITHDRAWN,
        Actors.SENDER,
        Guard.RECIPIENT_ASKED_TO_STOP,
    ),
    Transition("T34", _WITH_CONSENT, E.REVOKE_CONSENT, S.CONSENT_REVOKED, Actors.PERSON_OR_DPO, Guard.NO_APPROVAL),
    Transition("T35", _WITH_CONSENT, E.NARROW_CONSENT, None, Actors.PERSON_SIDE, Guard.SOME_CATEGORIES_STAY),
    Transition(
        "T36",
        (
            S.SENT,
            S.RECEIVED,
            S.IN_REVIEW,
        ),
        E.ANSWER_TIMEOUT,
        S.EXPIRED,
        Actors.CLOCK,
        Guard.ESCALATED_AT_HALF_TIME,
    ),
    Transition(
        "T37",
        (
            S.EXPIRED,
            S.DECLINED,
            S.WITHDRAWN,
        ),
        E.REROUTE,
        S.DRAFT,
        Actors.SENDER,
        Guard.NEW_RECIPIENT,
    ),
    Transition(
        "T38",
        (
            S.RECEIVED,
            S.IN_REVIEW,
        ),
        E.MARK_DUPLICATE,
        S.DUPLICATE,
        Actors.RECIPIENT,
        Guard.OTHER_NAMED,
    ),
    Transition("T39", (S.DUPLICATE,), E.SPLIT, S.IN_REVIEW, Actors.RECIPIENT_LEAD, Guard.ANOTHER_PERSON),
    Transition(
        "T40",
        (
            S.DRAFT,
            S.CONSENT_PENDING,
            S.READY,
            S.SENT,
            S.RECEIVED,
            S.IN_REVIEW,
        ),
        E.MARK_ERROR,
        S.ENTERED_IN_ERROR,
        Actors.SENDER_LEAD,
        Guard.REASON,
    ),
    Transition(
        "T41",
        (
            S.SENT,
            S.RECEIVED,
            S.IN_REVIEW,
            S.INFO_REQUESTED,
            S.WAITLISTED,
            S.ACCEPTED,
            S.IN_PROGRESS,
            S.ON_HOLD,
        ),
        E.AGREEMENT_ENDED,
        S.WITHDRAWN,
        Actors.WORKER,
        Guard.AGREEMENT_ENDED,
    ),
    Transition(
        "T42",
        (
            S.ACCEPTED,
            S.IN_PROGRESS,
            S.ON_HOLD,
            S.WAITLISTED,
        ),
        E.PERSON_SAFE,
        S.OUTCOME_REPORTED,
        Actors.EITHER,
        Guard.PERSON_IS_SAFE,
    ),
    Transition("T43", (S.ACCEPTED,), E.NOT_STARTED_TIMEOUT, S.IN_REVIEW, Actors.CLOCK, Guard.START_CLOCK_OUT),
    Transition("T44", (S.ON_HOLD,), E.REVIEW_TIMEOUT, S.IN_PROGRESS, Actors.CLOCK, Guard.REVIEW_DATE_PASSED),
    Transition("T45", (S.PARTIAL_OFFER,), E.OFFER_TIMEOUT, S.EXPIRED, Actors.CLOCK, Guard.OFFER_CLOCK_OUT),
    Transition("T46", (S.DELIVERY_FAILED,), E.GIVE_UP_TIMEOUT, S.EXPIRED, Actors.CLOCK, Guard.ANSWER_TIME_OVER),
    Transition("T47", (S.IN_PROGRESS,), E.PROGRESS_OVERDUE, None, Actors.CLOCK, Guard.PROGRESS_CLOCK_OUT),
)

NOTES: Final = frozenset({E.NOTE_PROGRESS, E.UPDATE_PACKET, E.TAKE_OVER, E.ANSWER_STOP_NOTICE, E.ASK_OVERRIDE})
"""Events that are recorded and step nothing; they are not in the table."""

FINAL: Final = frozenset(
    {S.CLOSED, S.DECLINED, S.WITHDRAWN, S.CONSENT_REVOKED, S.EXPIRED, S.ENTERED_IN_ERROR},
)
"""Nothing leaves these; a rerouting begins another referral. A duplicate is not among them: it may be split again."""

ACCESS_OPEN: Final = frozenset(
    {
        S.IN_REVIEW,
        S.INFO_REQUESTED,
        S.PARTIAL_OFFER,
        S.WAITLISTED,
        S.ACCEPTED,
        S.IN_PROGRESS,
        S.ON_HOLD,
        S.OUTCOME_REPORTED,
    }
)
"""Where people at the recipient may read the content, as far as consent goes at that instant."""

FETCHABLE: Final = frozenset({S.SENT, S.RECEIVED}) | ACCESS_OPEN
"""Where the recipient's system may fetch the packet. Before somebody takes it up, only the system holds it."""

_STEPS: Final[Mapping[tuple[ReferralState | None, ReferralEventKind], Transition]] = {
    (state, each.event): each for each in TRANSITIONS for state in each.from_states or (None,)
}


class IllegalTransition(HubError):
    """The table knows no such step from here."""

    code = "illegal_transition"
    public = "This cannot be done with the referral as it stands."

    def __init__(self, *, state: ReferralState | None, event: ReferralEventKind, **facts: object) -> None:
        super().__init__(state=state, event=event, **facts)
        self.state = state
        self.event = event


class WrongActor(IllegalTransition):
    """The step exists, and is somebody else's to take."""

    code = "wrong_actor"
    public = "This is for others to do."


def step(state: ReferralState | None, event: ReferralEventKind, actor: Actor) -> Transition:
    """Find the step an event makes.

    Args:
        state: where the referral stands; None before it exists.
        event: what happens.
        actor: who makes it happen.

    Returns:
        the row of the table. Its guard has not been looked at; `lands` tells the new state.

    Raises:
        IllegalTransition: the event means nothing here.
        WrongActor: it does, and this actor may not.
    """
    transition = _STEPS.get((state, event))
    if transition is None:
        raise IllegalTransition(state=state, event=event)
    if actor not in transition.actors.may:
        raise WrongActor(state=state, event=event, actor=actor)
    return transition


def possible(state: ReferralState | None, actor: Actor) -> tuple[ReferralEventKind, ...]:
    """List what an actor may make happen now, in the table's order, guards aside."""
    return tuple(
        event for (from_state, event), each in _STEPS.items() if from_state is state and actor in each.actors.may
    )
