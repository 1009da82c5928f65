"""Kill loop: workers die at any instant, the partner has bad days, persons withdraw; then all books are compared.

    python -m tests.delivery.kill --handoffs 300 --seed 1 --partner-kills --database-kills

Lost: given to the outbox, and neither delivered nor ended. Doubled: taken in twice by the partner, or settled twice
here. Stuck: still waiting at the end. After stop: an attempt that began after a withdrawal was written.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError

from connectors.signing import private_jwks, unchecked
from hub.settings import Settings
from hub.store import Database, open_database, upgrade
from schema.tables.referrals import DeliveryState
from tests.delivery.world import HANDOFF, RECEIPT, House
from tests.sandbox.counterpart import Counterpart, counterpart
from tests.sandbox.sandbox_process import ROOT, Sandbox

NETWORK = "scholars_at_risk"
T = TypeVar("T")
BAD_DAYS = ("reset", "500", "503", "429", "lost", "failed", "forged", "timeout")


@dataclass
class Verdict:
    """What the books say."""

    handoffs: int
    delivered: int = 0
    stopped: int = 0
    lost: int = 0
    doubled: int = 0
    stuck: int = 0
    after_stop: int = 0
    kills: int = 0
    crashes: int = 0
    doubts: int = 0
    troubles: int = 0
    seconds: float = 0.0
    states: Counter = field(default_factory=Counter)

    @property
    def holds(self) -> bool:
        return not (self.lost or self.doubled or self.stuck or self.after_stop)


class Process:
    """One worker."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.delivery.process", str(self.file)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


async def loop(
    database: Database,
    engine: Engine,
    folder: Path,
    *,
    handoffs: int,
    seed: int,
    workers: int = 2,
    kills: int = 4,
    rate: float = 0.2,
    partner_kills: bool = False,
    crash: Callable[[], None] | None = None,
    patience_seconds: float = 120,
) -> Verdict:
    """Run it; the database has tables and nothing in them. `crash` stops it as a crash would, and starts it again."""
    chance = random.Random(seed)  # noqa: S311  # the same again
    house, began = House(engine), time.monotonic()
    verdict = Verdict(handoffs)
    async with counterpart() as hub:
        sandbox = Sandbox(
            folder / "books", NETWORK, hub, behaviour={"take_seconds": -1}, rate=rate, seed=seed, kinds=BAD_DAYS
        )
        await sandbox.start()
        await sandbox.control("trouble", hang_seconds=1.5)
        hub.speak_with(NETWORK, sandbox.port)
        running = [Process(_config(folder, database, hub, sandbox.port)) for _ in range(workers)]
        try:
            sent: dict[UUID, datetime | None] = {}
            feeding = asyncio.create_task(_feed(house, hub, sent, handoffs, chance))
            for _ in range(kills):
                await asyncio.sleep(chance.uniform(1.0, 2.5))
                victim = chance.choice(running)
                await asyncio.to_thread(victim.kill)
                if partner_kills and chance.random() < 0.3:
                    sandbox.kill()
                    await sandbox.start()
                if crash is not None and chance.random() < 0.4:
                    await asyncio.to_thread(crash)
                    verdict.crashes += 1
                victim.start()
                verdict.kills += 1
            await feeding
            await _settled(house, patience_seconds)
        finally:
            for each in running:
                each.kill()
        verdict.troubles = sum((await sandbox.control("trouble"))["met"].values())
        _judge(house, verdict, sent, await sandbox.books("packet"))
        sandbox.stop()
    verdict.seconds = time.monotonic() - began
    return verdict


def _config(folder: Path, database: Database, hub: Counterpart, port: int) -> Path:
    file = folder / "worker.json"
    url = database.url.render_as_string(hide_password=False)
    told = {"url": url, "network": NETWORK, "port": port, "issuer": hub.issuer, "jwks": private_jwks(hub.me)}
    file.touch(mode=0o600)
    file.write_text(json.dumps(told))
    return file


async def _feed(
    house: House, hub: Counterpart, sent: dict[UUID, datetime | None], handoffs: int, chance: random.Random
) -> None:
    """Give deliveries to the outbox, and withdraw some of them."""
    for number in range(handoffs):
        packet = hub.new_packet()
        referral = UUID(unchecked(packet)["handoff"])
        delivery = await asyncio.to_thread(_insist, _sending(house, referral, packet))
        sent[delivery] = None
        if number % 7 == 3:
            await asyncio.sleep(chance.uniform(0, 0.2))
            await asyncio.to_thread(_insist, partial(house.withdraw, delivery))
            sent[delivery] = datetime.now(UTC)
        if number % 10 == 0:
            await asyncio.sleep(chance.uniform(0, 0.3))


def _sending(house: House, referral: UUID, packet: str) -> Callable[[], UUID]:
    """Write a delivery once, also when it is not known whether the last try was committed."""

    def send() -> UUID:
        try:
            return house.send(now=datetime.now(UTC), id_=referral, packet=packet)
        except IntegrityError:
            with house.engine.connect() as connection:
                return connection.execute(select(HANDOFF.c.id).where(HANDOFF.c.referral_id == referral)).scalar_one()

    return send


def _insist(work: Callable[[], T]) -> T:
    """Do it again until the database is there."""
    end = time.monotonic() + 60
    while True:
        try:
            return work()
        except (OperationalError, InterfaceError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


async def _settled(house: House, seconds: float) -> None:
    end = time.monotonic() + seconds
    waiting = select(HANDOFF.c.id).where(HANDOFF.c.state == DeliveryState.WAITING).limit(1)

    def over() -> bool:
        with house.engine.connect() as connection:
            return connection.execute(waiting).first() is None

    while time.monotonic() < end:
        if await asyncio.to_thread(_insist, over):
            return
        await asyncio.sleep(0.2)


def _judge(house: House, verdict: Verdict, sent: dict[UUID, datetime | None], packets: list[dict]) -> None:
    with house.engine.connect() as connection:
        rows = {row.id: row for row in connection.execute(select(HANDOFF))}
        receipts = Counter(connection.execute(select(RECEIPT.c.handoff_id)).scalars())
        book = connection.execute(text("select delivery, what, code, at from sample_book")).all()
        machine = datetime.now(UTC) - connection.execute(text("select clock_timestamp()")).scalar_one()
    taken = Counter(UUID(entry["handoff"]) for entry in packets)
    ended = Counter(row.delivery for row in book if row.what in {"delivered", "failed"})
    verdict.doubts = sum(row.code == "doubtful" for row in book)
    verdict.states = Counter(str(row.state.value) for row in rows.values())
    for delivery, stopped_at in sent.items():
        row = rows.get(delivery)
        if row is None:
            verdict.lost += 1
            continue
        verdict.delivered += row.state is DeliveryState.DELIVERED
        verdict.stopped += row.state is DeliveryState.STOPPED
        verdict.stuck += row.state is DeliveryState.WAITING
        done = row.state is DeliveryState.DELIVERED
        verdict.lost += done and (taken[row.referral_id] == 0 or receipts[delivery] == 0)
        verdict.lost += row.state in {DeliveryState.REFUSED, DeliveryState.EXPIRED}
        verdict.doubled += taken[row.referral_id] > 1 or receipts[delivery] > 1 or ended[delivery] > 1
        begun = [each.at + machine for each in book if each.delivery == delivery and each.what == "claimed"]
        verdict.after_stop += stopped_at is not None and any(at > stopped_at for at in begun)


async def _main(told: argparse.Namespace) -> Verdict:
    folder = Path(tempfile.mkdtemp(prefix="hub-kill-"))
    settings = Settings(data_dir=folder / "data")
    database = open_database(settings)

    def crash() -> None:
        note = settings.data_dir / "postgres" / "postmaster.pid"
        os.kill(int(note.read_text().split()[0]), signal.SIGQUIT)
        while note.exists():
            time.sleep(0.01)
        again.append(open_database(settings))

    again: list[Database] = []
    engine = database.engine()
    try:
        upgrade(engine)
        return await loop(
            database,
            engine,
            folder,
            handoffs=told.handoffs,
            seed=told.seed,
            workers=told.workers,
            kills=told.kills,
            rate=told.rate,
            partner_kills=told.partner_kills,
            crash=crash if told.database_kills else None,
        )
    finally:
        engine.dispose()
        for each in [*again, database]:
            each.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tests.delivery.kill", description=__doc__.partition("\n")[0])
    parser.add_argument("--handoffs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--rate", type=float, default=0.2)
    parser.add_argument("--partner-kills", action="store_true")
    parser.add_argument("--database-kills", action="store_true")
    result = asyncio.run(_main(parser.parse_args()))
    print(result)  # noqa: T201  # that is the answer
    sys.exit(not result.holds)
