"""Folding of public text, so that search and order ignore case and accents the same way on every machine.

PostgreSQL's own collations differ by version and platform; a folded key in a column of its own does not.
"""

import unicodedata
from typing import Final

_LETTERS: Final = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i", "ħ": "h"}
)


def fold(text: str) -> str:
    """Lower-case without accents, inner white space made single: the form that is compared and ordered by."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return " ".join("".join(letter for letter in plain if not unicodedata.combining(letter)).split())
