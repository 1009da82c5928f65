"""Words of the wire as the hub's own: they are the same codes, in vocabularies."""

from enum import Enum
from typing import Any, TypeVar

E_ = TypeVar("E_", bound=Enum)


def word(words: type[E_], code: object) -> E_:
    """Read one word; that it is in the list was looked at where the message was read."""
    return next(member for member in words if member.value == code)


def known(words: type[E_], codes: object) -> list[E_]:
    """Read the words of a list that the hub knows."""
    by_code = {member.value: member for member in words}
    return [by_code[code] for code in listed(codes) if isinstance(code, str) and code in by_code]


def listed(values: object) -> list[Any]:  # Any: JSON
    """Give the values of a list; of anything else none."""
    return list(values) if isinstance(values, list | tuple) else []
