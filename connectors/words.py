"""The words of the wire: those of the hub's vocabularies, written out, as this ground does not know the other.

A test holds them against `schema.vocabulary`. Words of single partners stand in their own files.
"""

from typing import Final, Literal, TypeAlias, get_args

Category: TypeAlias = Literal[
    "case",
    "identity",
    "contact",
    "location",
    "risk",
    "health",
    "family",
    "assessment",
]
"""What a field may belong to; public and network facts need no handing over."""
Purpose: TypeAlias = Literal[
    "residency_placement",
    "emergency_help",
    "financial_help",
    "assessment",
    "legal_help",
    "health_help",
    "academic_placement",
    "publication",
    "advocacy",
    "duplicate_check",
    "statistics",
    "legal_duty",
]
"""Why."""
Urgency: TypeAlias = Literal[
    "emergency",
    "urgent",
    "normal",
]
"""How soon."""
SupportKind: TypeAlias = Literal[
    "residency",
    "short_stay",
    "fellowship",
    "placement",
    "relocation",
    "relocation_grant",
    "emergency_grant",
    "legal_aid",
    "medical",
    "psychosocial",
    "visa_support",
    "support_letter",
    "assessment",
    "work_authentication",
    "advocacy",
    "quiet_advocacy",
    "digital_security",
    "physical_security",
    "family_support",
    "training",
    "publication",
    "translation",
    "advisory",
    "referral",
    "hotline",
    "rest",
]
"""Help asked for and given."""
Region: TypeAlias = Literal[
    "northern_africa",
    "eastern_africa",
    "middle_africa",
    "southern_africa",
    "western_africa",
    "caribbean",
    "central_america",
    "south_america",
    "northern_america",
    "central_asia",
    "eastern_asia",
    "south_eastern_asia",
    "southern_asia",
    "western_asia",
    "eastern_europe",
    "northern_europe",
    "southern_europe",
    "western_europe",
    "australia_and_new_zealand",
    "melanesia",
    "micronesia",
    "polynesia",
]
"""Where somebody comes from, as coarse as routing needs it."""
DeclineReason: TypeAlias = Literal[
    "outside_mandate",
    "outside_region",
    "not_eligible",
    "no_capacity",
    "no_funds",
    "cannot_verify",
    "already_helped_here",
    "already_helped_elsewhere",
    "security_risk",
    "conflict_of_interest",
    "missing_information",
    "person_unreachable",
    "violence_advocated",
    "other",
]
"""Why a body says no."""
ClosingReason: TypeAlias = Literal[
    "helped_as_asked",
    "helped_in_part",
    "helped_elsewhere",
    "residency_started",
    "grant_paid",
    "opinion_given",
    "forwarded",
    "person_declined",
    "person_safe",
    "person_withdrew",
    "person_unreachable",
    "person_detained",
    "person_died",
    "permit_refused",
    "no_outcome",
    "agreement_ended",
    "error",
]
"""How it ended."""
State: TypeAlias = Literal[
    "draft",
    "consent_pending",
    "ready",
    "sent",
    "delivery_failed",
    "received",
    "in_review",
    "info_requested",
    "partial_offer",
    "waitlisted",
    "accepted",
    "in_progress",
    "on_hold",
    "outcome_reported",
    "closed",
    "declined",
    "withdrawn",
    "consent_revoked",
    "expired",
    "duplicate",
    "entered_in_error",
]
"""Where a referral stands in the books of who says so."""
RecipientEvent: TypeAlias = Literal[
    "take",
    "ask",
    "accept",
    "offer_part",
    "waitlist",
    "capacity_free",
    "decline",
    "start",
    "pause",
    "resume",
    "forward",
    "report_outcome",
    "mark_duplicate",
    "person_safe",
    "note_progress",
    "take_over",
]
"""What the recipient may tell the sender."""
SenderEvent: TypeAlias = Literal[
    "answer",
    "agree_part",
    "reject_part",
    "confirm",
    "contest",
    "person_safe",
]
"""What the sender may tell the recipient, beside packets and stop notices."""
StopCause: TypeAlias = Literal[
    "withdrawn",
    "consent_revoked",
    "consent_narrowed",
    "entered_in_error",
    "agreement_ended",
    "expired",
    "erasure",
]
"""Why the recipient must stop."""
CareNeed: TypeAlias = Literal[
    "quiet_home",
    "step_free_home",
    "doctor_near",
    "counselling",
    "interpreter",
    "other",
]
"""What a host must provide: values of `care_needs`."""
AssessmentOpinion: TypeAlias = Literal["supported", "supported_in_part", "not_supported", "inconclusive"]
"""Outcome of an assessment: values of `opinion`."""
ContactRule: TypeAlias = Literal["direct", "via_contact_person", "never", "channel_only"]
"""How a person may be reached: values of `rule`."""
DeletionAnswer: TypeAlias = Literal["deleted", "kept_by_law", "unable"]
"""What became of the data."""

CATEGORIES: Final[tuple[Category, ...]] = get_args(Category)
DECLINE_REASONS: Final[tuple[DeclineReason, ...]] = get_args(DeclineReason)
CLOSING_REASONS: Final[tuple[ClosingReason, ...]] = get_args(ClosingReason)

FIELDS: Final[dict[Category, tuple[str, ...]]] = {
    "case": (
        "disciplines",
        "origin_region",
        "languages",
        "household_size",
        "support",
        "urgency",
        "permit_outlook",
        "available_from_month",
        "summary",
    ),
    "identity": ("legal_name", "names", "birth_date", "nationalities", "origin_named", "pronouns", "papers"),
    "contact": ("rule", "channels", "safe_times", "language", "contact_person"),
    "location": (
        "current_region",
        "arrival_month",
        "country",
        "place",
        "address",
        "since",
        "in_hiding",
        "travel_plan",
        "arrival_on",
    ),
    "risk": ("level", "claim", "link_with_work", "incidents", "convicted", "sentence", "security_advice"),
    "health": ("care_needs", "account", "medication", "disability"),
    "family": ("household", "members", "left_behind"),
    "assessment": ("opinion",),
}
"""The fields of each category, in the hub's words: those of the graph, with small letters."""
