"""Agreements between ICORN and other bodies: the upper bound of what each may ever see."""

from typing import Annotated

import strawberry

from schema.access import Access, AllOf, Related, Scoped
from schema.changes import change, key, payload, shown, told, wanted
from schema.mutations.problems import SimpleProblem
from schema.scalars import Date
from schema.source import input_object
from schema.types.organisations import Agreement
from schema.vocabulary import AccessScope, AgreementState, Category, Grain, Purpose, Relation


@input_object
class SaveAgreementInput:
    """The agreement of a body, as it is to be from now on."""

    idempotency_key: strawberry.ID = key()
    organisation: strawberry.ID = wanted(says="The body.")
    state: AgreementState = wanted(says="Standing. What is not in force opens nothing.")
    from_: Date = strawberry.field(name="from", description="First day.")
    until: Date | None = wanted(says="Last day; null while no end is agreed.", absent=None)
    categories: list[Category] = wanted(says="Categories it may ever see.")
    purposes: list[Purpose] = wanted(says="Purposes it may declare.")
    onward_allowed: bool = wanted(says="Whether it may hand on to a third body.", absent=False)


@payload
class AgreementPayload:
    """Success. A change of an agreement."""

    agreement: Agreement | None = shown(says="The agreement as it is now.")
    replayed: bool = told(says="True when the same key was used before: nothing was done twice.")


AgreementResult = Annotated[
    AgreementPayload | SimpleProblem,
    strawberry.union("AgreementResult", description="A change of an agreement. Or why nothing was done."),
]

MANAGE = Access(
    Category.NETWORK,
    Grain.FULL,
    AllOf((Scoped(frozenset({AccessScope.AGREEMENT_MANAGE})), Related(frozenset({Relation.LEAD})))),
)


@strawberry.type
class AgreementMutations:
    """Mutations of agreements."""

    save_agreement: AgreementResult | None = change(
        SaveAgreementInput,
        see=MANAGE,
        says="T41. Make or change the agreement of a body. It bounds what the body may see from its next request on; "
        "open referrals that it does not carry any more are withdrawn.",
    )
