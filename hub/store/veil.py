"""Pairwise ids: a person carries another id to every body, and so do their case and all that hangs on it.

An id is the internal one under a permutation of its own for each audience and sort of record: one block of AES-256
under a key derived from the root key. No table links the ids that two bodies hold; who has the database without the
root key cannot either. Reading one back needs no look-up, so the primary key of the table is its index.

Code names of cases are made from ids the same way, under a key of their own.

Cursors of such records hold keys of rows; they are sealed, and open for the audience that got them.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from threading import get_ident
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB

from hub.store.sealed import Derive

_CACHED: Final = 256
_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ23456789"
_GROUPS: Final = 2
_IN_GROUP: Final = 5


class Veil:
    """Hides internal ids from an audience and finds them again."""

    def __init__(self, derive: Derive) -> None:
        """Take the root: `derive` makes a key of 32 bytes for each use."""

        @lru_cache(maxsize=_CACHED)
        def permutation(audience: str, code: str, _thread: int) -> tuple[CipherContext, CipherContext]:
            # One block, never two under one call: a permutation of the ids, not a mode of encryption. Nothing is kept
            # from block to block, so that what is set up once does for all; each thread has its own.
            cipher = Cipher(AES256(derive(f"veil.id.{code}.{audience}")), ECB())  # noqa: S305
            return cipher.encryptor(), cipher.decryptor()

        @lru_cache(maxsize=_CACHED)
        def cursors(audience: str) -> AESSIV:
            return AESSIV(derive(f"veil.cursor.{audience}"))

        self._permutation = permutation
        self._cursors = cursors

    def hide(self, audience: str, code: str, internal: UUID) -> UUID:
        """Give the id under which an audience knows a record."""
        there, _ = self._permutation(audience, code, get_ident())
        return UUID(bytes=there.update(internal.bytes))

    def find(self, audience: str, code: str, shown: UUID) -> UUID:
        """Give the internal id behind one that an audience names; another audience's leads nowhere."""
        _, back = self._permutation(audience, code, get_ident())
        return UUID(bytes=back.update(shown.bytes))

    def code_name(self, audience: str, internal: UUID) -> str:
        """Give the name by which an audience speaks of a record: `C-` and two groups of five letters.

        It tells nothing, spells no word, and leads to no id. That two of 5,000 records share one has a chance below one
        in ten million.
        """
        number = self.hide(audience, "name", internal).int
        groups = []
        for _ in range(_GROUPS):
            letters = ""
            for _ in range(_IN_GROUP):
                number, at = divmod(number, len(_LETTERS))
                letters += _LETTERS[at]
            groups.append(letters)
        return "-".join(["C", *groups])

    def hide_cursor(self, audience: str, plain: str) -> str:
        """Seal a cursor for an audience. The same one always looks the same."""
        return urlsafe_b64encode(self._cursors(audience).encrypt(plain.encode(), None)).decode()

    def find_cursor(self, audience: str, shown: str) -> str | None:
        """Open a cursor; None when it was not sealed for this audience."""
        try:
            return self._cursors(audience).decrypt(urlsafe_b64decode(shown), None).decode()
        except (InvalidTag, ValueError):
            return None
