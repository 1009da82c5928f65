"""Vocabularies of access: who asks, how much a field shows, which scopes exist.

Relations are the rows of `access_matrix.csv`; scopes are those of the access model.
"""

from collections.abc import Mapping
from typing import Final

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


LETS: Final[Mapping[AccessScope, str]] = {
    AccessScope.PUBLIC_READ: "Read what everybody may read.",
    AccessScope.NETWORK_READ: "Read what is shared inside the network: coordinators, places, agreements in short.",
    AccessScope.CAPACITY_WRITE: "Change the places and the capacity of cities.",
    AccessScope.PRESENTATION_READ: "Read the presentations of people that are shown to cities.",
    AccessScope.CASE_READ: "Read cases: their state, dates, needs, languages and size of household.",
    AccessScope.CASE_WRITE: "Change cases.",
    AccessScope.IDENTITY_READ: "Read who people are: names, birth dates, nationalities, papers, pictures.",
    AccessScope.CONTACT_READ: "Read how people can be reached safely.",
    AccessScope.LOCATION_READ: "Read where people are, and how they travel.",
    AccessScope.RISK_READ: "Read what threatens people: threats, acts, perpetrators, evidence.",
    AccessScope.HEALTH_READ: "Read about people's health.",
    AccessScope.FAMILY_READ: "Read about people's partners, children and relatives.",
    AccessScope.ASSESSMENT_READ: "Read assessments: opinions, statements of referees, reasons of refusals.",
    AccessScope.ASSESSMENT_WRITE: "Write assessments.",
    AccessScope.REFERRAL_SEND: "Refer people to other bodies.",
    AccessScope.REFERRAL_RECEIVE: "Receive people whom other bodies refer.",
    AccessScope.REFERRAL_DECIDE: "Accept and decline referrals.",
    AccessScope.RESIDENCY_READ: "Read about residencies.",
    AccessScope.RESIDENCY_WRITE: "Change residencies.",
    AccessScope.CONSENT_MANAGE: "Record and withdraw the consent of people.",
    AccessScope.AGREEMENT_MANAGE: "Change the agreements with other bodies.",
    AccessScope.AUDIT_READ: "Read who has seen and changed what.",
    AccessScope.STATS_READ: "Read totals, with small numbers left out.",
    AccessScope.BREAKGLASS_USE: "Open records that are closed, when a life is in danger.",
    AccessScope.SELF_READ: "Read what the hub keeps about you.",
    AccessScope.SELF_WRITE: "Change what the hub keeps about you.",
    AccessScope.SELF_CONSENT: "Give and withdraw consent for you.",
    AccessScope.SELF_EXPORT: "Make a copy of all that the hub keeps about you.",
    AccessScope.SELF_ERASE: "Erase what the hub keeps about you.",
    AccessScope.DELEGATE_READ: "Read what a person has let you see of them.",
    AccessScope.DELEGATE_CONSENT: "Give and withdraw consent for a person who asked you to.",
}
"""What each scope lets a client do in a person's name, as the person is asked: one sentence."""


@vocabulary
class Side(Vocabulary):
    """The two ends of a referral."""

    SENDER = ("sender", "The body that hands the person over.")
    RECIPIENT = ("recipient", "The body that is asked to help.")
