"""Why a mutation did nothing. Problems never tell whether a hidden record exists."""

from schema.changes import payload, told
from schema.source import interface
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
