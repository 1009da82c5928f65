"""Content in the hub's words: category, field, value. And the bounds of what anybody may send."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from connectors.errors import Invalid
from connectors.words import Category

Content: TypeAlias = Mapping[Category, Mapping[str, Any]]  # Any: JSON
"""What is handed over, by category and field; the fields are those of `words.FIELDS`."""

DEPTH_MAX: Final = 6
ITEMS_MAX: Final = 200
TEXT_CHARS_MAX: Final = 20_000
_WHOLE_MAX: Final = 1 << 53


def bounded(value: Any, depth: int = 0) -> None:
    """Refuse JSON that is too deep, too wide, or holds numbers that not everybody reads alike.

    Raises:
        Invalid: it does.
    """
    if depth > DEPTH_MAX:
        raise Invalid("the content is nested too deep", depth_max=DEPTH_MAX)
    match value:
        case None | bool():
            return
        case str():
            if len(value) > TEXT_CHARS_MAX:
                raise Invalid("a text is too long", chars_max=TEXT_CHARS_MAX)
            if "\x00" in value:
                raise Invalid("a text holds a character nobody can write down")
        case int():
            if abs(value) >= _WHOLE_MAX:
                raise Invalid("a number is too large")
        case dict():
            if len(value) > ITEMS_MAX:
                raise Invalid("there are too many fields", items_max=ITEMS_MAX)
            for name, each in value.items():
                bounded(name, depth + 1)
                bounded(each, depth + 1)
        case list() | tuple():
            if len(value) > ITEMS_MAX:
                raise Invalid("a list is too long", items_max=ITEMS_MAX)
            for each in value:
                bounded(each, depth + 1)
        case _:
            raise Invalid("content is JSON of texts, whole numbers, yes and no", kind=type(value).__name__)
