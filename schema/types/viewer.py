"""Who asks, as the graph tells it to the client: what its token says, what its body agreed, how much it may ask."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import strawberry
from sqlalchemy import ColumnElement, exists, select

from schema.access import VIEWER, Access, AllOf, Columns, Related, Scoped
from schema.scalars import DateTime, PartialDate
from schema.source import Expression, Join, embedded, from_profile, limit, one, part, plain, viewer
from schema.tables import AgreementRow
from schema.tables.base import rows_of
from schema.types.cities import City
from schema.types.organisations import Organisation
from schema.vocabulary import AccessScope, AgreementState, Category, Grain, Purpose, Relation

if TYPE_CHECKING:
    from schema.types.cases import Person


def _own(name: str) -> Join:
    def join(_here: Columns, there: Columns) -> ColumnElement[bool]:
        own: ColumnElement[bool] = there.id == viewer(name)
        return own

    return join


def _agreed(column: str) -> Expression:
    """Read a column of the agreement of the viewer's own body."""

    def make(_here: Columns) -> ColumnElement[Any]:
        agreements = rows_of(AgreementRow).alias()
        own = select(agreements.c[column]).where(agreements.c.organisation_id == viewer("organisation_id"))
        return own.correlate_except(agreements).scalar_subquery()

    return make


def _has_agreement(_here: Columns) -> ColumnElement[bool]:
    agreements = rows_of(AgreementRow).alias()
    own = exists().where(agreements.c.organisation_id == viewer("organisation_id"))
    return own.correlate_except(agreements)


_AGREED: Final[Mapping[str, Expression]] = {
    "state": _agreed("state"),
    "categories": _agreed("categories"),
    "purposes": _agreed("purposes"),
    "from": _agreed("from_on"),
    "until": _agreed("until_on"),
}


def _bound(name: str) -> Expression:
    return lambda _here: limit(name)


_MYSELF: Final = Access(
    Category.CASE,
    Grain.FULL,
    AllOf(
        (
            Scoped(frozenset({AccessScope.SELF_READ, AccessScope.DELEGATE_READ})),
            Related(frozenset({Relation.RESIDENT, Relation.CONTACT_PERSON})),
        )
    ),
)
"""For whom the hub may hold a record of their own."""

_BOUNDS: Final[Mapping[str, Expression]] = {
    name: _bound(name) for name in ("cost", "depth", "page", "cost_per_window", "window_seconds", "at_once")
}


@plain(see=VIEWER)
class ViewerAgreement:
    """What your body and ICORN agreed: the outer bound of every token of yours, as it stands now."""

    state: AgreementState = part("state", see=VIEWER, says="Whether it is in force; only then it opens anything.")
    categories: list[Category] = part(
        "categories", see=VIEWER, says="Categories it covers, besides public and network, which come with it."
    )
    purposes: list[Purpose] = part("purposes", see=VIEWER, says="Purposes it covers.")
    from_: PartialDate | None = part("from", name="from", see=VIEWER, says="First day; null when not said.")
    until: PartialDate | None = part("until", see=VIEWER, says="Last day; null while it has no end.")


@plain(see=VIEWER)
class ViewerLimits:
    """How much you may ask. What goes beyond is refused, and told with its code."""

    operation_cost: int = part("cost", see=VIEWER, says="Highest cost of one operation; page sizes multiply.")
    operation_depth: int = part("depth", see=VIEWER, says="Deepest nesting of one operation.")
    page_size: int = part("page", see=VIEWER, says="Rows of one page at most.")
    window_cost: int = part(
        "cost_per_window", see=VIEWER, says="Cost your client may run up in one window, in each process of the hub."
    )
    window_seconds: int = part("window_seconds", see=VIEWER, says="Length of the window, in seconds.")
    requests_at_once: int = part("at_once", see=VIEWER, says="Requests of your body that run at once, in each process.")


@plain(see=VIEWER)
class Viewer:
    """Who you are to the hub: the token, in words."""

    relation: Relation = from_profile(
        "relation",
        see=VIEWER,
        says="The row of the access matrix your token opens at most. Case by case a closer relation may apply.",
    )
    organisation: Organisation | None = one(
        _own("organisation_id"), see=VIEWER, says="Body of the token; null for residents and the public."
    )
    city: City | None = one(_own("city_id"), see=VIEWER, says="City of a coordinator; null otherwise.")
    scopes: list[AccessScope] = from_profile("scopes", see=VIEWER, says="What the token allows.")
    purposes: list[Purpose] = from_profile("purposes", see=VIEWER, says="Purposes you may declare.")
    purpose: Purpose | None = from_profile(
        "purpose", see=VIEWER, says="Purpose of this request; null when none is declared."
    )
    agreement: ViewerAgreement | None = embedded(
        _AGREED, present=_has_agreement, see=VIEWER, says="Agreement of your body; null without one."
    )
    limits: ViewerLimits = embedded(_BOUNDS, see=VIEWER, says="How much you may ask.")
    person: Annotated["Person", strawberry.lazy("schema.types.cases")] | None = one(
        lambda _here, there: there.account_id == viewer("account_id"),
        see=_MYSELF,
        says="Your own record, when you are a person in the hub; null for everybody else.",
    )
    token_expires_at: DateTime | None = from_profile(
        "expires_at", see=VIEWER, says="When the token ends; null without one."
    )
