"""The access log, as those may read it whom it is about, whose reads it tells, and who watches over it."""

from typing import TYPE_CHECKING, Annotated, Final

import strawberry
from sqlalchemy import Text, and_, any_, cast, func

from schema.access import Access, AllOf, Related, Scoped
from schema.links import LEAVES, LOG, LOG_INSIDE, OVERSIGHT
from schema.scalars import DateTime
from schema.source import AUDIENCE, Ordering, column, input_object, many, matches, one, record
from schema.tables import AuditLeafRow, OrganisationRow
from schema.types.basics import DateTimeFilter, Filter, IDFilter, Node, moment_key
from schema.types.organisations import Organisation
from schema.types.staff import Staff
from schema.vocabulary import AccessScope, AuditKind, Category, Grain, Purpose, Relation

if TYPE_CHECKING:
    from schema.types.cases import Person

_WATCH: Final = Access(
    Category.CASE, Grain.FULL, AllOf((Scoped(frozenset({AccessScope.AUDIT_READ})), Related(OVERSIGHT)))
)
"""Who it was, for those who answer for it; others read the role."""

ENTRIES_IN_ORDER: Final = Ordering(lambda c: [moment_key(c.at)], see=LOG)


@record(AuditLeafRow, code="au", see=LOG, rows=LEAVES, private=True)
class AuditEntry(Node):
    """One entry of the access log: who, what, why; never values."""

    id: strawberry.ID = column(AuditLeafRow.id, see=LOG, says="Opaque id.")
    at: DateTime = column(AuditLeafRow.at, see=LOG, says="When.")
    kind: AuditKind = column(AuditLeafRow.kind, see=LOG, says="What it records.")
    relation: Relation = column(AuditLeafRow.relation, see=LOG, says="In what role.")
    organisation: Organisation | None = one(
        lambda here, there: there.id == here.organisation_id, see=LOG, says="Body; null for the person and ICORN's own."
    )
    actor: Staff | None = one(
        lambda here, there: there.id == here.actor_id,
        see=_WATCH,
        says="Who, of ICORN's people; null for programs, partners and persons.",
    )
    purpose: Purpose | None = column(AuditLeafRow.purpose, see=LOG, says="Purpose declared; null when none was needed.")
    person: Annotated["Person", strawberry.lazy("schema.types.cases")] | None = one(
        lambda here, there: and_(func.cardinality(here.subjects) == 1, there.id == any_(here.subjects)),
        see=LOG,
        says="Whose data, under an id of your own; null for entries about nobody, about several, or not for you.",
    )
    # As many as one operation read, which its cost bounds.
    persons: list[Annotated["Person", strawberry.lazy("schema.types.cases")]] = many(
        lambda here, there: there.id == any_(here.subjects),
        # By their ids inside two bodies could tell who of theirs are the same.
        order=lambda c: [func.md5(cast(c.id, Text) + AUDIENCE)],
        see=LOG,
        says="All whose data it tells of and who are for you to see.",
        assumed=5,
    )
    categories: list[Category] = column(AuditLeafRow.categories, see=LOG, says="Categories shown.")
    fields_returned: list[str] = column(AuditLeafRow.fields_returned, see=LOG, says="Fields shown.")
    fields_withheld: list[str] | None = column(
        AuditLeafRow.fields_withheld, see=LOG_INSIDE, says="Fields asked for and withheld."
    )
    request_id: str | None = column(AuditLeafRow.request_id, see=LOG_INSIDE, says="The request, as the log names it.")


@input_object
class AuditWhere:
    """Which entries."""

    at: DateTimeFilter | None = matches(AuditLeafRow.at, see=LOG, says="By time.")
    category: Filter[Category] | None = matches(AuditLeafRow.categories, see=LOG, says="By category shown.")
    organisation: IDFilter | None = matches(AuditLeafRow.organisation_id, of=OrganisationRow, see=LOG, says="By body.")
