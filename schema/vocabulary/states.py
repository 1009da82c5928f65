"""State names of the lives a case goes through. The transitions are tables of their own.

Each member's value is the code of `vocabularies.csv`; a test holds the two against each other. Descriptions are shown
in the graph.
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
