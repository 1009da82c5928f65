"""Handoffs per second: one hub process with its worker inside, and a real partner over loopback.

    python -m tests.delivery.rate --handoffs 500

Persons are made up, allow it, and are sent while no hub runs, so that all wait at once. Then `icorn-hub serve` starts.
Measured is from the first claim to the last receipt, as the hub wrote both down: each handoff is claimed, announced
by a notice, fetched by the partner with a token of its own, receipted, and settled. CPU is what the kernel counted from
start to end of that, for the hub, the partner, and the whole database.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlalchemy import func, select

from hub.settings import Settings
from hub.store import Database, open_database, upgrade
from schema.tables import ReceiptRow
from schema.tables.base import table_of
from schema.vocabulary import ReferralState
from tests.bench.meter import cpu_seconds, machine
from tests.delivery.desk import Desk, Process
from tests.delivery.world import HANDOFF, REFERRAL
from tests.sandbox.sandbox_process import until

RECEIPT = table_of(ReceiptRow)
SERVE = ("-c", "from hub.cli import main; main()", "serve")


@dataclass(frozen=True)
class Rate:
    """What was measured."""

    handoffs: int
    seconds: float
    hub_ms: float
    """CPU of the hub's process for one handoff."""
    partner_ms: float
    database_ms: float
    attempts: int
    receipts: int

    @property
    def a_second(self) -> float:
        return self.handoffs / self.seconds

    def __str__(self) -> str:
        return (
            f"{self.handoffs} handoffs in {self.seconds:.1f} s: {self.a_second:.1f}/s, {self.attempts} attempts;"
            f" CPU for one, ms: hub {self.hub_ms:.1f}, partner {self.partner_ms:.1f}, database {self.database_ms:.1f};"
            f" of a core: hub {self._share(self.hub_ms)}, partner {self._share(self.partner_ms)},"
            f" database {self._share(self.database_ms)}"
        )

    def _share(self, spent_ms: float) -> str:
        return f"{spent_ms * self.handoffs / self.seconds / 1000:.2f}"


async def measured(database: Database, folder: Path, *, handoffs: int, patience_seconds: float = 300) -> Rate:
    """Measure; the database has tables and nothing in them."""
    desk = await asyncio.to_thread(Desk, database, folder)
    sandbox = desk.partner(behaviour={"take_seconds": -1})
    await sandbox.start()
    desk.register(sandbox)
    for _ in range(handoffs):
        made = await asyncio.to_thread(desk.ready)
        await asyncio.to_thread(desk.send, made.referral_id)
    hub = Process("hub", SERVE, desk.hub_environment())
    try:
        pids = [hub.process.pid], [sandbox.process.pid], _database(database)
        before = [cpu_seconds(each) for each in pids]
        waiting = select(REFERRAL.c.id).where(REFERRAL.c.left_at.is_not(None)).limit(1)
        received = select(func.count()).where(REFERRAL.c.state == ReferralState.RECEIVED)

        def begun() -> bool:
            nonlocal before
            before = [cpu_seconds(each) for each in pids]
            with desk.engine.connect() as connection:
                return connection.execute(waiting).first() is not None

        def over() -> bool:
            with desk.engine.connect() as connection:
                return connection.scalar(received) == handoffs

        await until(begun, seconds=patience_seconds)
        await until(lambda: asyncio.to_thread(over), seconds=patience_seconds)
        # Database processes come and go with connections; those of the hub last.
        after = [cpu_seconds(each) for each in (*pids[:2], _database(database))]
        with desk.engine.connect() as connection:
            first = connection.scalar(select(func.min(REFERRAL.c.left_at)))
            last = connection.scalar(select(func.max(RECEIPT.c.received_at)))
            attempts = connection.scalar(select(func.sum(HANDOFF.c.attempts)))
            receipts = connection.scalar(select(func.count()).select_from(RECEIPT))
    finally:
        hub.kill()
        sandbox.stop()
        desk.close()
    spent = [(late - early) * 1000 / handoffs for early, late in zip(before, after, strict=True)]
    return Rate(handoffs, (last - first).total_seconds(), *spent, attempts, receipts)


def _database(database: Database) -> list[int]:
    """Find all processes of the embedded server."""
    assert database.server is not None
    assert database.server.pid is not None
    server = psutil.Process(database.server.pid)
    return [server.pid, *(each.pid for each in server.children(recursive=True))]


async def _main(handoffs: int) -> Rate:
    folder = Path(tempfile.mkdtemp(prefix="hub-rate-"))
    database = open_database(Settings(data_dir=folder / "data"))
    try:
        engine = database.engine()
        upgrade(engine)
        engine.dispose()
        return await measured(database, folder, handoffs=handoffs)
    finally:
        database.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tests.delivery.rate", description=__doc__.partition("\n")[0])
    parser.add_argument("--handoffs", type=int, default=500)
    print(asyncio.run(_main(parser.parse_args().handoffs)))  # noqa: T201  # that is the answer
    print(machine(), "- load:", *(f"{each:.1f}" for each in psutil.getloadavg()), file=sys.stderr)  # noqa: T201
