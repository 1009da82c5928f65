"""Persons and their cases. Who has no tie to one is told nothing of it, not even that it is there."""

from collections.abc import Callable
from typing import Annotated, Any, Final

import strawberry
from sqlalchemy import String, Text, any_, cast, exists, func, select
from sqlalchemy.sql import ColumnElement

from schema.access import Columns, Related, narrowed
from schema.coarse import arrival_month, care_needs, current_region, household, opinion, security_advice
from schema.links import CASES, ENVELOPE, LOG, PERSONS, of_case, within_category
from schema.scalars import CountryCode, Date, LanguageTag, PartialDate
from schema.source import (
    AUDIENCE,
    Expression,
    Ordering,
    code_name,
    column,
    computed,
    embedded,
    holds,
    input_object,
    inside,
    interface,
    matches,
    one,
    page,
    part,
    plain,
    record,
    sealed,
)
from schema.tables import (
    CaseAdviceRow,
    CaseAssessmentRow,
    CaseContactRow,
    CaseFamilyRow,
    CaseHealthRow,
    CaseIdentityRow,
    CaseLocationRow,
    CaseRiskRow,
    CaseRow,
    PersonFaceRow,
    PersonRow,
)
from schema.tables.base import rows_of
from schema.types.audit import ENTRIES_IN_ORDER, AuditEntry, AuditWhere
from schema.types.basics import (
    Connection,
    Filter,
    IDFilter,
    Node,
    OrderDirection,
)
from schema.types.consents import CONSENT_ORDERS, Consent, ConsentOrderField, ConsentWhere
from schema.types.referrals import (
    REFERRAL_ORDERS,
    Referral,
    ReferralOrder,
    ReferralOrderField,
    ReferralWhere,
)
from schema.types.residents import Resident
from schema.types.staff import COLLEAGUES, Staff
from schema.vocabulary import (
    Act,
    AssessmentOpinion,
    CareNeed,
    CaseState,
    Category,
    ContactChannelKind,
    ContactRule,
    DangerLevel,
    Discipline,
    FactConfidence,
    Grain,
    Perpetrator,
    Region,
    Relation,
    SupportKind,
    Urgency,
)
from schema.vocabulary.base import Vocabulary, vocabulary

CASE: Final = of_case(Category.CASE)
OWNER: Final = narrowed(CASE, Related(COLLEAGUES | {Relation.RESIDENT}))
"""Who of ICORN works on it: not for bodies."""
PROFILE: Final = of_case(Category.CASE, Grain.COARSE)
IDENTITY: Final = of_case(Category.IDENTITY, sealed=True)
CONTACT: Final = of_case(Category.CONTACT, sealed=True)
CONTACT_COARSE: Final = of_case(Category.CONTACT, Grain.COARSE)
"""Plain beside the person: who writes to somebody looks at the rule before any key, and it names nobody."""
LOCATION_COARSE: Final = of_case(Category.LOCATION, Grain.COARSE, sealed=True)
"""Sealed, region and month too: with the profile they may be all that a hunter lacks. No list asks for them."""
RISK: Final = of_case(Category.RISK, sealed=True)
RISK_COARSE: Final = of_case(Category.RISK, Grain.COARSE, sealed=True)
HEALTH_COARSE: Final = of_case(Category.HEALTH, Grain.COARSE, sealed=True)
"""Sealed: needs tell of the illness. Their owner reads them without a flag, as cities may."""
FAMILY_COARSE: Final = of_case(Category.FAMILY, Grain.COARSE, sealed=True)
"""Sealed: lists ask for the size in the profile, and who comes along was often never asked."""
ASSESSMENT_COARSE: Final = of_case(Category.ASSESSMENT, Grain.COARSE, sealed=True)
"""Sealed: a judgement on the person, given in confidence."""
_IN_PROFILE: Final = within_category(Category.CASE, Grain.COARSE)
_IN_IDENTITY: Final = within_category(Category.IDENTITY)
_IN_CONTACT: Final = within_category(Category.CONTACT)
_IN_RISK: Final = within_category(Category.RISK)
_IN_FAMILY: Final = within_category(Category.FAMILY, Grain.COARSE)

CASES_IN_ORDER: Final = Ordering(lambda c: [func.md5(cast(c.id, Text) + AUDIENCE, type_=Text())], see=ENVELOPE)
"""An order that tells nothing, and is another for every body."""


@plain(see=_IN_PROFILE)
class Profile:
    """What a city or partner may know of a case before it knows the person."""

    disciplines: list[Discipline] = part("disciplines", see=_IN_PROFILE, says="Art forms.")
    origin_region: Region | None = part(
        "origin_region", see=_IN_PROFILE, says="Region of origin; null when not recorded."
    )
    languages: list[LanguageTag] = part("languages", see=_IN_PROFILE, says="Languages spoken.")
    household_size: int | None = part(
        "household_size", see=_IN_PROFILE, says="People who would travel; null when not asked."
    )
    support: list[SupportKind] = part("support", see=_IN_PROFILE, says="Help needed.")
    urgency: Urgency | None = part("urgency", see=_IN_PROFILE, says="How soon; null when not judged.")


PROFILE_PARTS: Final[dict[str, Expression]] = {
    "disciplines": lambda c: c.disciplines,
    "origin_region": lambda c: c.origin_region,
    "languages": lambda c: c.languages,
    "household_size": lambda c: c.household_size,
    "support": lambda c: c.support,
    "urgency": lambda c: c.urgency,
}
"""Where a profile stands in a row that holds one."""


@plain(see=_IN_IDENTITY)
class Identity:
    """Who the person is."""

    legal_name: str | None = inside("legal_name", see=_IN_IDENTITY, says="Name in papers; null when not given.")
    names: list[str] | None = inside("names", see=_IN_IDENTITY, says="Pen names and other spellings.")
    birth_date: PartialDate | None = inside("birth_date", see=_IN_IDENTITY, says="Date of birth; null when not given.")
    nationalities: list[CountryCode] | None = inside("nationalities", see=_IN_IDENTITY, says="Nationalities.")
    origin_named: str | None = inside(
        "origin_named",
        see=_IN_IDENTITY,
        says="Country or place as the person names it, never overwritten; null when the same.",
    )
    pronouns: str | None = inside(
        "pronouns", see=_IN_IDENTITY, says="As the person asks to be spoken of; null when not said."
    )


@plain(see=_IN_CONTACT)
class ContactChannel:
    """One address."""

    kind: ContactChannelKind | None = inside("kind", see=_IN_CONTACT, says="Sort of address.")
    address: str | None = inside("address", see=_IN_CONTACT, says="The address.")
    safe: bool | None = inside("safe", see=_IN_CONTACT, says="True when the person said it is safe.")


@plain(see=_IN_CONTACT)
class Contact:
    """How the person is reached. Look at the rule first."""

    rule: ContactRule | None = inside("rule", see=_IN_CONTACT, says="How the person may be reached; binds you.")
    channels: list[ContactChannel] | None = inside(
        "channels", see=_IN_CONTACT, says="Addresses, best first.", assumed=3
    )
    safe_times: str | None = inside(
        "safe_times", see=_IN_CONTACT, says="When it is safe to call, in the person's words; null when any time."
    )
    language: LanguageTag | None = inside("language", see=_IN_CONTACT, says="Language to write in; null when not said.")
    contact_person: str | None = inside(
        "contact_person", see=_IN_CONTACT, says="Who may be asked in the person's place; null when nobody."
    )


@plain(see=_IN_RISK)
class Incident:
    """Something that was done to the person."""

    act: Act | None = inside("act", see=_IN_RISK, says="What was done.")
    on: PartialDate | None = inside("on", see=_IN_RISK, says="When; null when not known.")
    by: Perpetrator | None = inside("by", see=_IN_RISK, says="By whom; null when not known.")
    account: str | None = inside("account", see=_IN_RISK, says="What happened, in words; null when not told.")


@plain(see=_IN_RISK)
class WorkSample:
    """A work shown as proof. Unpublished work can put its author in danger."""

    title: str | None = inside("title", see=_IN_RISK, says="Title; null when untitled.")
    discipline: Discipline | None = inside("discipline", see=_IN_RISK, says="Art form.")
    language: LanguageTag | None = inside("language", see=_IN_RISK, says="Language; null when none.")
    year: int | None = inside("year", see=_IN_RISK, says="Year; null when not known.")
    published: bool | None = inside("published", see=_IN_RISK, says="True when published.")
    authenticity: FactConfidence | None = inside(
        "authenticity", see=_IN_RISK, says="How sure it is that the person made it."
    )


@plain(see=_IN_RISK)
class Risk:
    """Persecution, its evidence, and its link with the work."""

    level: DangerLevel | None = inside("level", see=_IN_RISK, says="Danger as judged; null when not judged.")
    claim: str | None = inside("claim", see=_IN_RISK, says="The claim in the person's words; null when not given.")
    link_with_work: str | None = inside(
        "link_with_work", see=_IN_RISK, says="How the danger follows from the work; null when not given."
    )
    incidents: list[Incident] | None = inside(
        "incidents", see=_IN_RISK, says="What happened, newest first.", assumed=10
    )
    convicted: bool | None = inside("convicted", see=_IN_RISK, says="True when sentenced; null when not said.")
    sentence: str | None = inside("sentence", see=_IN_RISK, says="Charges and sentence; null when none.")
    samples: list[WorkSample] | None = inside(
        "samples", see=_IN_RISK, says="Works shown as proof, published or not.", assumed=10
    )


@plain(see=_IN_FAMILY)
class Household:
    """Who would travel, by number."""

    adults: int = inside("adults", see=_IN_FAMILY, says="Adults, the person included.")
    children: int = inside("children", see=_IN_FAMILY, says="Children under 18.")


def _rule(c: Columns) -> ColumnElement[str]:
    person = rows_of(PersonRow).alias()
    return select(person.c.contact_rule).where(person.c.id == c.person_id).correlate_except(person).scalar_subquery()


@interface
class CaseContent:
    """What is known of a case, by category.

    A case shows the newest version, a packet the version that was sent; the same fragments read both.
    """

    profile: Profile | None = strawberry.field(description="Coarse profile under a code.")
    identity: Identity | None = strawberry.field(description="Who the person is.")
    contact: Contact | None = strawberry.field(description="How the person is reached.")
    contact_rule: ContactRule | None = strawberry.field(description="How the person may be reached at all.")
    current_region: Region | None = strawberry.field(description="Region where the person is.")
    arrival_month: Date | None = strawberry.field(description="Month of arrival, as its first day.")
    risk: Risk | None = strawberry.field(description="Persecution and its evidence.")
    security_advice: str | None = strawberry.field(
        description="What a host must know to keep the person safe, without the story."
    )
    care_needs: list[CareNeed] | None = strawberry.field(description="What a host must provide, without the illness.")
    household: Household | None = strawberry.field(description="Who would travel, by number.")
    opinion: AssessmentOpinion | None = strawberry.field(
        description="Outcome of the newest assessment, without its text."
    )


@record(CaseRow, code="ca", see=ENVELOPE, rows=CASES, entity=True, subject=lambda c: c.person_id, veiled=True)
class Case(Node, CaseContent):
    """The file on one person: kept by the secretariat, or by a partner that sent its content along.

    A recipient reads it while its referral is open and the person consents; each category by itself.
    """

    id: strawberry.ID = column(CaseRow.id, see=ENVELOPE, says="A different id for every body.")
    code: str | None = code_name(
        CaseRow.id, see=PROFILE, says="Code name used in place of the person's name; another one for every body."
    )
    state: CaseState | None = column(CaseRow.state, see=CASE, says="Where the case stands.")
    person: Annotated["Person", strawberry.lazy("schema.types.cases")] | None = one(
        lambda here, there: there.id == here.person_id, see=CASE, says="The data subject."
    )
    opened_on: Date | None = column(CaseRow.opened_on, see=CASE, says="Day the case was opened.")
    owner: Staff | None = one(
        lambda here, there: there.id == here.owner_id, see=OWNER, says="Caseworker; null when nobody has taken it."
    )
    cover: Staff | None = one(
        lambda here, there: there.id == here.cover_id,
        see=narrowed(CASE, Related(COLLEAGUES)),
        says="Who stands in; null when nobody does.",
    )
    profile: Profile | None = embedded(
        PROFILE_PARTS,
        see=PROFILE,
        says="Coarse profile under a code.",
    )
    identity: Identity | None = sealed(
        CaseIdentityRow,
        lambda here, there: there.case_id == here.id,
        see=IDENTITY,
        says="Who the person is; null when not recorded.",
    )
    contact: Contact | None = sealed(
        CaseContactRow,
        lambda here, there: there.case_id == here.id,
        see=CONTACT,
        says="How the person is reached; null when not recorded.",
    )
    contact_rule: ContactRule | None = computed(
        _rule, see=CONTACT_COARSE, says="How the person may be reached at all; binds you."
    )
    current_region: Region | None = sealed(
        CaseLocationRow,
        lambda here, there: there.case_id == here.id,
        cut=current_region,
        see=LOCATION_COARSE,
        says="Region where the person is; null when not recorded.",
    )
    arrival_month: Date | None = sealed(
        CaseLocationRow,
        lambda here, there: there.case_id == here.id,
        cut=arrival_month,
        see=LOCATION_COARSE,
        says="Month of arrival, as its first day; null when not planned.",
    )
    risk: Risk | None = sealed(
        CaseRiskRow,
        lambda here, there: there.case_id == here.id,
        see=RISK,
        says="Persecution and its evidence; null when not recorded.",
    )
    security_advice: str | None = sealed(
        CaseAdviceRow,
        lambda here, there: there.case_id == here.id,
        cut=security_advice,
        see=RISK_COARSE,
        says="What a host must know to keep the person safe, without the story; null when nothing.",
    )
    care_needs: list[CareNeed] | None = sealed(
        CaseHealthRow,
        lambda here, there: there.case_id == here.id,
        cut=care_needs,
        see=HEALTH_COARSE,
        says="What a host must provide, without the illness; null when not recorded.",
    )
    household: Household | None = sealed(
        CaseFamilyRow,
        lambda here, there: there.case_id == here.id,
        cut=household,
        see=FAMILY_COARSE,
        says="Who would travel, by number; null when not recorded.",
    )
    opinion: AssessmentOpinion | None = sealed(
        CaseAssessmentRow,
        lambda here, there: there.case_id == here.id,
        cut=opinion,
        see=ASSESSMENT_COARSE,
        says="Outcome of the newest assessment, without its text; null when not recorded.",
    )
    referrals: Connection[Referral] | None = page(
        on=lambda here, there: there.case_id == here.id,
        where=ReferralWhere,
        order=ReferralOrder,
        orders=REFERRAL_ORDERS,
        default=REFERRAL_ORDERS[ReferralOrderField.SINCE],
        see=CASE,
        says="Referrals of this case that you are a side of.",
    )


def _file(name: str) -> Callable[[Columns], ColumnElement[Any]]:
    """Read a column of the person's file; of the first, should there be several."""

    def pick(c: Columns) -> ColumnElement[Any]:
        case = rows_of(CaseRow).alias()
        found = select(case.c[name]).where(case.c.person_id == c.id).order_by(case.c.opened_on, case.c.id).limit(1)
        return found.correlate_except(case).scalar_subquery()

    return pick


def _is_face(here: Columns, there: Columns) -> ColumnElement[bool]:
    face = rows_of(PersonFaceRow).alias()
    same = exists().where(face.c.person_id == here.id, face.c.resident_id == there.id)
    return same.correlate_except(face)


@record(PersonRow, code="pe", see=ENVELOPE, rows=PERSONS, subject=lambda c: c.id, veiled=True)
class Person(Node):
    """The data subject: consents, rules and rights belong here, work belongs to the case."""

    id: strawberry.ID = column(PersonRow.id, see=ENVELOPE, says="A different id for every body.")
    cases: Connection[Case] | None = page(
        on=lambda here, there: there.person_id == here.id,
        default=CASES_IN_ORDER,
        see=ENVELOPE,
        says="Cases you have a relation to.",
    )
    resident: Resident | None = one(
        _is_face,
        see=of_case(
            Category.IDENTITY,
            case=_file("id"),
            person=lambda c: c.id,
            own=_file("holder_id"),
            sealed=True,
        ),
        says="Public face; null when there is none.",
    )
    consents: Connection[Consent] | None = page(
        on=lambda here, there: there.person_id == here.id,
        where=ConsentWhere,
        default=CONSENT_ORDERS[ConsentOrderField.ENDS],
        see=within_category(Category.CASE),
        says="Consents you may see: your own, those naming your body, or those of cases you own.",
    )
    access_log: Connection[AuditEntry] | None = page(
        on=lambda here, there: here.id == any_(there.subjects),
        where=AuditWhere,
        default=ENTRIES_IN_ORDER,
        see=LOG,
        says="Who looked at the person's data, when, which categories and why.",
    )


@input_object
class CaseWhere:
    """Which cases. Narrows those you have a relation to; a condition on what you may not read is refused."""

    state: Filter[CaseState] | None = matches(CaseRow.state, see=CASE, says="By state.")
    discipline: Filter[Discipline] | None = matches(CaseRow.disciplines, see=PROFILE, says="By discipline.")
    urgency: Filter[Urgency] | None = matches(CaseRow.urgency, see=PROFILE, says="By urgency.")
    origin_region: Filter[Region] | None = matches(CaseRow.origin_region, see=PROFILE, says="By region of origin.")
    owner: IDFilter | None = matches(CaseRow.owner_id, see=OWNER, says="By caseworker.")
    unowned: bool | None = holds(
        lambda c, wanted: c.owner_id.is_(None) == wanted, see=OWNER, says="Without a caseworker."
    )


@vocabulary
class CaseOrderField(Vocabulary):
    """Keys to order Case by. Each has an index."""

    OPENED = ("opened", "By the day of opening.")


@input_object
class CaseOrder:
    """An order of Case."""

    field: CaseOrderField = strawberry.field(description="Key.")
    direction: OrderDirection = strawberry.field(description="Direction.", default=OrderDirection.ASC)


CASE_ORDERS: Final = {CaseOrderField.OPENED: Ordering(lambda c: [cast(c.opened_on, String)], see=CASE)}
