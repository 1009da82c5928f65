"""Random texts: tokens for browsers, codes for people to type, and what is kept of them.

All are long enough that a plain hash keeps them: there is nothing to guess. People's codes use Crockford's alphabet, in
which no letter looks like a digit.
"""

import secrets
from hashlib import sha256
from typing import Final, NewType

Token = NewType("Token", str)
"""What a browser holds: 256 random bits."""

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALIKE: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
RECOVERY_CODES: Final = 10
_RECOVERY_LETTERS: Final = 16
_ENROLMENT_LETTERS: Final = 25
_TYPED_MOST: Final = 64


def new_token() -> Token:
    """Make a token for a browser."""
    return Token(secrets.token_urlsafe(32))


def new_recovery_code() -> str:
    """Make a recovery code: 80 random bits."""
    return _grouped(_RECOVERY_LETTERS, 4)


def new_enrolment_code() -> str:
    """Make an enrolment code: 125 random bits."""
    return _grouped(_ENROLMENT_LETTERS, 5)


def digest(text: str, *, kind: str) -> bytes:
    """Hash a token or code for keeping; `kind` keeps one sort from standing in for another."""
    return sha256(f"{kind}\x00{text}".encode()).digest()


def typed(text: str) -> str:
    """Read a code as people type it: any case, with or without hyphens and blanks, O for zero and I for one."""
    return text[:_TYPED_MOST].strip().upper().translate(_ALIKE)


def _grouped(letters: int, size: int) -> str:
    code = "".join(secrets.choice(ALPHABET) for _ in range(letters))
    return "-".join(code[start : start + size] for start in range(0, letters, size))
