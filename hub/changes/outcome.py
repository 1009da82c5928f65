"""What came of a mutation, as values: what the service told, which records it names. It can be kept and read again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from strawberry.utils.str_converters import to_camel_case

from hub.consent import ConsentMissing, StateConflict
from hub.errors import HubError
from schema.vocabulary.changes import ProblemCode

_CODES: Mapping[str, ProblemCode] = {
    "not_found": ProblemCode.NOT_FOUND,
    "illegal_transition": ProblemCode.WRONG_STATE,
    "wrong_actor": ProblemCode.WRONG_STATE,
    "state_conflict": ProblemCode.WRONG_STATE,
    "consent_missing": ProblemCode.CONSENT_MISSING,
    "agreement_invalid": ProblemCode.NO_AGREEMENT,
    "body_not_found": ProblemCode.NOT_FOUND,
    "terms_invalid": ProblemCode.INVALID,
    "key_invalid": ProblemCode.INVALID,
    "invalid_input": ProblemCode.INVALID,
    "key_reused": ProblemCode.KEY_REUSED,
    "second_person_needed": ProblemCode.SECOND_PERSON,
    "rule_of_person": ProblemCode.RULE_OF_PERSON,
    "already_referred": ProblemCode.WRONG_STATE,
    "partner_unknown": ProblemCode.NO_CONNECTOR,
    "key_destroyed": ProblemCode.NOT_FOUND,
}
"""Codes of the hub's errors that are the client's to mend. Others are the hub's own trouble."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """An object of the graph without the records in it.

    `told` holds plain values by field, as JSON holds them; `shown` the internal id behind each record, by field.
    """

    type: str
    told: Mapping[str, Any]
    shown: Mapping[str, UUID | None]

    def kept(self) -> dict[str, Any]:
        """Give it as JSON holds it."""
        shown = {name: None if id_ is None else str(id_) for name, id_ in self.shown.items()}
        return {"type": self.type, "told": dict(self.told), "shown": shown}

    @classmethod
    def again(cls, kept: Mapping[str, Any]) -> Self:
        """Read one that was kept: it says that it is told once more."""
        shown = {name: None if id_ is None else UUID(id_) for name, id_ in kept["shown"].items()}
        return cls(kept["type"], kept["told"] | {"replayed": True}, shown)


def problem(error: HubError) -> Outcome | None:
    """Word an error as a problem; None where it is no problem of the client's."""
    code = _CODES.get(error.code)
    if code is None:
        return None
    told: dict[str, Any] = {
        "code": code.name,
        "message": error.public,
        "path": [to_camel_case(each) for each in getattr(error, "path", ())],
    }
    match error:
        case StateConflict(possible=tuple(possible)):
            return Outcome("StateProblem", told | {"possible": [event.name for event in possible]}, {})
        case ConsentMissing(missing=missing) if missing:
            return Outcome("ConsentProblem", told | {"categories": [category.name for category in missing]}, {})
        case _:
            return Outcome("SimpleProblem", told, {})
