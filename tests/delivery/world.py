"""Something to deliver: two bodies, referrals, and a small handler with books of its own, which tests compare."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, insert, select, text, update

from hub.delivery import HandoffOutbox
from hub.delivery.ports import Claimed, Stopped, Topic
from hub.delivery.sending import send_packet
from schema.tables import CaseRow, HandoffRow, OrganisationRow, PersonRow, ReceiptRow, ReferralRow
from schema.tables.base import table_of
from schema.tables.referrals import Direction
from schema.vocabulary import (
    CaseState,
    Certainty,
    ContactRule,
    Liaison,
    OrganisationKind,
    Purpose,
    ReferralState,
    Urgency,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
REFERRAL, HANDOFF, RECEIPT = table_of(ReferralRow), table_of(HandoffRow), table_of(ReceiptRow)
BOOKS = """
    create table if not exists sample_book (delivery uuid, what text, code text, at timestamptz default now());
    create table if not exists sample_packet (referral uuid primary key, packet text)
"""


@dataclass
class House:
    """Rows that a delivery needs."""

    engine: Engine
    outbox: HandoffOutbox = field(default_factory=HandoffOutbox)
    bodies: tuple[UUID, UUID] = field(init=False)

    def __post_init__(self) -> None:
        with self.engine.begin() as connection:
            connection.exec_driver_sql(BOOKS)
            self.bodies = (self.body(connection, "icorn"), self.body(connection, "partner"))

    @staticmethod
    def body(connection: Connection, slug: str) -> UUID:
        row = OrganisationRow(
            slug=slug,
            name=slug,
            name_key=slug,
            kind=OrganisationKind.NGO,
            certainty=Certainty.SYNTHETIC,
            refers_to_icorn=Liaison.YES,
            receives_from_icorn=Liaison.YES,
        )
        values = {column.name: getattr(row, column.name) for column in table_of(OrganisationRow).columns}
        connection.execute(insert(table_of(OrganisationRow)).values(values))
        return row.id

    def referral(self, connection: Connection, id_: UUID | None = None, *, now: datetime = NOON) -> UUID:
        subject, case, referral = uuid4(), uuid4(), id_ or uuid4()
        connection.execute(
            insert(table_of(PersonRow)).values(id=subject, contact_rule=ContactRule.NEVER, blocked_organisations=[])
        )
        connection.execute(
            insert(table_of(CaseRow)).values(
                id=case, person_id=subject, state=CaseState.OPEN, opened_on=date(2026, 1, 1)
            )
        )
        connection.execute(
            insert(REFERRAL).values(
                id=referral,
                case_id=case,
                person_id=subject,
                sender_id=self.bodies[0],
                recipient_id=self.bodies[1],
                direction=Direction.OUTGOING,
                state=ReferralState.SENT,
                since=now,
                purpose=next(iter(Purpose)),
                urgency=Urgency.NORMAL,
                created_at=now,
                sent_at=now,
            )
        )
        return referral

    def send(self, *, now: datetime = NOON, days: float = 30, id_: UUID | None = None, packet: str = "") -> UUID:
        """Write a referral and its delivery in one transaction; give the delivery's id."""
        with self.engine.begin() as connection:
            referral = self.referral(connection, id_, now=now)
            connection.execute(text("insert into sample_packet values (:r, :p)"), {"r": referral, "p": packet})
            return self.outbox.enqueue(
                connection,
                referral_id=referral,
                topic=Topic.PACKET,
                now=now,
                gives_up_at=now + timedelta(days=days),
            )

    def withdraw(self, delivery: UUID) -> None:
        with self.engine.begin() as connection:
            referral = select(HANDOFF.c.referral_id).where(HANDOFF.c.id == delivery).scalar_subquery()
            connection.execute(update(REFERRAL).where(REFERRAL.c.id == referral).values(state=ReferralState.WITHDRAWN))

    def row(self, delivery: UUID) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(select(HANDOFF).where(HANDOFF.c.id == delivery)).one()

    def book(self, delivery: UUID) -> list[str]:
        """Tell what the handler wrote down, in its order."""
        query = text("select what || coalesce(' ' || code, '') from sample_book where delivery = :id order by at")
        with self.engine.connect() as connection:
            return list(connection.execute(query, {"id": delivery}).scalars())

    def jobs(self, *, status: str | None = None) -> list[Any]:
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql("select * from jobs.procrastinate_jobs order by id").all()
        return [row for row in rows if status in {None, row.status}]

    def receipts(self, delivery: UUID) -> list[str]:
        with self.engine.connect() as connection:
            return list(
                connection.execute(select(RECEIPT.c.verbatim).where(RECEIPT.c.handoff_id == delivery)).scalars()
            )


Bring = Callable[[Claimed], Awaitable[object]]


class Books:
    """A handler that writes down what it is told, in the transaction it is told in."""

    def __init__(self, bring: Bring) -> None:
        self._bring = bring
        self.broken: deque[str] = deque()
        """What breaks next: `claim`, `delivered`."""

    def claim(self, connection: Connection, claimed: Claimed, now: datetime) -> Any:  # noqa: ARG002  # as the port
        self._breaks("claim")
        state = connection.execute(
            select(REFERRAL.c.state).where(REFERRAL.c.id == claimed.referral_id).with_for_update()
        ).scalar_one()
        if state is ReferralState.WITHDRAWN:
            return Stopped("withdrawn")
        self._note(connection, claimed, "claimed", "doubtful" if claimed.doubtful else None)
        return lambda: self._bring(claimed)

    def delivered(self, connection: Connection, claimed: Claimed, result: object, now: datetime) -> None:
        self._breaks("delivered")
        self._note(connection, claimed, "delivered")
        connection.execute(
            insert(RECEIPT).values(
                id=uuid4(),
                referral_id=claimed.referral_id,
                handoff_id=claimed.id,
                direction=Direction.OUTGOING,
                verbatim=str(result),
                received_at=now,
            )
        )

    def failed(self, connection: Connection, claimed: Claimed, code: str, now: datetime) -> None:  # noqa: ARG002  # as the port
        self._note(connection, claimed, "failed", code)

    def _breaks(self, where: str) -> None:
        if self.broken and self.broken[0] == where:
            self.broken.popleft()
            raise RuntimeError(where)

    @staticmethod
    def _note(connection: Connection, claimed: Claimed, what: str, code: str | None = None) -> None:
        connection.execute(
            text("insert into sample_book values (:id, :what, :code, clock_timestamp())"),
            {"id": claimed.id, "what": what, "code": code},
        )


class Weather:
    """Attempts that go as told, one after the other; the last one goes on."""

    def __init__(self, *outcomes: object) -> None:
        self.outcomes = deque(outcomes)
        self.made: list[Claimed] = []
        self.gate: asyncio.Event | None = None
        """An attempt waits here when there is one."""

    async def __call__(self, claimed: Claimed) -> object:
        self.made.append(claimed)
        if self.gate is not None:
            await self.gate.wait()
        outcome = self.outcomes[0] if len(self.outcomes) == 1 else self.outcomes.popleft()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def to_partner(partner: Any, engine: Engine) -> Bring:
    """Bring packets to a real partner, asking first when an earlier attempt is in doubt."""

    def packet_of(claimed: Claimed) -> str:
        with engine.connect() as connection:
            query = text("select packet from sample_packet where referral = :id")
            return connection.execute(query, {"id": claimed.referral_id}).scalar_one()

    async def bring(claimed: Claimed) -> object:
        packet = await asyncio.to_thread(packet_of, claimed)
        receipt = await send_packet(partner, packet, handoff=claimed.referral_id, doubtful=claimed.doubtful)
        return None if receipt is None else receipt.jws

    return bring
