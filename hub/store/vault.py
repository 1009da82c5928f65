"""Sealed rows in the database: keys of subjects made, rotated and destroyed; categories of a case written and read.

For services that write. Who reads for somebody outside goes through the planner, which asks the rules first.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import SQLModel

from hub.errors import HubError
from hub.store.sealed import Content, Place, Sealing, WrappedKey
from schema.tables import EventWordsRow, SubjectKeyRow
from schema.tables.base import table_of
from schema.tables.referrals import WordsKind

_KEYS: Final = table_of(SubjectKeyRow)
_WORDS: Final = table_of(EventWordsRow)
_ONCE: Final = 1
"""The version of what is written once."""
_BATCH: Final = 500
_KEY: Final = select(_KEYS.c.kek_version, _KEYS.c.wrapped).where(_KEYS.c.subject_id == bindparam("subject"))


class KeyDestroyed(HubError):
    """The subject's key was destroyed: nothing of theirs can be read or written any more."""

    code = "key_destroyed"
    public = "This person was erased."


class Vault:
    """Seals and opens rows over a connection of the caller's transaction."""

    def __init__(self, sealing: Sealing) -> None:
        self.sealing: Final = sealing

    # ---- Keys --------------------------------------------------------------------------------------------------------

    def key(self, connection: Connection, subject: UUID) -> WrappedKey:
        """Give the key of a subject.

        Raises:
            KeyDestroyed: there is none any more, or never was one.
        """
        found = connection.execute(_KEY, {"subject": subject}).one_or_none()
        return self.key_read(subject, *(found or (None, None)))

    @staticmethod
    def key_read(subject: UUID, version: int | None, wrapped: bytes | None) -> WrappedKey:
        """Give the key of a subject that was read beside something else. Raises as `key` does."""
        if version is None or wrapped is None:
            raise KeyDestroyed
        return WrappedKey(subject, version, wrapped)

    def make_key(self, connection: Connection, subject: UUID, now: datetime) -> WrappedKey:
        """Make a key for a subject that has none; where there is one it is given. A destroyed one stays destroyed."""
        made = self.sealing.new_key(subject, self.version(connection))
        values = {
            "subject_id": subject,
            "kek_version": made.version,
            "wrapped": made.wrapped,
            "created_at": now,
            "destroyed_at": None,
        }
        connection.execute(insert(_KEYS).values(values).on_conflict_do_nothing())
        return self.key(connection, subject)

    def destroy_key(self, connection: Connection, subject: UUID, now: datetime) -> None:
        """Destroy the key of a subject: the erasure. Nothing sealed under it opens from the commit on."""
        gone = {"wrapped": None, "destroyed_at": now}
        connection.execute(
            update(_KEYS).where(_KEYS.c.subject_id == subject, _KEYS.c.wrapped.is_not(None)).values(gone)
        )
        self.sealing.forget(subject)

    def version(self, connection: Connection) -> int:
        """Tell the newest version of the key-encryption key in use."""
        return connection.scalar(select(func.coalesce(func.max(_KEYS.c.kek_version), 1))) or 1

    def rotate(self, connection: Connection) -> int:
        """Wrap every key anew under the next version of the key-encryption key; give how many there were."""
        version = self.version(connection) + 1
        count = 0
        for batch in self._older(connection, version):
            for key in batch:
                fresh = self.sealing.rewrap(key, version)
                connection.execute(
                    update(_KEYS)
                    .where(_KEYS.c.subject_id == key.subject)
                    .values(wrapped=fresh.wrapped, kek_version=version)
                )
            count += len(batch)
        return count

    def _older(self, connection: Connection, version: int) -> Iterator[list[WrappedKey]]:
        older = (
            select(_KEYS)
            .where(_KEYS.c.kek_version < version, _KEYS.c.wrapped.is_not(None))
            .limit(_BATCH)
            .with_for_update()
        )
        while batch := [
            WrappedKey(row.subject_id, row.kek_version, row.wrapped) for row in connection.execute(older).all()
        ]:
            yield batch

    # ---- Categories of a case ----------------------------------------------------------------------------------------

    def write(self, connection: Connection, row: type[SQLModel], case_id: UUID, subject: UUID, content: Content) -> int:
        """Write one category of a case anew; give its version.

        Args:
            connection: of the caller's transaction.
            row: a class made of `SealedRow`.
            case_id: the case.
            subject: its person.
            content: what is sealed, as JSON holds it.

        Raises:
            KeyDestroyed: the person was erased.
        """
        table = table_of(row)
        before = connection.scalar(select(table.c.version).where(table.c.case_id == case_id).with_for_update())
        version = (before or 0) + 1
        place = Place(table.name, "sealed", case_id, version, subject)
        values: dict[str, Any] = {
            "case_id": case_id,
            "subject_id": subject,
            "version": version,
            "sealed": self.sealing.seal_content(content, self.key(connection, subject), place),
        }
        written = insert(table).values(values)
        connection.execute(written.on_conflict_do_update(index_elements=["case_id"], set_=values))
        return version

    def freeze(  # noqa: PLR0917  # all that a sealed row is
        self,
        connection: Connection,
        row: type[SQLModel],
        packet_id: UUID,
        subject: UUID,
        version: int,
        content: Content,
    ) -> None:
        """Write one category of a packet, once.

        Args:
            connection: of the caller's transaction.
            row: a class made of `FrozenRow`.
            packet_id: the packet.
            subject: its person.
            version: of the packet.
            content: what is sealed, as JSON holds it.

        Raises:
            KeyDestroyed: the person was erased.
        """
        table = table_of(row)
        place = Place(table.name, "sealed", packet_id, version, subject)
        sealed = self.sealing.seal_content(content, self.key(connection, subject), place)
        values = {"packet_id": packet_id, "subject_id": subject, "version": version, "sealed": sealed}
        connection.execute(insert(table).values(values))

    def say(
        self,
        connection: Connection,
        kind: WordsKind,
        text: str,
        *,
        event_id: UUID,
        referral_id: UUID,
        subject: UUID,
    ) -> None:
        """Write the words that were said with an event of a referral.

        Raises:
            KeyDestroyed: the person was erased.
        """
        place = Place(_WORDS.name, "sealed", event_id, _ONCE, subject)
        values = {
            "event_id": event_id,
            "referral_id": referral_id,
            "kind": kind,
            "subject_id": subject,
            "version": _ONCE,
            "sealed": self.sealing.seal_content({"text": text}, self.key(connection, subject), place),
        }
        connection.execute(insert(_WORDS).values(values))

    def read(self, connection: Connection, row: type[SQLModel], case_id: UUID) -> dict[str, Any] | None:
        """Open one category of a case; None where nothing is recorded. For packets, after consent was asked.

        Raises:
            KeyDestroyed: the person was erased.
            SealBroken: what lies there was not sealed for it.
        """
        table = table_of(row)
        found = connection.execute(select(table).where(table.c.case_id == case_id)).one_or_none()
        if found is None:
            return None
        place = Place(table.name, "sealed", case_id, found.version, found.subject_id)
        return self.sealing.open_content(found.sealed, self.key(connection, found.subject_id), place)
