"""What people's secrets are sealed and hashed under: keys derived from the root key, one for each use."""

from hashlib import sha256
from hmac import digest
from typing import Final

from hub.auth.root import RootKey

_SEAL: Final = "people.seal"
_HASH: Final = "people.hash"


class Sealer:
    """Seals and hashes under one root key."""

    def __init__(self, root: RootKey) -> None:
        self._root = root
        self._hash_key = root.derive(_HASH)

    def seal(self, text: str, *, place: str) -> bytes:
        """Seal a text for a place, such as `table.column.row`: elsewhere it does not open."""
        return self._root.seal(text.encode(), label=_SEAL, context=place)

    def unseal(self, sealed: bytes, *, place: str) -> str:
        """Open a sealed text.

        Raises:
            RootKeyRefused: it was sealed under another root key or for another place, or was changed.
        """
        return self._root.open(sealed, label=_SEAL, context=place).decode()

    def mac(self, text: str, *, kind: str) -> bytes:
        """Hash a text under a key, so that who sees the hash cannot try texts."""
        return digest(self._hash_key, f"{kind}\x00{text}".encode(), sha256)
