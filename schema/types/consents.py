"""Consents: what a person allowed one body, for what and until when."""

from typing import TYPE_CHECKING, Annotated, Final

import strawberry
from sqlalchemy import ColumnElement, String, and_, case, cast

from schema.access import Columns, Related, narrowed
from schema.links import CONSENTS, OVERSIGHT, SLICE, within_category
from schema.scalars import DateTime, LanguageTag
from schema.source import (
    TODAY,
    Ordering,
    column,
    compares,
    computed,
    embedded,
    input_object,
    matches,
    one,
    record,
    viewer,
)
from schema.tables import ConsentRow
from schema.types.basics import DateFilter, Filter, IDFilter, Node, OrderDirection, Period
from schema.types.organisations import Organisation
from schema.types.staff import COLLEAGUES, Staff
from schema.vocabulary import Category, ConsentChannel, ConsentState, LegalBasis, Purpose, Relation
from schema.vocabulary.base import Vocabulary, vocabulary

if TYPE_CHECKING:
    from schema.types.cases import Person

CONSENT: Final = within_category(Category.CASE)


_HOW: Final = narrowed(CONSENT, Related(SLICE & (OVERSIGHT | {Relation.CASEWORKER, Relation.RESIDENT})))
"""How a consent came about: not for the body it names."""


def _state(c: Columns) -> ColumnElement[str]:
    limited = and_(c.state == ConsentState.LIMITED, c.recipient_id == viewer("organisation_id"))
    return case((limited, ConsentState.GIVEN.value), else_=cast(c.state, String))


@vocabulary
class ConsentOrderField(Vocabulary):
    """Keys to order Consent by. Each has an index."""

    ENDS = ("ends", "By last day.")


@input_object
class ConsentOrder:
    """An order of Consent."""

    field: ConsentOrderField = strawberry.field(description="Key.")
    direction: OrderDirection = strawberry.field(description="Direction.", default=OrderDirection.ASC)


CONSENT_ORDERS: Final = {ConsentOrderField.ENDS: Ordering(lambda c: [cast(c.until_on, String)], see=CONSENT)}


@record(ConsentRow, code="cs", see=CONSENT, rows=CONSENTS, subject=lambda c: c.person_id)
class Consent(Node):
    """A person's yes: categories x purposes x one recipient x time. A withdrawal takes effect on the very next read."""

    id: strawberry.ID = column(ConsentRow.id, see=CONSENT, says="Opaque id.")
    person: Annotated["Person", strawberry.lazy("schema.types.cases")] | None = one(
        lambda here, there: there.id == here.person_id, see=CONSENT, says="Who consented; an id of your own."
    )
    recipient: Organisation = one(
        lambda here, there: there.id == here.recipient_id, see=CONSENT, says="The one body it names."
    )
    categories: list[Category] = column(ConsentRow.categories, see=CONSENT, says="Categories released.")
    purposes: list[Purpose] = column(ConsentRow.purposes, see=CONSENT, says="Purposes allowed.")
    state: ConsentState = computed(
        _state, see=CONSENT, says="Standing now. The recipient reads GIVEN for LIMITED, not what was asked beyond."
    )
    period: Period = embedded(
        {
            "from": lambda c: c.from_on,
            "until": lambda c: c.until_on,
            "running": lambda c: and_(c.from_on <= TODAY, c.until_on >= TODAY),
        },
        see=CONSENT,
        says="From when until when.",
    )
    asked_at: DateTime | None = column(
        ConsentRow.asked_at, see=_HOW, says="When it was asked for; null when it was offered unasked."
    )
    wording_version: str | None = column(ConsentRow.wording_version, see=_HOW, says="Wording shown.")
    language: LanguageTag | None = column(ConsentRow.language, see=_HOW, says="Language shown.")
    channel: ConsentChannel | None = column(ConsentRow.channel, see=_HOW, says="How it was given; null until then.")
    basis: LegalBasis | None = column(ConsentRow.basis, see=_HOW, says="Ground in law.")
    taken_by: Staff | None = one(
        lambda here, there: there.id == here.taken_by_id,
        see=narrowed(CONSENT, Related(COLLEAGUES)),
        says="Who took it; null when the person gave it alone, or to a partner.",
    )
    by_contact_person: bool | None = column(
        ConsentRow.by_contact_person, see=_HOW, says="True when a delegate gave it."
    )
    withdrawn_at: DateTime | None = column(
        ConsentRow.withdrawn_at, see=_HOW, says="When it was withdrawn; null when it was not."
    )
    replaced_by: Annotated["Consent", strawberry.lazy("schema.types.consents")] | None = one(
        lambda here, there: there.id == here.replaced_by_id,
        see=_HOW,
        says="The narrower or wider consent that followed; null when none.",
    )


@input_object
class ConsentWhere:
    """Which consents."""

    state: Filter[ConsentState] | None = compares(_state, see=CONSENT, says="By standing, as you read it.")
    recipient: IDFilter | None = matches(ConsentRow.recipient_id, see=CONSENT, says="By body.")
    ends_on: DateFilter | None = matches(ConsentRow.until_on, see=CONSENT, says="By last day.")
