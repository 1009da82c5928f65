"""Cases, consents and referrals: one mutation for each step. The steps are those of the state machine.

Long, because it is the one list of them: each line is held beside the table of transitions.
"""

from typing import Annotated, Final

import strawberry
from strawberry import UNSET

from schema.access import PARTNERS, Access, AllOf, Related, Scoped
from schema.changes import change, key, payload, shown, told, wanted
from schema.mutations.problems import ConsentProblem, SimpleProblem, StateProblem
from schema.scalars import Base64, CompactJws, CountryCode, Date, LanguageTag, PartialDate
from schema.source import input_object
from schema.types.cases import Case
from schema.types.consents import Consent
from schema.types.packets import Packet
from schema.types.referrals import Referral, ReferralEvent
from schema.vocabulary import (
    AccessScope,
    Act,
    AssessmentOpinion,
    CareNeed,
    Category,
    ClosingReason,
    ConsentChannel,
    ContactChannelKind,
    ContactRule,
    DangerLevel,
    DeclineReason,
    Discipline,
    FactConfidence,
    FactSource,
    Feedback,
    Grain,
    LegalBasis,
    Perpetrator,
    Purpose,
    Region,
    Relation,
    SupportKind,
    Urgency,
)

_REPLAYED: Final = "True when the same key was used before: nothing was done twice."
_DESK: Final = frozenset({Relation.CASEWORKER, Relation.LEAD})
_PERSON: Final = frozenset({Relation.RESIDENT, Relation.CONTACT_PERSON})


def _for(relations: frozenset[Relation], *scopes: AccessScope) -> Access:
    return Access(Category.CASE, Grain.FULL, AllOf((Scoped(frozenset(scopes)), Related(relations))))


OPEN: Final = _for(_DESK, AccessScope.CASE_WRITE)
RECORD_FACTS: Final = _for(_DESK | _PERSON, AccessScope.CASE_WRITE, AccessScope.SELF_WRITE)
SEND: Final = _for(_DESK | PARTNERS, AccessScope.REFERRAL_SEND)
BRING: Final = _for(PARTNERS, AccessScope.REFERRAL_SEND)
ACKNOWLEDGE: Final = Access(
    Category.CASE, Grain.EXISTS, AllOf((Scoped(frozenset({AccessScope.REFERRAL_RECEIVE})), Related(PARTNERS)))
)
RECEIVE: Final = _for(_DESK | PARTNERS, AccessScope.REFERRAL_RECEIVE)
DECIDE: Final = _for(_DESK | PARTNERS, AccessScope.REFERRAL_DECIDE)
EITHER: Final = _for(_DESK | PARTNERS, AccessScope.REFERRAL_DECIDE, AccessScope.REFERRAL_SEND)
RECORD: Final = _for(
    _DESK | PARTNERS | _PERSON,
    AccessScope.REFERRAL_SEND,
    AccessScope.SELF_CONSENT,
    AccessScope.CONSENT_MANAGE,
)
REVOKE: Final = _for(
    _PERSON | PARTNERS | {Relation.DPO},
    AccessScope.SELF_CONSENT,
    AccessScope.CONSENT_MANAGE,
    AccessScope.REFERRAL_SEND,
)


# ---- What is known of a person ---------------------------------------------------------------------------------------


@input_object
class ProfileInput:
    """Coarse profile: what may be told under a code."""

    disciplines: list[Discipline] | None = wanted(says="Art forms.", absent=UNSET)
    origin_region: Region | None = wanted(says="Region of origin.", absent=UNSET)
    languages: list[LanguageTag] | None = wanted(says="Languages spoken.", absent=UNSET)
    household_size: int | None = wanted(says="Persons who would travel, the applicant among them.", absent=UNSET)
    support: list[SupportKind] | None = wanted(says="Help needed.", absent=UNSET)
    urgency: Urgency | None = wanted(says="How soon.", absent=UNSET)


@input_object
class IdentityInput:
    """Who the person is. Sealed."""

    legal_name: str | None = wanted(says="Name in papers.", absent=UNSET)
    names: list[str] | None = wanted(says="Pen names and other spellings.", absent=UNSET)
    birth_date: PartialDate | None = wanted(says="Date of birth.", absent=UNSET)
    nationalities: list[CountryCode] | None = wanted(says="Nationalities.", absent=UNSET)
    origin_named: str | None = wanted(says="Origin as the person names it.", absent=UNSET)
    pronouns: str | None = wanted(says="As the person asks to be spoken of.", absent=UNSET)


@input_object
class ContactChannelInput:
    """One address."""

    kind: ContactChannelKind = wanted(says="Sort.")
    address: str = wanted(says="Address.")
    safe: bool = wanted(says="Said to be safe.", absent=False)


@input_object
class ContactInput:
    """How the person is reached. Sealed, but for the rule, which binds at once."""

    rule: ContactRule = wanted(says="How the person may be reached. Nobody writes where the rule says never.")
    channels: list[ContactChannelInput] | None = wanted(says="Addresses, best first.", absent=UNSET)
    safe_times: str | None = wanted(says="When it is safe.", absent=UNSET)
    language: LanguageTag | None = wanted(says="Language to write in.", absent=UNSET)
    contact_person: str | None = wanted(says="Who may be asked instead.", absent=UNSET)


@input_object
class IncidentInput:
    """Something that was done to the person."""

    act: Act | None = wanted(says="What was done.", absent=UNSET)
    on: PartialDate | None = wanted(says="When.", absent=UNSET)
    by: Perpetrator | None = wanted(says="By whom.", absent=UNSET)
    account: str | None = wanted(says="What happened, in words.", absent=UNSET)


@input_object
class WorkSampleInput:
    """A work shown as proof. Sealed with the risk: unpublished work can put its author in danger."""

    title: str | None = wanted(says="Title.", absent=UNSET)
    discipline: Discipline | None = wanted(says="Art form.", absent=UNSET)
    language: LanguageTag | None = wanted(says="Language.", absent=UNSET)
    year: int | None = wanted(says="Year.", absent=UNSET)
    published: bool | None = wanted(says="True when published.", absent=UNSET)
    authenticity: FactConfidence | None = wanted(says="How sure it is that the person made it.", absent=UNSET)


@input_object
class RiskInput:
    """Persecution, its evidence, and its link with the work. Sealed."""

    level: DangerLevel | None = wanted(says="Danger as judged.", absent=UNSET)
    claim: str | None = wanted(says="The claim in the person's words.", absent=UNSET)
    link_with_work: str | None = wanted(says="How the danger follows from the work.", absent=UNSET)
    incidents: list[IncidentInput] | None = wanted(says="What happened, newest first.", absent=UNSET)
    convicted: bool | None = wanted(says="True when sentenced.", absent=UNSET)
    sentence: str | None = wanted(says="Charges and sentence.", absent=UNSET)


@input_object
class LocationInput:
    """Where the person is, as coarsely as partners may know it. Sealed."""

    current_region: Region | None = wanted(says="Region where the person is.", absent=UNSET)
    arrival_month: Date | None = wanted(says="Month of arrival, as its first day.", absent=UNSET)


@input_object
class HealthInput:
    """What a host must know of health, without the illness. Sealed."""

    care_needs: list[CareNeed] | None = wanted(says="What a host must provide.", absent=UNSET)


@input_object
class HouseholdInput:
    """Who would travel, by number."""

    adults: int = wanted(says="Adults, the person included.")
    children: int = wanted(says="Children under 18.")


@input_object
class FamilyInput:
    """Family. Sealed."""

    household: HouseholdInput | None = wanted(says="Who would travel, by number.", absent=UNSET)


@input_object
class AssessmentInput:
    """What an assessment found. Sealed."""

    opinion: AssessmentOpinion | None = wanted(says="Outcome of the newest one.", absent=UNSET)


@input_object
class FactProvenanceInput:
    """Where given facts of a person come from. `Provenance` tells of public facts, and names published sources."""

    source: FactSource = wanted(says="Source.")
    as_of: PartialDate | None = wanted(says="When it was so; today when not given.", absent=None)
    confidence: FactConfidence = wanted(says="How sure.", absent=FactConfidence.CLAIMED)


@input_object
class CaseContentInput:
    """What is known of a person."""

    provenance: FactProvenanceInput | None = wanted(
        says="Where it comes from. Needed to record facts; what a partner brings comes from the partner.", absent=None
    )
    profile: ProfileInput | None = wanted(says="Coarse profile.", absent=UNSET)
    identity: IdentityInput | None = wanted(says="Who the person is.", absent=UNSET)
    contact: ContactInput | None = wanted(
        says="How the person is reached; where nothing is said nobody writes.", absent=UNSET
    )
    location: LocationInput | None = wanted(says="Where the person is.", absent=UNSET)
    risk: RiskInput | None = wanted(says="Persecution.", absent=UNSET)
    health: HealthInput | None = wanted(says="Health.", absent=UNSET)
    family: FamilyInput | None = wanted(says="Family.", absent=UNSET)
    assessment: AssessmentInput | None = wanted(says="What an assessment found.", absent=UNSET)
    works: list[WorkSampleInput] | None = wanted(says="Works shown as proof.", absent=UNSET)


# ---- Inputs ----------------------------------------------------------------------------------------------------------


@input_object
class OpenCaseInput:
    """Open a case on a new person."""

    idempotency_key: strawberry.ID = key()
    content: CaseContentInput = wanted(says="What is known.")


@input_object
class RecordFactsInput:
    """New or better facts of a case. Only what is given is written; null erases."""

    idempotency_key: strawberry.ID = key()
    case: strawberry.ID = wanted(says="The case.")
    content: CaseContentInput = wanted(says="What is known now, and where it comes from.")


@input_object
class CreateReferralInput:
    """Begin a referral. Nothing leaves yet."""

    idempotency_key: strawberry.ID = key()
    case: strawberry.ID | None = wanted(
        says="Your case in the hub; null when you keep the person elsewhere.", absent=None
    )
    content: CaseContentInput | None = wanted(says="Content, for bodies that keep their cases elsewhere.", absent=None)
    recipient: strawberry.ID = wanted(says="Body to ask.")
    purpose: Purpose = wanted(says="Why.")
    urgency: Urgency = wanted(says="How soon.")
    services: list[SupportKind] = wanted(says="Help asked for.")
    sender_reference: str | None = wanted(says="Your own file number; must not name a person.", absent=None)


@input_object
class RequestConsentInput:
    """Ask the person, by the contact rule and in the person's language."""

    idempotency_key: strawberry.ID = key()
    referral: strawberry.ID = wanted(says="The draft.")
    categories: list[Category] = wanted(says="Categories to release.")
    until: Date = wanted(says="Last day.")


@input_object
class RecordConsentInput:
    """The person's answer. What was given cuts what was asked."""

    idempotency_key: strawberry.ID = key()
    consent: strawberry.ID = wanted(says="Consent asked for.")
    given: list[Category] = wanted(says="Categories released; empty is a refusal.")
    channel: ConsentChannel = wanted(says="How it was given.")
    wording_version: str = wanted(says="Wording shown.")
    language: LanguageTag = wanted(says="Language shown.")
    until: Date | None = wanted(says="Earlier last day; null leaves what was asked.", absent=None)
    basis: LegalBasis = wanted(says="Ground in law.")


@input_object
class RevokeConsentInput:
    """Withdraw a consent."""

    idempotency_key: strawberry.ID = key()
    consent: strawberry.ID = wanted(says="The consent.")
    channel: ConsentChannel = wanted(says="How it was withdrawn.")


@input_object
class SendReferralInput:
    """Freeze the packet and send it."""

    idempotency_key: strawberry.ID = key()
    referral: strawberry.ID = wanted(says="The referral.")


@input_object
class RetryDeliveryInput:
    """Try again with the same packet."""

    idempotency_key: strawberry.ID = key()
    referral: strawberry.ID = wanted(says="The referral.")


@input_object
class ConsentTakenInput:
    """The person's yes to ICORN, as you took it."""

    categories: list[Category] = wanted(says="Categories released. Content of others is refused.")
    until: Date = wanted(says="Last day.")
    channel: ConsentChannel = wanted(says="How it was given.")
    wording_version: str = wanted(says="Wording shown.")
    language: LanguageTag = wanted(says="Language shown.")
    basis: LegalBasis = wanted(says="Ground in law.")


@input_object
class SubmitReferralInput:
    """Hand a person over to ICORN in one go."""

    idempotency_key: strawberry.ID = key()
    content: CaseContentInput = wanted(says="What is known, no more than the person allowed.")
    purpose: Purpose = wanted(says="Why.")
    urgency: Urgency = wanted(says="How soon.")
    services: list[SupportKind] = wanted(says="Help asked for.")
    consent: ConsentTakenInput = wanted(says="The person's yes.")
    sender_reference: str | None = wanted(says="Your own file number; must not name a person.", absent=None)


@input_object
class AcknowledgeReferralInput:
    """Your system holds the packet."""

    idempotency_key: strawberry.ID = key()
    referral: strawberry.ID = wanted(says="The referral.")
    digest: Base64 = wanted(says="SHA-256 of the packet, as you fetched it.")
    receipt: CompactJws = wanted(says="Receipt for this packet, signed with your key for the handoff.")
    reference: str | None = wanted(says="Your own file number; must not name a person.", absent=None)


@input_object
class TakeReferralInput:
    """Take it up."""

    idempotency_key: strawberry.ID = key()
    referral: strawberry.ID = wanted(says="The referral.")


@input_object
class AcceptReferralInput:
    """Accept all that was asked."""

    idempotency_key: strawberry.ID = key()
    referral: strawberry.ID = wanted(says="The referral.")
    start_by: Date | None = wanted(says="When help can start.", absent=None)
    note: str | None = wanted(says="Words for the sender.", absent=None)


@input_object
class DeclineReferralInput:
    """Decline. Neutral for the person."""

    idempotency_key: strawberry.ID = key()
    referral: strawberry.ID = wanted(says="The referral.")
    reason: DeclineReason = wanted(says="Why.")
    text: str | None = wanted(says="Words for the sender; needed for OTHER.", absent=None)


@input_object
class StartReferralInput:
    """Help begins."""

    idempotency_key: strawberry.ID = key()
    referral: strawberry.ID = wanted(says="The referral.")
    note: str | None = wanted(says="Words for the sender.", absent=None)


@input_object
class ReportOutcomeInput:
    """What came of it."""

    idempotency_key: strawberry.ID = key()
    referral: strawberry.ID = wanted(says="The referral.")
    reason: ClosingReason = wanted(says="How it ended.")
    feedback: Feedback | None = wanted(says="How it was answered.", absent=None)
    text: str | None = wanted(says="Words, no more than consented.", absent=None)


@input_object
class ConfirmOutcomeInput:
    """Close the loop."""

    idempotency_key: strawberry.ID = key()
    referral: strawberry.ID = wanted(says="The referral.")


@input_object
class WithdrawReferralInput:
    """Take it back."""

    idempotency_key: strawberry.ID = key()
    referral: strawberry.ID = wanted(says="The referral.")
    reason: ClosingReason = wanted(says="Why.")
    note: str | None = wanted(says="Kept for the sender.", absent=None)


# ---- Answers ---------------------------------------------------------------------------------------------------------


@payload
class CasePayload:
    """Success. A change of a case."""

    case: Case | None = shown(says="The case as it is now.")
    replayed: bool = told(says=_REPLAYED)


@payload
class ConsentPayload:
    """Success. A change of a consent."""

    consent: Consent | None = shown(says="The consent.")
    referral: Referral | None = shown(says="The referral; null when it is not concerned.")
    replayed: bool = told(says=_REPLAYED)


@payload
class ReferralPayload:
    """Success. A change of a referral."""

    referral: Referral | None = shown(says="The referral as it is now.")
    event: ReferralEvent | None = shown(says="The event it made; null when none.")
    consent: Consent | None = shown(says="The consent it rests on; null when none.")
    packet: Packet | None = shown(says="What of it was sent; null when nothing was.")
    replayed: bool = told(says=_REPLAYED)


CaseResult = Annotated[
    CasePayload | SimpleProblem | StateProblem,
    strawberry.union("CaseResult", description="A change of a case. Or why nothing was done."),
]
ConsentResult = Annotated[
    ConsentPayload | SimpleProblem | StateProblem,
    strawberry.union("ConsentResult", description="A change of a consent. Or why nothing was done."),
]
ReferralResult = Annotated[
    ReferralPayload | SimpleProblem | StateProblem | ConsentProblem,
    strawberry.union("ReferralResult", description="A change of a referral. Or why nothing was done."),
]


@strawberry.type
class CaseworkMutations:
    """Mutations of cases, consents and referrals."""

    open_case: CaseResult | None = change(OpenCaseInput, see=OPEN, says="Open a case on a new person.")
    record_facts: CaseResult | None = change(
        RecordFactsInput,
        see=RECORD_FACTS,
        says="Write facts with their source, date and confidence. By who works on the case, or the person.",
    )
    create_referral: ReferralResult | None = change(
        CreateReferralInput, see=SEND, says="T01. Begin a referral; nothing leaves yet. Sender only."
    )
    request_consent: ConsentResult | None = change(
        RequestConsentInput, see=SEND, says="T02. Ask the person. Sender only."
    )
    record_consent: ConsentResult | None = change(
        RecordConsentInput,
        see=RECORD,
        says="T03, T04. The person's answer; what was given cuts what was asked. By the person or who keeps the file.",
    )
    revoke_consent: ConsentResult | None = change(
        RevokeConsentInput,
        see=REVOKE,
        says="T34. Withdraw a consent: it wins over everything else at the same moment.",
    )
    send_referral: ReferralResult | None = change(
        SendReferralInput,
        see=SEND,
        says="T07. Freeze the packet and send it; consent is read again. Sender only; risk needs a lead.",
    )
    retry_delivery: ReferralResult | None = change(
        RetryDeliveryInput, see=SEND, says="T09. Try again with the same packet under the same key. Sender only."
    )
    submit_referral: ReferralResult | None = change(
        SubmitReferralInput,
        see=BRING,
        says="T01, T02, T03, T07, T10. Hand a person over to ICORN in one go, with the consent you took. Nobody there "
        "reads of it but the envelope until somebody takes it up. Partners only.",
    )
    acknowledge_referral: ReferralResult | None = change(
        AcknowledgeReferralInput,
        see=ACKNOWLEDGE,
        says="T10. Your system confirms receipt, by a signed receipt; the same as one posted to the inbox. "
        "Recipient only.",
    )
    take_referral: ReferralResult | None = change(
        TakeReferralInput,
        see=RECEIVE,
        says="T12. A person takes it up; the content can be read from here. Recipient only.",
    )
    accept_referral: ReferralResult | None = change(
        AcceptReferralInput, see=DECIDE, says="T16, T21. Accept all that was asked. Recipient only."
    )
    decline_referral: ReferralResult | None = change(
        DeclineReferralInput, see=DECIDE, says="T23. Decline with a reason; access ends at once. Recipient only."
    )
    start_referral: ReferralResult | None = change(
        StartReferralInput, see=DECIDE, says="T24. Help begins. Recipient only."
    )
    report_outcome: ReferralResult | None = change(
        ReportOutcomeInput,
        see=EITHER,
        says="T28, T42. Report what came of it. Recipient; that the person is safe, either side.",
    )
    confirm_outcome: ReferralResult | None = change(
        ConfirmOutcomeInput, see=SEND, says="T29. Close the loop. Sender only."
    )
    withdraw_referral: ReferralResult | None = change(
        WithdrawReferralInput, see=SEND, says="T32, T33. Take it back. Sender only."
    )
