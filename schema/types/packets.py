"""Packets: what was sent of a person, frozen, and cut to the person's consent each time it is read."""

from typing import Any, Final

import strawberry
from sqlalchemy import ColumnElement, Text, any_, cast, exists, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from schema.access import Columns
from schema.coarse import arrival_month, care_needs, current_region, household, opinion, security_advice
from schema.links import ENVELOPE, PACKETS, of_case
from schema.scalars import Base64, Date, DateTime
from schema.source import TODAY, column, computed, embedded, record, sealed
from schema.standing import running
from schema.tables import (
    ConsentRow,
    PacketAdviceRow,
    PacketAssessmentRow,
    PacketContactRow,
    PacketCopyRow,
    PacketFamilyRow,
    PacketHealthRow,
    PacketIdentityRow,
    PacketLocationRow,
    PacketRiskRow,
    ReferralRow,
)
from schema.tables.base import rows_of
from schema.types.basics import Node, digest_read
from schema.types.cases import PROFILE_PARTS, CaseContent, Contact, Household, Identity, Profile, Risk
from schema.vocabulary import AssessmentOpinion, CareNeed, Category, ContactRule, Grain, Region


def _case(c: Columns) -> ColumnElement[Any]:
    case: ColumnElement[Any] = c.case_id
    return case


CASE: Final = of_case(Category.CASE, case=_case)
PROFILE: Final = of_case(Category.CASE, Grain.COARSE, case=_case)
IDENTITY: Final = of_case(Category.IDENTITY, case=_case, sealed=True)
CONTACT: Final = of_case(Category.CONTACT, case=_case, sealed=True)
RISK: Final = of_case(Category.RISK, case=_case, sealed=True)
RISK_COARSE: Final = of_case(Category.RISK, Grain.COARSE, case=_case, sealed=True)
# Plain or sealed as on a case, where it says why.
CONTACT_COARSE: Final = of_case(Category.CONTACT, Grain.COARSE, case=_case)
LOCATION_COARSE: Final = of_case(Category.LOCATION, Grain.COARSE, case=_case, sealed=True)
HEALTH_COARSE: Final = of_case(Category.HEALTH, Grain.COARSE, case=_case, sealed=True)
FAMILY_COARSE: Final = of_case(Category.FAMILY, Grain.COARSE, case=_case, sealed=True)
ASSESSMENT_COARSE: Final = of_case(Category.ASSESSMENT, Grain.COARSE, case=_case, sealed=True)


def _open_now(c: Columns) -> ColumnElement[Any]:
    """Give the categories of the packet that the consent it rests on opens today, in their order."""
    consent, referral = rows_of(ConsentRow).alias(), rows_of(ReferralRow).alias()
    sent = func.unnest(cast(c.categories, ARRAY(Text()))).table_valued("category").render_derived(name="sent")
    allows = (
        exists()
        .where(
            referral.c.id == c.referral_id,
            consent.c.id == referral.c.consent_id,
            running(consent.c),
            consent.c.from_on <= TODAY,
            consent.c.until_on >= TODAY,
            sent.c.category == any_(cast(consent.c.categories, ARRAY(Text()))),
        )
        .correlate_except(consent, referral)
    )
    open_ones = select(func.array_agg(sent.c.category)).select_from(sent).where(allows)
    return func.coalesce(
        open_ones.correlate_except(sent).scalar_subquery(), cast(literal("{}"), ARRAY(Text())), type_=ARRAY(Text())
    )


@record(PacketCopyRow, code="pk", see=ENVELOPE, rows=PACKETS, subject=lambda c: c.person_id)
class Packet(Node, CaseContent):
    """The frozen content of a referral. Narrowed or withdrawn consent cuts it on the next read."""

    id: strawberry.ID = column(PacketCopyRow.id, see=ENVELOPE, says="Opaque id.")
    version: int | None = column(PacketCopyRow.version, see=CASE, says="1, 2, 3 ...; later facts are new versions.")
    sealed_at: DateTime | None = column(PacketCopyRow.sealed_at, see=CASE, says="When it was frozen.")
    categories: list[Category] | None = computed(
        _open_now,
        see=CASE,
        says="Categories that the consent opens now, of those that were sent; whether or not anything is recorded.",
    )
    profile: Profile | None = embedded(
        PROFILE_PARTS,
        present=lambda c: literal(Category.CASE.value) == any_(cast(c.categories, ARRAY(Text()))),
        see=PROFILE,
        says="Coarse profile; null when it was not sent.",
    )
    identity: Identity | None = sealed(
        PacketIdentityRow,
        lambda here, there: there.packet_id == here.id,
        see=IDENTITY,
        says="Who the person is; null when it was not sent.",
    )
    contact: Contact | None = sealed(
        PacketContactRow,
        lambda here, there: there.packet_id == here.id,
        see=CONTACT,
        says="How the person is reached; null when it was not sent.",
    )
    contact_rule: ContactRule | None = column(
        PacketCopyRow.contact_rule,
        see=CONTACT_COARSE,
        says="How the person may be reached at all; binds you. Null when it was not sent.",
    )
    current_region: Region | None = sealed(
        PacketLocationRow,
        lambda here, there: there.packet_id == here.id,
        cut=current_region,
        see=LOCATION_COARSE,
        says="Region where the person is; null when it was not sent.",
    )
    arrival_month: Date | None = sealed(
        PacketLocationRow,
        lambda here, there: there.packet_id == here.id,
        cut=arrival_month,
        see=LOCATION_COARSE,
        says="Month of arrival, as its first day; null when it was not sent.",
    )
    risk: Risk | None = sealed(
        PacketRiskRow,
        lambda here, there: there.packet_id == here.id,
        see=RISK,
        says="Persecution and its evidence; null when it was not sent.",
    )
    security_advice: str | None = sealed(
        PacketAdviceRow,
        lambda here, there: there.packet_id == here.id,
        cut=security_advice,
        see=RISK_COARSE,
        says="What a host must know, without the story; null when it was not sent.",
    )
    care_needs: list[CareNeed] | None = sealed(
        PacketHealthRow,
        lambda here, there: there.packet_id == here.id,
        cut=care_needs,
        see=HEALTH_COARSE,
        says="What a host must provide, without the illness; null when it was not sent.",
    )
    household: Household | None = sealed(
        PacketFamilyRow,
        lambda here, there: there.packet_id == here.id,
        cut=household,
        see=FAMILY_COARSE,
        says="Who would travel, by number; null when it was not sent.",
    )
    opinion: AssessmentOpinion | None = sealed(
        PacketAssessmentRow,
        lambda here, there: there.packet_id == here.id,
        cut=opinion,
        see=ASSESSMENT_COARSE,
        says="Outcome of an assessment, without its text; null when it was not sent.",
    )
    digest: Base64 | None = computed(digest_read, see=CASE, says="SHA-256 of the signed packet as it was sent.")
