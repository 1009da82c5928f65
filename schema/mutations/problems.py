"""Why a mutation did nothing. Problems never tell whether a hidden record exists."""

from schema.changes import payload, told
from schema.source import interface
from schema.vocabulary import Category, ReferralEventKind
from schema.vocabulary.changes import ProblemCode

_CODE = "For programs."
_MESSAGE = "For people; names nobody."
_PATH = "Where in the input; empty when nowhere in particular."


@interface
class Problem:
    """Why a mutation did nothing. Problems never tell whether a hidden record exists."""

    code: ProblemCode = told(says=_CODE)
    message: str = told(says=_MESSAGE)
    path: list[str] = told(says=_PATH)


@payload
class SimpleProblem(Problem):
    """A problem with nothing to add."""

    code: ProblemCode = told(says=_CODE)
    message: str = told(says=_MESSAGE)
    path: list[str] = told(says=_PATH)


@payload
class StateProblem(Problem):
    """The record is in another state. Only to those who may read that state."""

    code: ProblemCode = told(says="WRONG_STATE.")
    message: str = told(says=_MESSAGE)
    path: list[str] = told(says=_PATH)
    possible: list[ReferralEventKind] = told(says="What you may do now, guards aside; empty when it is no referral.")


@payload
class ConsentProblem(Problem):
    """Consent is missing. Only to the side that holds the person's consents."""

    code: ProblemCode = told(says="CONSENT_MISSING.")
    message: str = told(says=_MESSAGE)
    path: list[str] = told(says=_PATH)
    categories: list[Category] = told(says="Categories without consent.")
