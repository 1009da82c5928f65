"""What a controlled list is: an enum whose members carry the stored code and the words shown in the graph."""

from enum import StrEnum
from typing import Self, TypeVar

import strawberry


class Vocabulary(StrEnum):
    """A controlled list. The member's name is the graph's, its value the stored code, `says` its description."""

    says: str

    def __new__(cls, code: str, says: str) -> Self:
        """Make a member from its code and its description."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.says = says
        return member


V = TypeVar("V", bound=type[Vocabulary])


def vocabulary(cls: V) -> V:
    """Make the list an enum of the graph; names, values and descriptions come from the members."""
    enum = strawberry.enum(cls, description=" ".join((cls.__doc__ or "").split()))
    for value in enum.__strawberry_definition__.values:  # type: ignore[attr-defined]  # set by strawberry.enum
        value.description = cls[value.name].says
    return enum
