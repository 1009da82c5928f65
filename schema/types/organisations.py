"""Bodies in and around the network, and their agreements with ICORN."""

from typing import Annotated, Final

import strawberry
from sqlalchemy import ColumnElement, exists, func

from schema.access import NETWORK, PUBLIC, SECRETARIAT, Anyone, Columns, Own, Related, network_only
from schema.scalars import URL, CountryCode
from schema.source import TODAY_TEXT, Ordering, column, embedded, holds, input_object, matches, one, record
from schema.standing import in_force
from schema.tables import AgreementRow, OrganisationRow
from schema.tables.base import rows_of
from schema.types.basics import (
    CountryFilter,
    Filter,
    Node,
    OrderDirection,
    Period,
    Provenance,
    TextFilter,
    period,
    provenance,
)
from schema.vocabulary import (
    AgreementState,
    Category,
    Discipline,
    Liaison,
    OrganisationKind,
    Purpose,
    Relation,
    SupportKind,
)
from schema.vocabulary.base import Vocabulary, vocabulary

_TERMS: Final = network_only(
    Own("organisation_id", lambda c: c.organisation_id), SECRETARIAT, Related(frozenset({Relation.DPO}))
)
"""The terms of an agreement: for the body itself, the secretariat and the data protection officer."""


@record(AgreementRow, code="ag", see=NETWORK, rows=Anyone())
class Agreement(Node):
    """The agreement between a body and ICORN: the upper bound of everything the body may see."""

    id: strawberry.ID = column(AgreementRow.id, see=NETWORK, says="Opaque id.")
    organisation: Annotated["Organisation", strawberry.lazy("schema.types.organisations")] = one(
        lambda here, there: there.id == here.organisation_id, see=NETWORK, says="The body."
    )
    period: Period = embedded(period("from_on", "until_on"), see=NETWORK, says="When it runs.")
    state: AgreementState = column(AgreementRow.state, see=NETWORK, says="Whether it is in force.")
    onward_allowed: bool | None = column(
        AgreementRow.onward_allowed, see=_TERMS, says="Whether the body may hand on to a third body. Own body only."
    )
    categories: list[Category] | None = column(
        AgreementRow.categories, see=_TERMS, says="Categories it may ever see. Own body only."
    )
    purposes: list[Purpose] | None = column(
        AgreementRow.purposes, see=_TERMS, says="Purposes it may declare. Own body only."
    )


@record(OrganisationRow, code="or", keys=("slug",), see=PUBLIC, rows=Anyone(), entity=True)
class Organisation(Node):
    """A body in or around the network: ICORN itself, partner networks, funds, PEN centres."""

    id: strawberry.ID = column(OrganisationRow.id, see=PUBLIC, says="Opaque id.")
    slug: str = column(
        OrganisationRow.slug, see=PUBLIC, says="Readable natural key, such as pen-international. Never changes."
    )
    name: str = column(OrganisationRow.name, see=PUBLIC, says="Full name.")
    acronym: str | None = column(OrganisationRow.acronym, see=PUBLIC, says="Short name; null when it has none.")
    kind: OrganisationKind = column(OrganisationRow.kind, see=PUBLIC, says="Sort of body.")
    country: CountryCode | None = column(OrganisationRow.country, see=PUBLIC, says="Seat; null when it has none.")
    website: URL | None = column(OrganisationRow.website, see=PUBLIC, says="Public address; null when not checked.")
    mandate: str | None = column(
        OrganisationRow.mandate, see=PUBLIC, says="What it does, in one sentence; null when not known."
    )
    beneficiaries: str | None = column(
        OrganisationRow.beneficiaries, see=PUBLIC, says="Whom it helps, in its own words; null when not known."
    )
    support: list[SupportKind] = column(OrganisationRow.support, see=PUBLIC, says="Help it gives.")
    support_other: list[str] = column(
        OrganisationRow.support_other, see=PUBLIC, says="Help it gives that no SupportKind names, as recorded."
    )
    disciplines: list[Discipline] = column(
        OrganisationRow.disciplines, see=PUBLIC, says="Whom it helps; empty means no limit."
    )
    standing: str | None = column(
        OrganisationRow.standing, see=PUBLIC, says="How it stands to ICORN, as recorded; null when not known."
    )
    refers_to_icorn: Liaison = column(
        OrganisationRow.refers_to_icorn, see=PUBLIC, says="Whether it hands people over to ICORN."
    )
    receives_from_icorn: Liaison = column(
        OrganisationRow.receives_from_icorn, see=PUBLIC, says="Whether ICORN hands people over to it."
    )
    agreement: Agreement | None = one(
        lambda here, there: there.organisation_id == here.id,
        see=NETWORK,
        says="Its agreement with ICORN; null when there is none.",
    )
    provenance: Provenance = provenance(OrganisationRow)


def _agreed(c: Columns) -> ColumnElement[bool]:
    """Test that an agreement of the body runs today."""
    agreement = rows_of(AgreementRow).alias()
    own = agreement.c.organisation_id == c.id
    return exists().where(own, in_force(agreement.c, TODAY_TEXT)).correlate_except(agreement)


@input_object
class OrganisationWhere:
    """Which bodies. All conditions must hold."""

    slug: TextFilter | None = matches(OrganisationRow.slug, folded=True, see=PUBLIC, says="By natural key.")
    name: TextFilter | None = matches(OrganisationRow.name_key, folded=True, see=PUBLIC, says="By name.")
    acronym: TextFilter | None = matches(OrganisationRow.acronym_key, folded=True, see=PUBLIC, says="By acronym.")
    kind: Filter[OrganisationKind] | None = matches(OrganisationRow.kind, see=PUBLIC, says="By kind.")
    country: CountryFilter | None = matches(OrganisationRow.country, see=PUBLIC, says="By seat.")
    support: Filter[SupportKind] | None = matches(OrganisationRow.support, see=PUBLIC, says="Gives such help.")
    discipline: Filter[Discipline] | None = matches(
        OrganisationRow.disciplines, empty=True, see=PUBLIC, says="Helps such people, or anybody."
    )
    in_agreement: bool | None = holds(
        lambda c, wanted: _agreed(c) == wanted,
        see=NETWORK,
        says="Has an agreement in force today. Needs network:read.",
    )


@vocabulary
class OrganisationOrderField(Vocabulary):
    """Keys to order Organisation by. Each has an index."""

    NAME = ("name", "By name.")
    COUNTRY = ("country", "By seat, then name; bodies without a seat first.")


@input_object
class OrganisationOrder:
    """An order of Organisation."""

    field: OrganisationOrderField = strawberry.field(description="Key.")
    direction: OrderDirection = strawberry.field(description="Direction.", default=OrderDirection.ASC)


ORGANISATION_ORDERS: Final = {
    OrganisationOrderField.NAME: Ordering(lambda c: [c.name_key], see=PUBLIC),
    OrganisationOrderField.COUNTRY: Ordering(lambda c: [func.coalesce(c.country, ""), c.name_key], see=PUBLIC),
}
