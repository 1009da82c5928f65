"""The root key: one file outside the database, under which private keys are sealed and other keys are derived.

Who has a copy of the database has no key that signs. The file is made at the first start, readable by the hub's user
alone; losing it means new signing keys, never lost facts.
"""

import os
import secrets
import stat
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.auth.errors import RootKeyRefused

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class RootKey:
    """The key and what is done with it. It is not shown."""

    __slots__ = ("_file", "_key")

    def __init__(self, key: bytes, file: Path = Path("root.key")) -> None:
        if len(key) != KEY_BYTES:
            raise RootKeyRefused(f"it does not hold {KEY_BYTES} bytes", file=str(file))
        self._key: Final = key
        self._file: Final = file

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read the key, making it first where there is none.

        Args:
            file: base64url of 32 bytes; mode 0600 or narrower.

        Raises:
            RootKeyRefused: others may read the file, or it holds no key.
        """
        if not file.exists():
            _make(file)
        if os.name == "posix" and file.stat().st_mode & _OTHERS:
            raise RootKeyRefused("others may read it: chmod 600", file=str(file))
        try:
            key = urlsafe_b64decode(file.read_bytes().strip())
        except ValueError as error:
            raise RootKeyRefused("it holds no base64url", file=str(file)) from error
        return cls(key, file)

    def derive(self, label: str) -> bytes:
        """Derive a key for one use: RFC 5869 with SHA-256, the label as info."""
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=label.encode()).derive(self._key)

    def seal(self, plain: bytes, *, label: str, context: str) -> bytes:
        """Encrypt by AES-256-GCM under the key derived for `label`.

        Args:
            plain: what to hide.
            label: names the use.
            context: table, column and row; opening with another one fails, so sealed values cannot be swapped.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self.derive(label)).encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, *, label: str, context: str) -> bytes:
        """Decrypt what `seal` made.

        Raises:
            RootKeyRefused: it was sealed under another root key, for another place, or was changed.
        """
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return AESGCM(self.derive(label)).decrypt(nonce, rest, context.encode())
        except InvalidTag as error:
            raise RootKeyRefused("what is stored was sealed under another one", file=str(self._file)) from error


def _make(file: Path) -> None:
    """Write a new key beside its place and link it there: of two hubs that start at once, one wins and both agree."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            out.flush()
            os.fsync(out.fileno())
        with suppress(FileExistsError):
            os.link(new, file)
    finally:
        new.unlink()
