"""The hub as tests of cases ask it: with the door that leaves leaves, services behind changes, statements counted."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from typing import Any
from uuid import UUID

from databases import cloned
from office import NOW, VEIL, Office, derive
from sqlalchemy import Connection

from connectors.protocol import Partner
from connectors.signing import new_keys
from hub.changes import Changes
from hub.changes.services import services
from hub.clock import SetClock
from hub.delivery.outbox import HandoffOutbox
from hub.operations import Operations, Persons
from hub.partners import PartnerUnknown
from hub.planner import Planner
from hub.referrals.office import Office as Desk
from hub.referrals.service import Referrals
from hub.store import Database, Reader
from hub.store.sealed import Sealing
from hub.store.vault import Vault
from schema.access import AccessProfile
from schema.root import SCHEMA


def _nobody(_organisation_id: UUID, _connection: Connection | None = None) -> Partner:
    """Know no partner's system."""
    raise PartnerUnknown


class Hub:
    """The graph over one database, counting statements."""

    def __init__(self, database: Database, planner: Planner) -> None:
        self.database = database
        self.engine = database.engine()
        self.open = Reader(database.reading, connections=1)
        self.audited = Reader(database.reading, connections=1, appends=True)
        self.clock = SetClock(NOW)
        self.sealing = Sealing(derive)
        self.house = UUID(int=0)
        persons = Persons(self.audited, self.sealing, VEIL)
        me = cache(lambda: new_keys("http://hub.example"))
        desk = Referrals(Desk(vault=Vault(self.sealing), me=me, outbox=HandoffOutbox(), partner_of=_nobody))
        changes = Changes(self.engine, SCHEMA, planner.catalogue, services(desk, VEIL), self.sealing.mark)
        self.operations = Operations(
            reader=self.open, clock=self.clock, planner=planner, persons=persons, changes=changes
        )

    @property
    def statements(self) -> int:
        """Statements sent so far."""
        return self.open.statements + self.audited.statements

    async def ask(self, document: str, who: AccessProfile, **variables: object) -> dict[str, Any]:
        """Ask and read the answer; exactly one statement may be sent for it."""
        before = self.statements
        answer = await self.operations.execute(document, variables=variables, profile=who)
        assert self.statements - before <= 1, document
        read: dict[str, Any] = json.loads(answer.body)
        return read

    async def text(self, document: str, who: AccessProfile, **variables: object) -> bytes:
        """Ask and give the bytes."""
        return (await self.operations.execute(document, variables=variables, profile=who)).body

    @contextmanager
    def office(self) -> Iterator[Office]:
        """Write in one transaction; the bodies of an earlier office stay."""
        with self.engine.begin() as connection:
            yield Office(connection, self.house)

    def rows(self, query: str) -> list[Any]:
        """Read rows as the owner of the database."""
        with self.engine.connect() as connection:
            return list(connection.exec_driver_sql(query).all())


@asynccontextmanager
async def opened(template: Database, planner: Planner) -> AsyncIterator[Hub]:
    """Open a hub over an empty database with ICORN in it."""
    with cloned(template) as database:
        hub = Hub(database, planner)
        with hub.engine.begin() as connection:
            hub.house = Office(connection).house
        yield hub
        await hub.open.aclose()
        await hub.audited.aclose()
        hub.engine.dispose()


def leaves(hub: Hub) -> list[Any]:
    """Read the audit, earliest first."""
    return hub.rows(
        "select relation, actor_id, organisation_id, client, purpose, subjects, categories, fields_returned, "
        "fields_withheld, request_id, operation_hash, at from audit_leaf order by at, id"
    )
