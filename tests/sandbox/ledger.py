"""The partner's books: SQLite, written before anything is answered, so that they survive kill -9.

`entry` is only ever added to: what came and went, and when. The other tables are what the partner works by.
"""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TABLES = """
create table if not exists entry (
    id integer primary key autoincrement, at real not null, kind text not null, handoff text, detail text not null
);
create index if not exists entry_handoff on entry (handoff, kind);
create table if not exists handoff (
    id text primary key, mine integer not null, state text not null, version integer not null default 0,
    digest text, packet text, receipt_due real, receipt text,
    number integer not null default 0, seen integer not null default 0, next text, next_at real,
    wanted integer not null default 0, wanted_digest text, fetch_at real,
    tries integer not null default 0, stop integer,
    certificate text, certificate_due integer not null default 0
);
create index if not exists handoff_due on handoff (next_at) where next_at is not null;
create table if not exists message (
    handoff text not null, side text not null, number integer not null, kind text not null, substance text,
    body text not null, done_at real, try_at real not null default 0, tries integer not null default 0,
    seq integer not null, primary key (handoff, side, number)
);
create index if not exists message_due on message (try_at) where side = 'ours' and done_at is null;
create table if not exists once (jti text primary key, substance text not null, at real not null);
"""


class Ledger:
    """One connection: the partner is one process."""

    def __init__(self, folder: Path, *, sync: str = "FULL") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "books.sqlite", isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("pragma journal_mode = wal")
        self._db.execute(f"pragma synchronous = {sync}")
        self._db.execute("pragma busy_timeout = 5000")
        self._db.executescript(TABLES)

    @contextmanager
    def writing(self) -> Iterator["Ledger"]:
        """All or nothing. What is inside does not wait for anything, so one at a time is enough."""
        self._db.execute("begin immediate")
        try:
            yield self
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def note(self, kind: str, handoff: object = None, /, **detail: Any) -> int:
        """Add an entry."""
        row = (time.time(), kind, None if handoff is None else str(handoff), json.dumps(detail, default=str))
        return self._db.execute("insert into entry (at, kind, handoff, detail) values (?, ?, ?, ?)", row).lastrowid

    def run(self, sql: str, *values: Any) -> int:
        """Change something; tell how many rows."""
        return self._db.execute(sql, values).rowcount

    def one(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """Read one row."""
        return self._db.execute(sql, values).fetchone()

    def all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Read rows."""
        return self._db.execute(sql, values).fetchall()

    def handoff(self, handoff: object) -> sqlite3.Row | None:
        """Read what is known of a handoff."""
        return self.one("select * from handoff where id = ?", str(handoff))

    def entries(self, after: int = 0) -> list[dict[str, Any]]:
        """Read the books."""
        rows = self.all("select * from entry where id > ? order by id", after)
        return [dict(row) | {"detail": json.loads(row["detail"])} for row in rows]

    def close(self) -> None:
        """Close the books."""
        self._db.close()
