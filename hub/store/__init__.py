"""The store: which database, how it is migrated, and the two doors to it. It decides nothing."""

from hub.store.database import Database, open_database
from hub.store.migrate import upgrade
from hub.store.reader import Reader

__all__ = ["Database", "Reader", "open_database", "upgrade"]
