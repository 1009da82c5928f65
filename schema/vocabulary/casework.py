"""Vocabularies of the case file and of referrals that the graph brings itself; `vocabularies.csv` has none of them."""

from schema.vocabulary.base import Vocabulary, vocabulary


@vocabulary
class CaseState(Vocabulary):
    """Coarse standing of a case."""

    OPEN = ("open", "Somebody works on it.")
    WAITING = ("waiting", "A candidate waits for a place.")
    HOSTED = ("hosted", "A residency runs.")
    CLOSED = ("closed", "Over; retention runs.")


@vocabulary
class DangerLevel(Vocabulary):
    """Danger as judged."""

    LOW = ("low", "Low.")
    RAISED = ("raised", "Raised.")
    HIGH = ("high", "High.")
    EXTREME = ("extreme", "Life in danger now.")


@vocabulary
class ServiceAnswer(Vocabulary):
    """What became of a kind of help."""

    ASKED = ("asked", "No answer yet.")
    OFFERED = ("offered", "In a part offer.")
    ACCEPTED = ("accepted", "Accepted.")
    DECLINED = ("declined", "Declined.")


@vocabulary
class ClockKind(Vocabulary):
    """What is waited for."""

    ACKNOWLEDGE = ("acknowledge", "The recipient's system.")
    FIRST_LOOK = ("first_look", "The first human look.")
    DECISION = ("decision", "A decision.")
    QUESTION = ("question", "An answer to a question.")
    CONSENT = ("consent", "The person's answer.")
    OFFER = ("offer", "Agreement to a part offer.")
    REVIEW = ("review", "A review date.")
    START = ("start", "The start of help.")
    PROGRESS = ("progress", "A note of progress.")
    CONFIRM = ("confirm", "Confirmation of the outcome.")
    ASSESSMENT = ("assessment", "An assessment.")


@vocabulary
class ReferralEventKind(Vocabulary):
    """What happened in a referral: the events of the state machine, then those that change no state."""

    CREATE = ("create", "T01: none to draft.")
    ASK_CONSENT = ("ask_consent", "T02: draft to consent_pending.")
    CONSENT_GIVEN = ("consent_given", "T03: consent_pending to ready.")
    CONSENT_REFUSED = ("consent_refused", "T04: consent_pending to withdrawn.")
    CONSENT_TIMEOUT = ("consent_timeout", "T05: consent_pending to draft.")
    OVERRIDE_VITAL_INTEREST = ("override_vital_interest", "T06: draft or consent_pending to ready.")
    SEND = ("send", "T07: ready to sent.")
    DELIVERY_ERROR = ("delivery_error", "T08: sent to delivery_failed.")
    RETRY = ("retry", "T09: delivery_failed to sent.")
    ACKNOWLEDGE = ("acknowledge", "T10: sent to received.")
    DUPLICATE_DETECTED = ("duplicate_detected", "T11: sent to duplicate.")
    TAKE = ("take", "T12: received to in_review.")
    ASK = ("ask", "T13: in_review to info_requested.")
    ANSWER = ("answer", "T14: info_requested to in_review.")
    QUESTION_TIMEOUT = ("question_timeout", "T15: info_requested to in_review.")
    ACCEPT = ("accept", "T16: in_review to accepted.")
    OFFER_PART = ("offer_part", "T17: in_review to partial_offer.")
    AGREE_PART = ("agree_part", "T18: partial_offer to accepted.")
    REJECT_PART = ("reject_part", "T19: partial_offer to withdrawn.")
    WAITLIST = ("waitlist", "T20: in_review to waitlisted.")
    CAPACITY_FREE = ("capacity_free", "T21: waitlisted to accepted.")
    REVIEW_TIMEOUT = ("review_timeout", "T22: waitlisted to in_review. T44: on_hold to in_progress.")
    DECLINE = ("decline", "T23: in_review to declined.")
    START = ("start", "T24: accepted to in_progress.")
    PAUSE = ("pause", "T25: in_progress to on_hold.")
    RESUME = ("resume", "T26: on_hold to in_progress.")
    FORWARD = ("forward", "T27: in_progress, handed on to a third body.")
    REPORT_OUTCOME = ("report_outcome", "T28: in_progress to outcome_reported.")
    CONFIRM = ("confirm", "T29: outcome_reported to closed.")
    CONTEST = ("contest", "T30: outcome_reported to in_progress.")
    CONFIRM_TIMEOUT = ("confirm_timeout", "T31: outcome_reported to closed.")
    WITHDRAW = ("withdraw", "T32, T33: to withdrawn.")
    REVOKE_CONSENT = ("revoke_consent", "T34: to consent_revoked.")
    NARROW_CONSENT = ("narrow_consent", "T35: the content is cut, the state stays.")
    ANSWER_TIMEOUT = ("answer_timeout", "T36: to expired.")
    REROUTE = ("reroute", "T37: a new draft follows.")
    MARK_DUPLICATE = ("mark_duplicate", "T38: to duplicate.")
    SPLIT = ("split", "T39: duplicate to in_review.")
    MARK_ERROR = ("mark_error", "T40: to entered_in_error.")
    AGREEMENT_ENDED = ("agreement_ended", "T41: to withdrawn.")
    PERSON_SAFE = ("person_safe", "T42: to outcome_reported.")
    NOT_STARTED_TIMEOUT = ("not_started_timeout", "T43: accepted to in_review.")
    OFFER_TIMEOUT = ("offer_timeout", "T45: partial_offer to expired.")
    GIVE_UP_TIMEOUT = ("give_up_timeout", "T46: delivery_failed to expired.")
    PROGRESS_OVERDUE = ("progress_overdue", "T47: a reminder, the state stays.")
    NOTE_PROGRESS = ("note_progress", "No change of state: a note of progress.")
    UPDATE_PACKET = ("update_packet", "No change of state: a newer version of the content.")
    TAKE_OVER = ("take_over", "No change of state: the recipient copied the content on its own legal basis.")
    ANSWER_STOP_NOTICE = ("answer_stop_notice", "No change of state: the recipient answered a stop notice.")
    ASK_OVERRIDE = ("ask_override", "No change of state: a second lead was asked to confirm an override.")


@vocabulary
class AuditKind(Vocabulary):
    """What an entry records."""

    READ = ("read", "Data were read.")
    CHANGE = ("change", "Something was changed.")
    SENT = ("sent", "Something left the hub.")
    REFUSED = ("refused", "A request was refused.")
    BREAK_GLASS = ("break_glass", "A sealed category was opened.")
    EXPORT = ("export", "An export was made.")
