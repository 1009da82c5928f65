"""State names of the lives a case goes through. The transitions are tables of their own.

Each state is a code of `vocabularies.csv`, each event one of `referral_transitions.csv`; tests hold them together.
Descriptions are shown in the graph.
"""

from schema.vocabulary.base import Vocabulary, vocabulary


@vocabulary
class ApplicationState(Vocabulary):
    """Standing of an application."""

    DRAFT = ("draft", "Being written.")
    SUBMITTED = ("submitted", "Sent in.")
    RECEIPT_CONFIRMED = ("receipt_confirmed", "Receipt confirmed.")
    SCREENING = ("screening", "Secretariat screens.")
    INFO_REQUESTED = ("info_requested", "Applicant or contact asked.")
    IN_ASSESSMENT = ("in_assessment", "With assessors.")
    DECISION_PENDING = ("decision_pending", "Waiting for decision.")
    APPROVED = ("approved", "Approved: candidate.")
    REFUSED = ("refused", "Refused.")
    REFERRED_OUT = ("referred_out", "Handed to a partner.")
    ON_HOLD = ("on_hold", "On hold.")
    WITHDRAWN = ("withdrawn", "Withdrawn by the person.")
    CLOSED = ("closed", "Closed.")


@vocabulary
class CandidacyState(Vocabulary):
    """Standing of a candidacy."""

    AVAILABLE = ("available", "May be presented.")
    PAUSED = ("paused", "Paused by the person.")
    RECONFIRM_DUE = ("reconfirm_due", "Facts need confirming.")
    PRESENTED = ("presented", "Shown to a city.")
    SELECTED = ("selected", "Chosen by a city.")
    INVITED = ("invited", "Invited.")
    ACCEPTED = ("accepted", "Invitation accepted.")
    ENDED = ("ended", "No longer candidate.")


@vocabulary
class PresentationState(Vocabulary):
    """Standing of a presentation."""

    PREPARED = ("prepared", "Prepared.")
    SHOWN = ("shown", "Open to the city.")
    SHORTLISTED = ("shortlisted", "Shortlisted.")
    CHOSEN = ("chosen", "Chosen.")
    NOT_CHOSEN = ("not_chosen", "Not chosen.")
    EXPIRED = ("expired", "View closed.")
    RECALLED = ("recalled", "Taken back.")


@vocabulary
class InvitationState(Vocabulary):
    """Standing of an invitation."""

    DRAFTED = ("drafted", "Drafted.")
    SENT = ("sent", "Sent.")
    ACCEPTED = ("accepted", "Accepted.")
    DECLINED = ("declined", "Declined, neutral.")
    LAPSED = ("lapsed", "No answer.")
    CANCELLED_BY_CITY = ("cancelled_by_city", "Cancelled by city.")


@vocabulary
class ResidencyState(Vocabulary):
    """Standing of a residency."""

    PERMIT_PENDING = ("permit_pending", "Permit under way.")
    TRAVEL = ("travel", "Travelling.")
    ARRIVED = ("arrived", "Arrived.")
    ACTIVE = ("active", "Active.")
    EXTENDED = ("extended", "Extended.")
    MOVED = ("moved", "Moved to another host.")
    ENDED = ("ended", "Ended.")
    BROKEN_OFF = ("broken_off", "Broken off.")


@vocabulary
class ReferralState(Vocabulary):
    """Standing of a referral; 21 states, both directions."""

    DRAFT = ("draft", "Sender writes. FHIR Task: draft.")
    CONSENT_PENDING = ("consent_pending", "Waiting for the person. FHIR Task: draft.")
    READY = ("ready", "Cleared for sending. FHIR Task: draft.")
    SENT = ("sent", "Sent, not yet acknowledged. FHIR Task: requested.")
    DELIVERY_FAILED = ("delivery_failed", "Transport failed. FHIR Task: requested.")
    RECEIVED = ("received", "Acknowledged by the recipient. FHIR Task: received.")
    IN_REVIEW = ("in_review", "A person judges it. FHIR Task: received.")
    INFO_REQUESTED = ("info_requested", "Counter-question open. FHIR Task: on-hold.")
    PARTIAL_OFFER = ("partial_offer", "Part offered, waiting for agreement. FHIR Task: received.")
    WAITLISTED = ("waitlisted", "Fits, no room now. FHIR Task: accepted.")
    ACCEPTED = ("accepted", "Accepted. FHIR Task: accepted.")
    IN_PROGRESS = ("in_progress", "Help given. FHIR Task: in-progress.")
    ON_HOLD = ("on_hold", "Paused. FHIR Task: on-hold.")
    OUTCOME_REPORTED = ("outcome_reported", "Outcome sent, sender to confirm. FHIR Task: completed.")
    CLOSED = ("closed", "Loop closed. FHIR Task: completed.")
    DECLINED = ("declined", "Declined with reason. FHIR Task: rejected.")
    WITHDRAWN = ("withdrawn", "Taken back by sender. FHIR Task: cancelled.")
    CONSENT_REVOKED = ("consent_revoked", "Ended by the person. FHIR Task: cancelled.")
    EXPIRED = ("expired", "No answer in time. FHIR Task: failed.")
    DUPLICATE = ("duplicate", "Joined to an earlier one. FHIR Task: cancelled.")
    ENTERED_IN_ERROR = ("entered_in_error", "Made in error. FHIR Task: entered-in-error.")


@vocabulary
class ReferralEventKind(Vocabulary):
    """What happened in a referral: the events of the state machine."""

    CREATE = ("create", "T01: none to draft, by sender caseworker.")
    ASK_CONSENT = ("ask_consent", "T02: draft to consent_pending, by sender caseworker.")
    CONSENT_GIVEN = ("consent_given", "T03: consent_pending to ready, by person or contact person.")
    CONSENT_REFUSED = ("consent_refused", "T04: consent_pending to withdrawn, by person or contact person.")
    CONSENT_TIMEOUT = ("consent_timeout", "T05: consent_pending to draft, by clock.")
    OVERRIDE_VITAL_INTEREST = (
        "override_vital_interest",
        "T06: draft, consent_pending to ready, by sender lead, second lead confirms.",
    )
    SEND = ("send", "T07: ready to sent, by sender caseworker, second person if risk or health is included.")
    DELIVERY_ERROR = ("delivery_error", "T08: sent to delivery_failed, by system.")
    RETRY = ("retry", "T09: delivery_failed to sent, by sender caseworker.")
    ACKNOWLEDGE = ("acknowledge", "T10: sent to received, by recipient system.")
    DUPLICATE_DETECTED = ("duplicate_detected", "T11: sent to duplicate, by recipient system.")
    TAKE = ("take", "T12: received to in_review, by recipient caseworker.")
    ASK = ("ask", "T13: in_review to info_requested, by recipient caseworker.")
    ANSWER = ("answer", "T14: info_requested to in_review, by sender caseworker.")
    QUESTION_TIMEOUT = ("question_timeout", "T15: info_requested to in_review, by clock.")
    ACCEPT = ("accept", "T16: in_review to accepted, by recipient caseworker.")
    OFFER_PART = ("offer_part", "T17: in_review to partial_offer, by recipient caseworker.")
    AGREE_PART = ("agree_part", "T18: partial_offer to accepted, by sender caseworker with the person.")
    REJECT_PART = ("reject_part", "T19: partial_offer to withdrawn, by sender caseworker with the person.")
    WAITLIST = ("waitlist", "T20: in_review to waitlisted, by recipient caseworker.")
    CAPACITY_FREE = ("capacity_free", "T21: waitlisted to accepted, by recipient caseworker.")
    REVIEW_TIMEOUT = (
        "review_timeout",
        "T22: waitlisted to in_review, by clock. T44: on_hold to in_progress, by clock.",
    )
    DECLINE = ("decline", "T23: in_review to declined, by recipient caseworker.")
    START = ("start", "T24: accepted to in_progress, by recipient caseworker.")
    PAUSE = ("pause", "T25: in_progress to on_hold, by recipient caseworker.")
    RESUME = ("resume", "T26: on_hold to in_progress, by recipient caseworker.")
    FORWARD = ("forward", "T27: in_progress to in_progress, by recipient caseworker.")
    REPORT_OUTCOME = ("report_outcome", "T28: in_progress to outcome_reported, by recipient caseworker.")
    CONFIRM = ("confirm", "T29: outcome_reported to closed, by sender caseworker.")
    CONTEST = ("contest", "T30: outcome_reported to in_progress, by sender caseworker or person.")
    CONFIRM_TIMEOUT = ("confirm_timeout", "T31: outcome_reported to closed, by clock.")
    WITHDRAW = (
        "withdraw",
        (
            "T32: draft, consent_pending, ready, delivery_failed to withdrawn, by sender caseworker. T33: sent, "
            "received, in_review, info_requested, waitlisted, accepted, in_progress, on_hold, partial_offer to "
            "withdrawn, by sender caseworker."
        ),
    )
    REVOKE_CONSENT = (
        "revoke_consent",
        (
            "T34: ready, sent, delivery_failed, received, in_review, info_requested, partial_offer, waitlisted, "
            "accepted, in_progress, on_hold, outcome_reported to consent_revoked, by person, contact person or data "
            "protection officer."
        ),
    )
    NARROW_CONSENT = (
        "narrow_consent",
        (
            "T35: ready, sent, delivery_failed, received, in_review, info_requested, partial_offer, waitlisted, "
            "accepted, in_progress, on_hold, outcome_reported to same, by person or contact person."
        ),
    )
    ANSWER_TIMEOUT = ("answer_timeout", "T36: sent, received, in_review to expired, by clock.")
    REROUTE = ("reroute", "T37: expired, declined, withdrawn to draft, by sender caseworker.")
    MARK_DUPLICATE = ("mark_duplicate", "T38: received, in_review to duplicate, by recipient caseworker.")
    SPLIT = ("split", "T39: duplicate to in_review, by recipient lead.")
    MARK_ERROR = (
        "mark_error",
        "T40: draft, consent_pending, ready, sent, received, in_review to entered_in_error, by sender lead.",
    )
    AGREEMENT_ENDED = (
        "agreement_ended",
        (
            "T41: sent, received, in_review, info_requested, waitlisted, accepted, in_progress, on_hold to withdrawn, "
            "by system."
        ),
    )
    PERSON_SAFE = (
        "person_safe",
        "T42: accepted, in_progress, on_hold, waitlisted to outcome_reported, by either caseworker.",
    )
    NOT_STARTED_TIMEOUT = ("not_started_timeout", "T43: accepted to in_review, by clock.")
    OFFER_TIMEOUT = ("offer_timeout", "T45: partial_offer to expired, by clock.")
    GIVE_UP_TIMEOUT = ("give_up_timeout", "T46: delivery_failed to expired, by clock.")
    PROGRESS_OVERDUE = ("progress_overdue", "T47: in_progress to same, by clock.")
    NOTE_PROGRESS = ("note_progress", "No change of state: a note of progress.")
    UPDATE_PACKET = ("update_packet", "No change of state: a newer version of the content.")
    TAKE_OVER = ("take_over", "No change of state: the recipient copied the content on its own legal basis.")
    ANSWER_STOP_NOTICE = ("answer_stop_notice", "No change of state: the recipient answered a stop notice.")
    ASK_OVERRIDE = ("ask_override", "No change of state: a second lead was asked to confirm an override.")
