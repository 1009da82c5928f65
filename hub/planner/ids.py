"""Global ids as clients hold them: `<code of the record>_<uuid>`. To clients they are opaque.

An id that cannot be read matches nothing: unknown, malformed and forbidden look alike.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

NOBODY: Final = UUID(int=0)
"""No record has this id: it stands in where an id cannot be read."""


def split(text: object) -> tuple[str, UUID]:
    """Take a global id apart; an unreadable one gives an empty code and `NOBODY`."""
    if not isinstance(text, str):
        return "", NOBODY
    code, _, rest = text.partition("_")
    try:
        value = UUID(rest)
    except ValueError:
        return "", NOBODY
    # An id has one spelling; UUID would take several.
    return (code, value) if str(value) == rest else ("", NOBODY)


def code_of(text: object) -> str:
    """Tell the code of a global id; empty when it cannot be read."""
    return split(text)[0]


def of(code: str, text: object) -> UUID:
    """Read a global id that must name this sort of record; `NOBODY` otherwise."""
    found, value = split(text)
    return value if found == code else NOBODY


def shape_of_ids(value: Any) -> object:
    """Tell which sorts of records are asked for: that changes the statement, which of them does not."""
    if isinstance(value, list):
        return tuple(sorted({code_of(each) for each in value}))
    return code_of(value)


def key_of(representation: object) -> tuple[str, str] | None:
    """Tell type and key field of a federation representation; None when it has neither."""
    if isinstance(representation, Mapping) and isinstance(name := representation.get("__typename"), str):
        for key in ("id", "slug"):
            if isinstance(representation.get(key), str):
                return name, key
    return None


def shape_of_representations(value: Any) -> object:
    """Tell which types are asked for by which keys."""
    return tuple(sorted({key for each in value if (key := key_of(each))}))
