"""Scholars at Risk: a form for scholars, from eligibility to attestation.

Its parts are those its public form asks for: eligibility, person, academic record, risk, attestation. The names of the
fields are ours until the network says others. Works that are not scholarship have no place in it and stay unmapped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from connectors import signed
from connectors.content import Content
from connectors.forms import Row, Table
from connectors.messages import Form
from connectors.protocol import Decoded
from connectors.signed import SignedPartner

# Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(signed.Settings):
    """Where it is, and who attests what is sent there."""

    attested_by: str = "International Cities of Refuge Network"


# Words

HELP: Final = {
    "placement": "temporary academic position",
    "fellowship": "fellowship",
    "short_stay": "short-term visit",
    "relocation": "relocation",
    "emergency_grant": "emergency funding",
    "visa_support": "immigration advice",
    "support_letter": "letter of support",
    "advocacy": "public advocacy",
    "quiet_advocacy": "private advocacy",
    "advisory": "advisory services",
    "referral": "referral",
    "training": "professional development",
}
FIELD: Final = {
    "academic": "scholarship",
    "librarianship": "library and archives",
    "translation": "translation studies",
    "curating": "museum studies",
}
HASTE: Final = {"emergency": "immediate", "urgent": "within weeks", "normal": "not immediate"}
DANGER: Final = {"low": "low", "medium": "moderate", "high": "severe", "extreme": "imminent"}
ACTS: Final = {
    "killing": "killing",
    "attempted_killing": "attempted killing",
    "assault": "violence",
    "death_threat": "death threat",
    "threat": "threat",
    "threat_family": "threat against family",
    "disappearance": "disappearance",
    "detention": "imprisonment",
    "arrest": "arrest",
    "unfair_trial": "prosecution",
    "work_loss": "loss of position",
    "travel_ban": "restriction on travel",
    "surveillance": "surveillance",
    "online_harassment": "online harassment",
    "censorship": "censorship",
}
REACH: Final = {
    "direct": "may be contacted",
    "via_contact_person": "contact the representative only",
    "never": "do not contact",
    "channel_only": "contact by the named channel only",
}
CORROBORATION: Final = {
    "supported": "corroborated",
    "supported_in_part": "corroborated in part",
    "not_supported": "not corroborated",
    "inconclusive": "inconclusive",
}

TABLE: Final = Table(
    "scholars_at_risk/1",
    (
        Row("eligibility_field", "case", "disciplines", FIELD),
        Row("eligibility_languages", "case", "languages"),
        Row("eligibility_assistance", "case", "support", HELP),
        Row("eligibility_timing", "case", "urgency", HASTE),
        Row("eligibility_available_from", "case", "available_from_month"),
        Row("academic_record_summary", "case", "summary"),
        Row("person_region_of_origin", "case", "origin_region"),
        Row("person_full_name", "identity", "legal_name"),
        Row("person_other_names", "identity", "names"),
        Row("person_date_of_birth", "identity", "birth_date"),
        Row("person_citizenships", "identity", "nationalities"),
        Row("person_pronouns", "identity", "pronouns"),
        Row("contact_permission", "contact", "rule", REACH),
        Row("contact_channels", "contact", "channels"),
        Row("contact_safe_times", "contact", "safe_times"),
        Row("contact_language", "contact", "language"),
        Row("contact_representative", "contact", "contact_person"),
        Row("location_region", "location", "current_region"),
        Row("location_country", "location", "country"),
        Row("risk_severity", "risk", "level", DANGER),
        Row("risk_description", "risk", "claim"),
        Row("risk_link_to_academic_work", "risk", "link_with_work"),
        Row("risk_incidents", "risk", "incidents", ACTS, "act"),
        Row("risk_convicted", "risk", "convicted"),
        Row("family_accompanying", "family", "household"),
        Row("family_members", "family", "members"),
        Row("external_corroboration", "assessment", "opinion", CORROBORATION),
    ),
)

# Class


class ScholarsAtRisk(SignedPartner[Settings]):
    """Scholars at Risk."""

    network: ClassVar[str] = "scholars_at_risk"
    form: ClassVar[str] = TABLE.name
    decline_reasons: ClassVar[Mapping[str, str]] = {
        "not a scholar": "outside_mandate",
        "not eligible": "not_eligible",
        "no host available": "no_capacity",
        "no funding": "no_funds",
        "risk not established": "cannot_verify",
        "application incomplete": "missing_information",
        "no response from applicant": "person_unreachable",
        "assisted by another body": "already_helped_elsewhere",
        "already on file": "already_helped_here",
    }
    closing_reasons: ClassVar[Mapping[str, str]] = {
        "position found": "helped_as_asked",
        "advice given": "helped_in_part",
        "assisted by another body": "helped_elsewhere",
        "scholar declined": "person_declined",
        "scholar safe": "person_safe",
        "scholar withdrew": "person_withdrew",
        "no response from scholar": "person_unreachable",
        "visa refused": "permit_refused",
        "closed without position": "no_outcome",
    }

    def encode(self, content: Content) -> Form:
        """Write content in its words, and attest it."""
        return TABLE.encode(content, attestation=self.settings.attested_by)

    def decode(self, form: Form) -> Decoded:
        """Read its form. Who attests it is shown beside, as nothing of the hub's says so."""
        return TABLE.decode(form)
