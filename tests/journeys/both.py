"""A hub and a partner's system as two processes, with the lead between them who looks and decides."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from journeys.secretariat import Lead
from sqlalchemy import DateTime, Engine, Table, select, text, update

from schema.tables import ConsentRow, HandoffRow, PacketRow, ReceiptRow, ReferralEventRow, ReferralRow
from schema.tables.base import table_of
from tests.sandbox.sandbox_process import Sandbox, until

Run = Callable[..., str]
"""A command of the hub's, run as operators do."""
HANDOFF, REFERRAL, CONSENT = table_of(HandoffRow), table_of(ReferralRow), table_of(ConsentRow)
JOBS = text("update jobs.procrastinate_jobs set scheduled_at = scheduled_at - :by where queueing_lock = any(:keys)")


@dataclass
class Both:
    """The hub with its lead, and the partner."""

    lead: Lead
    sandbox: Sandbox
    body: str
    engine: Engine

    def sent(self, urgency: str = "URGENT") -> str:
        """Hand a person over; give the referral."""
        return self.lead.hand_over(self.body, urgency)

    async def becomes(self, referral: str, state: str) -> None:
        """Wait for the hub's books to say so."""
        seen = set[str | None]()

        def there() -> bool:
            now = self.lead.state(referral)
            seen.add(now)
            return now == state

        try:
            await until(there, seconds=40)
        except AssertionError:
            told = await self.sandbox.books()
            raise AssertionError(f"{referral}: not {state}, but {seen}; the partner: {told}") from None

    async def theirs(self, handoff: str) -> str:
        """What the partner's books say of it."""
        rows = (await self.sandbox.control("handoffs"))["handoffs"]
        return next(row["state"] for row in rows if row["id"] == handoff.removeprefix("rf_"))

    async def kinds(self, handoff: str) -> list[str]:
        return [entry["kind"] for entry in await self.sandbox.books(handoff=handoff.removeprefix("rf_"))]

    def passes(self, referral: str, by: timedelta) -> int:
        """Let time pass for one referral: all its instants, and those at which it is looked at again, move back.

        Nothing is told to the hub, and nothing of it is changed: it finds that so much time has gone by.

        Returns:
            how many attempts at bringing it there were until then.
        """
        id_ = UUID(referral.removeprefix("rf_"))
        with self.engine.begin() as connection:
            # In the order in which the hub locks.
            rows = connection.execute(select(HANDOFF).where(HANDOFF.c.referral_id == id_).with_for_update()).all()
            one = connection.execute(select(REFERRAL).where(REFERRAL.c.id == id_).with_for_update()).one()
            for table in (HANDOFF, REFERRAL, *map(table_of, (ReferralEventRow, PacketRow, ReceiptRow))):
                own = table.c.id if table is REFERRAL else table.c.referral_id
                connection.execute(update(table).where(own == id_).values(_back(table, by)))
            connection.execute(update(CONSENT).where(CONSENT.c.id == one.consent_id).values(_back(CONSENT, by)))
            connection.execute(JOBS, {"by": by, "keys": [str(row.id) for row in rows]})
        return sum(row.attempts for row in rows)

    def attempts(self, referral: str) -> int:
        """Tell how many attempts at bringing it there were."""
        id_ = UUID(referral.removeprefix("rf_"))
        with self.engine.connect() as connection:
            return sum(connection.execute(select(HANDOFF.c.attempts).where(HANDOFF.c.referral_id == id_)).scalars())


def _back(table: Table, by: timedelta) -> dict[str, object]:
    return {column.name: column - by for column in table.columns if isinstance(column.type, DateTime)}
