"""PEN International: requests for an opinion on a writer's case, in the words of its case lists.

It is asked about work, acts, evidence and one question. The names of the fields are ours until PEN says others. What a
host must know (health, household, place) is none of its form and stays unmapped.
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
    """Where it is, and what it is asked."""

    question: str = "Does the danger follow from the person's writing or other expression?"


# Words

PROFESSION: Final = {
    "blogging": "blogger",
    "novel": "novelist",
    "drama": "playwright",
    "journalism": "journalist",
    "singer_songwriter": "songwriter",
    "poetry": "poet",
    "non_fiction": "non-fiction writer",
    "cartoon": "cartoonist",
    "translation": "translator",
    "screenwriting": "screenwriter",
    "publishing": "publisher",
    "editing": "editor",
    "short_story": "short-story writer",
    "essay": "essayist",
    "children_literature": "children's writer",
    "academic": "academic",
    "librarianship": "librarian",
}
REQUEST: Final = {
    "assessment": "opinion on persecution",
    "work_authentication": "authentication of works",
    "advocacy": "campaign",
    "quiet_advocacy": "private representation",
    "support_letter": "letter of support",
    "emergency_grant": "emergency fund",
    "publication": "publication",
    "translation": "translation",
    "referral": "referral",
}
ACTS: Final = {
    "killing": "killed",
    "attempted_killing": "attempted murder",
    "disappearance": "enforced disappearance",
    "abduction": "abducted",
    "detention": "imprisoned",
    "arrest": "brief detention",
    "house_arrest": "house arrest",
    "unfair_trial": "judicial concern",
    "death_threat": "death threat",
    "threat": "threatened",
    "assault": "attacked",
    "online_harassment": "harassed online",
    "torture": "tortured",
    "travel_ban": "travel ban",
    "exile": "forcibly displaced",
    "censorship": "censored",
    "work_banned": "book banned",
    "speech_ban": "silenced",
    "lawsuit_abuse": "strategic lawsuit",
}
PRIORITY: Final = {"emergency": "rapid action", "urgent": "priority", "normal": "standard"}
FINDING: Final = {
    "supported": "case of concern",
    "supported_in_part": "concern in part",
    "not_supported": "not a PEN case",
    "inconclusive": "under investigation",
}

TABLE: Final = Table(
    "pen_international/1",
    (
        Row("writer_profession", "case", "disciplines", PROFESSION),
        Row("writer_languages", "case", "languages"),
        Row("writer_region", "case", "origin_region"),
        Row("work_summary", "case", "summary"),
        Row("request", "case", "support", REQUEST),
        Row("priority", "case", "urgency", PRIORITY),
        Row("writer_name", "identity", "legal_name"),
        Row("writer_pen_names", "identity", "names"),
        Row("writer_birth_date", "identity", "birth_date"),
        Row("writer_nationalities", "identity", "nationalities"),
        Row("contact_rule", "contact", "rule"),
        Row("contact_channels", "contact", "channels"),
        Row("contact_language", "contact", "language"),
        Row("contact_person", "contact", "contact_person"),
        Row("case_claim", "risk", "claim"),
        Row("case_link_with_expression", "risk", "link_with_work"),
        Row("case_acts", "risk", "incidents", ACTS, "act"),
        Row("case_convicted", "risk", "convicted"),
        Row("case_sentence", "risk", "sentence"),
        Row("earlier_finding", "assessment", "opinion", FINDING),
    ),
)

# Class


class PenInternational(SignedPartner[Settings]):
    """PEN International."""

    network: ClassVar[str] = "pen_international"
    form: ClassVar[str] = TABLE.name
    decline_reasons: ClassVar[Mapping[str, str]] = {
        "not a writer": "outside_mandate",
        "not a PEN case": "not_eligible",
        "insufficient evidence": "cannot_verify",
        "more information needed": "missing_information",
        "advocates violence": "violence_advocated",
        "no centre available": "no_capacity",
        "fund exhausted": "no_funds",
        "harm feared": "security_risk",
        "handled by another body": "already_helped_elsewhere",
    }
    closing_reasons: ClassVar[Mapping[str, str]] = {
        "opinion given": "opinion_given",
        "grant paid": "grant_paid",
        "handled by another body": "helped_elsewhere",
        "writer safe": "person_safe",
        "writer released": "helped_as_asked",
        "writer withdrew": "person_withdrew",
        "writer unreachable": "person_unreachable",
        "writer detained": "person_detained",
        "writer died": "person_died",
        "under investigation": "no_outcome",
    }

    def encode(self, content: Content) -> Form:
        """Write content in its words, and ask."""
        return TABLE.encode(content, question=self.settings.question)

    def decode(self, form: Form) -> Decoded:
        """Read its form. What it asks is shown beside, as the hub's content holds no question."""
        return TABLE.decode(form)
