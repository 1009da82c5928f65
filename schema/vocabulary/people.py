"""Vocabularies about data of persons: category, purpose, consent, visibility.

Each member's value is the code of `vocabularies.csv`; a test holds the two against each other. Descriptions are shown
in the graph.
"""

from schema.vocabulary.base import Vocabulary, vocabulary


@vocabulary
class Category(Vocabulary):
    """Classes of data by danger. Scopes, consents, agreements and the audit speak in these."""

    PUBLIC = ("public", "Public.")
    NETWORK = ("network", "Network.")
    CASE = ("case", "Case.")
    IDENTITY = ("identity", "Identity.")
    CONTACT = ("contact", "Contact.")
    LOCATION = ("location", "Location.")
    RISK = ("risk", "Persecution evidence.")
    HEALTH = ("health", "Health.")
    FAMILY = ("family", "Family.")
    ASSESSMENT = ("assessment", "Assessment.")


@vocabulary
class Purpose(Vocabulary):
    """Why data are used.

    Each request declares one in the header Purpose-Of-Use; it must equal the purpose of the referral or consent it
    relies on.
    """

    RESIDENCY_PLACEMENT = ("residency_placement", "Find a residency.")
    EMERGENCY_HELP = ("emergency_help", "Emergency help.")
    FINANCIAL_HELP = ("financial_help", "Money help.")
    ASSESSMENT = ("assessment", "Opinion on persecution.")
    LEGAL_HELP = ("legal_help", "Legal help.")
    HEALTH_HELP = ("health_help", "Health help.")
    ACADEMIC_PLACEMENT = ("academic_placement", "Academic post.")
    PUBLICATION = ("publication", "Publishing and promotion.")
    ADVOCACY = ("advocacy", "Advocacy.")
    DUPLICATE_CHECK = ("duplicate_check", "Finding duplicates.")
    STATISTICS = ("statistics", "Statistics.")
    LEGAL_DUTY = ("legal_duty", "Legal duty.")


@vocabulary
class LegalBasis(Vocabulary):
    """Ground in the General Data Protection Regulation."""

    ART6_1_A = ("art6_1_a", "Consent, GDPR 6(1)(a).")
    ART6_1_B = ("art6_1_b", "Agreement with the person, GDPR 6(1)(b).")
    ART6_1_C = ("art6_1_c", "Legal duty, GDPR 6(1)(c).")
    ART6_1_D = ("art6_1_d", "Vital interests, GDPR 6(1)(d).")
    ART6_1_E = ("art6_1_e", "Public task, GDPR 6(1)(e).")
    ART6_1_F = ("art6_1_f", "Legitimate interests, GDPR 6(1)(f).")
    ART9_2_A = ("art9_2_a", "Explicit consent, GDPR 9(2)(a).")
    ART9_2_C = ("art9_2_c", "Vital interests, person unable, GDPR 9(2)(c).")
    ART9_2_D = ("art9_2_d", "Not-for-profit body with political or religious aim (probably not ICORN), GDPR 9(2)(d).")
    ART9_2_E = ("art9_2_e", "Made public by the person, GDPR 9(2)(e).")
    ART9_2_F = ("art9_2_f", "Legal claims, GDPR 9(2)(f).")
    ART10 = ("art10", "Criminal convictions: only as law allows, GDPR 10.")
    ART49_1_A = ("art49_1_a", "Transfer on explicit consent, GDPR 49(1)(a).")
    ART49_1_F = ("art49_1_f", "Transfer for vital interests, GDPR 49(1)(f).")


@vocabulary
class ConsentState(Vocabulary):
    """Standing of a consent."""

    REQUESTED = ("requested", "Asked.")
    GIVEN = ("given", "Given.")
    REFUSED = ("refused", "Refused.")
    LIMITED = ("limited", "Given in part.")
    WITHDRAWN = ("withdrawn", "Withdrawn.")
    EXPIRED = ("expired", "Ran out.")
    SUPERSEDED = ("superseded", "Replaced.")


@vocabulary
class ConsentChannel(Vocabulary):
    """How a consent was given."""

    IN_APP = ("in_app", "In the system.")
    SIGNED_PAPER = ("signed_paper", "Signed paper.")
    ENCRYPTED_MESSAGE = ("encrypted_message", "Encrypted message.")
    VOICE_RECORDED = ("voice_recorded", "Recorded voice.")
    VOICE_WITNESSED = ("voice_witnessed", "Voice with witness.")
    VIA_CONTACT_PERSON = ("via_contact_person", "Through the contact person.")
    VITAL_INTEREST_OVERRIDE = ("vital_interest_override", "No consent, life in danger.")


@vocabulary
class ContactRule(Vocabulary):
    """How a person may be reached. Binds every message, also a partner's."""

    DIRECT = ("direct", "May be contacted.")
    VIA_CONTACT_PERSON = ("via_contact_person", "Only through the contact person.")
    NEVER = ("never", "Never contact.")
    CHANNEL_ONLY = ("channel_only", "Only by named channel.")


@vocabulary
class Visibility(Vocabulary):
    """How a person wishes to be shown."""

    PUBLIC_NAMED = ("public_named", "Public with name.")
    PUBLIC_PSEUDONYM = ("public_pseudonym", "Public under another name.")
    NETWORK_ONLY = ("network_only", "Network only.")
    CONFIDENTIAL = ("confidential", "Confidential.")
    PROTECTED_IDENTITY = ("protected_identity", "Protected identity.")


@vocabulary
class FactConfidence(Vocabulary):
    """How sure a fact is."""

    CLAIMED = ("claimed", "Said by the person.")
    REFEREE_CONFIRMED = ("referee_confirmed", "Confirmed by a referee.")
    DOCUMENT_SEEN = ("document_seen", "Document seen.")
    VERIFIED = ("verified", "Verified.")
    DISPUTED = ("disputed", "Disputed.")
    STALE = ("stale", "Needs confirming.")


@vocabulary
class BreakGlassReason(Vocabulary):
    """Why a sealed category is opened in an emergency."""

    LIFE_IN_DANGER = ("life_in_danger", "Life in danger.")
    PERSON_MISSING = ("person_missing", "Person missing.")
    LEGAL_ORDER = ("legal_order", "Legal order.")
    DATA_BREACH = ("data_breach", "Data breach work.")
    SYSTEM_REPAIR = ("system_repair", "Repair.")
