"""Vocabularies of access: who asks, how much a field shows, which scopes exist.

Relations are the rows of `access_matrix.csv`; scopes are those of the access model.
"""

from schema.vocabulary.base import Vocabulary, vocabulary


@vocabulary
class Grain(Vocabulary):
    """How much of a category a field shows. The letters are those of the access matrix."""

    EXISTS = ("exists", "Only that the record exists, under a random id (M).")
    TOTALS = ("totals", "Totals only, small numbers suppressed (A).")
    COARSE = ("coarse", "A coded or coarse form: region for country, month for day, need for illness (C).")
    FULL = ("full", "The value itself (V, O, B).")


@vocabulary
class Relation(Vocabulary):
    """Who asks, and what ties the actor to this person: the rows of the access matrix."""

    ANONYMOUS = ("anonymous", "Anonymous public.")
    PARTNER_AGREEMENT = ("partner_agreement", "Partner body, agreement valid, no referral.")
    PARTNER_REFERRAL = ("partner_referral", "Partner body holding a referral with consent.")
    ASSESSOR = ("assessor", "Assessor on a request (PEN and others).")
    CITY_CANDIDATE = ("city_candidate", "Coordinator, candidate city.")
    CITY_HOST = ("city_host", "Coordinator, host city.")
    NATIONAL_HELPER = ("national_helper", "National helper.")
    CASEWORKER = ("caseworker", "Secretariat caseworker.")
    LEAD = ("lead", "Secretariat lead.")
    DPO = ("dpo", "Data protection officer.")
    BOARD = ("board", "Board member.")
    RESIDENT = ("resident", "Resident or applicant.")
    CONTACT_PERSON = ("contact_person", "Contact person of the applicant.")
    AUDITOR = ("auditor", "Auditor.")
    OPERATOR = ("operator", "System operator.")


@vocabulary
class AccessScope(Vocabulary):
    """Scopes of the tokens. The description gives the name used in OAuth."""

    PUBLIC_READ = ("public:read", "public:read")
    NETWORK_READ = ("network:read", "network:read")
    CAPACITY_WRITE = ("capacity:write", "capacity:write")
    PRESENTATION_READ = ("presentation:read", "presentation:read")
    CASE_READ = ("case:read", "case:read")
    CASE_WRITE = ("case:write", "case:write")
    IDENTITY_READ = ("identity:read", "identity:read")
    CONTACT_READ = ("contact:read", "contact:read")
    LOCATION_READ = ("location:read", "location:read")
    RISK_READ = ("risk:read", "risk:read")
    HEALTH_READ = ("health:read", "health:read")
    FAMILY_READ = ("family:read", "family:read")
    ASSESSMENT_READ = ("assessment:read", "assessment:read")
    ASSESSMENT_WRITE = ("assessment:write", "assessment:write")
    REFERRAL_SEND = ("referral:send", "referral:send")
    REFERRAL_RECEIVE = ("referral:receive", "referral:receive")
    REFERRAL_DECIDE = ("referral:decide", "referral:decide")
    RESIDENCY_READ = ("residency:read", "residency:read")
    RESIDENCY_WRITE = ("residency:write", "residency:write")
    CONSENT_MANAGE = ("consent:manage", "consent:manage")
    AGREEMENT_MANAGE = ("agreement:manage", "agreement:manage")
    AUDIT_READ = ("audit:read", "audit:read")
    STATS_READ = ("stats:read", "stats:read")
    BREAKGLASS_USE = ("breakglass:use", "breakglass:use")
    SELF_READ = ("self:read", "self:read")
    SELF_WRITE = ("self:write", "self:write")
    SELF_CONSENT = ("self:consent", "self:consent")
    SELF_EXPORT = ("self:export", "self:export")
    SELF_ERASE = ("self:erase", "self:erase")
    DELEGATE_READ = ("delegate:read", "delegate:read")
    DELEGATE_CONSENT = ("delegate:consent", "delegate:consent")


@vocabulary
class Side(Vocabulary):
    """The two ends of a referral."""

    SENDER = ("sender", "The body that hands the person over.")
    RECIPIENT = ("recipient", "The body that is asked to help.")
