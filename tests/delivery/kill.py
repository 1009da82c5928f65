"""Kill loop: all processes die at any instant, calls fail, persons say no; then all books are compared.

    python -m tests.delivery.kill --handoffs 300 --seed 1 --kills 30 --partner-kills --database-kills

One process serves, with a worker inside, as `icorn-hub serve` does: the partner fetches from it and brings its answers
to it. Others only bring. All of them end by kill -9. Referrals are written by the hub's own services; the partner is
the sandbox, and what stands in its books decides:

    lost        sent and not taken back, and not in the partner's books, or not at its end in ours; or taken back, in
                the partner's books, and the partner was never told to stop
    doubled     taken in twice, under two ids, or with two contents; or one step of the partner's twice in our books
    stuck       not at its end, or something of it still waits to be brought
    after stop  a packet that was asked for after a withdrawal was answered, or taken in after the stop notice; or a
                notice that was signed when no attempt of before could be under way any more

A seed gives the same kills, the same withdrawals and the same bad days of the partner again: `--plan` prints them.
"""

import argparse
import asyncio
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.exc import InterfaceError, OperationalError

from hub.consent import StateConflict
from hub.settings import Settings
from hub.store import Database, open_database, upgrade
from schema.tables import ReferralEventRow
from schema.tables.base import table_of
from schema.tables.referrals import DeliveryState
from schema.vocabulary import ReferralEventKind, ReferralState
from tests.delivery.desk import Desk, Process
from tests.delivery.process import HURRIED
from tests.delivery.world import HANDOFF, REFERRAL
from tests.sandbox.sandbox_process import Sandbox, until
from tests.sandbox.trouble import ALL

S, E = ReferralState, ReferralEventKind
EVENT = table_of(ReferralEventRow)
HUB, PARTNER, DATABASE = "hub", "partner", "database"
STOPS = {"withdraw": S.WITHDRAWN, "revoke": S.CONSENT_REVOKED}
ONCE = (E.ACKNOWLEDGE, E.TAKE, E.ACCEPT, E.START, E.REPORT_OUTCOME)
SLOW_SECONDS, HANG_SECONDS, FETCH_SECONDS = 0.5, 2.0, 2.0
T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """What a seed gives."""

    kills: tuple[tuple[float, str], ...]
    """Pause before each, and who dies."""
    stops: tuple[tuple[str, float] | None, ...]
    """For each handoff: how it is taken back, and how long after it was sent."""
    pauses: tuple[float, ...]
    """Before each handoff."""


def plan(seed: int, *, handoffs: int, kills: int, victims: tuple[str, ...], every_seconds: float) -> Plan:
    """Draw a plan. Each part draws for itself, so that one may grow without changing another."""
    dying, stopping, feeding = (random.Random(f"{seed} {what}") for what in ("kills", "stops", "feeding"))  # noqa: S311  # the same again
    deaths = [(dying.uniform(0.4, 1.6) * every_seconds, dying.choice(victims)) for _ in range(kills)]
    span = sum(pause for pause, _ in deaths) / handoffs
    stops = [(stopping.choice([None] * 8 + [*STOPS]), stopping.uniform(0, 5) ** 2 / 5) for _ in range(handoffs)]
    return Plan(
        tuple(deaths),
        tuple((how, wait) if how else None for how, wait in stops),
        tuple(feeding.uniform(0, 2 * span) for _ in range(handoffs)),
    )


@dataclass
class Sent:
    """A referral that was sent, and what happened to it here."""

    consent: UUID
    stop: str | None = None
    stopped_at: float | None = None
    """The instant after a withdrawal was answered."""


@dataclass
class Verdict:
    """What the books say."""

    handoffs: int
    delivered: int = 0
    stopped: int = 0
    stopped_before: int = 0
    """Of these, taken back before anything was in the partner's books."""
    lost: int = 0
    doubled: int = 0
    stuck: int = 0
    after_stop: int = 0
    ended: int = 0
    """Processes of the hub that ended by themselves."""
    forged_taken: int = 0
    kills: Counter = field(default_factory=Counter)
    troubles: Counter = field(default_factory=Counter)
    attempts: int = 0
    seconds: float = 0.0
    why: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not (self.lost or self.doubled or self.stuck or self.after_stop or self.ended or self.forged_taken)

    def counts(self, what: str, referral: UUID, why: str) -> None:
        setattr(self, what, getattr(self, what) + 1)
        self.why.append(f"{what} {referral}: {why}")


async def loop(
    database: Database,
    folder: Path,
    planned: Plan,
    *,
    seed: int,
    workers: int = 1,
    rate: float = 0.3,
    crash: Callable[[], None] | None = None,
    patience_seconds: float = 180,
) -> Verdict:
    """Run it; the database has tables and nothing in them. `crash` stops it as a crash would, and starts it again."""
    verdict, began = Verdict(len(planned.stops)), time.monotonic()
    desk = await asyncio.to_thread(Desk, database, folder)
    sandbox = desk.partner(
        behaviour={f"{step}_seconds": 0.05 for step in ("take", "decide", "start", "outcome")},
        rate=rate,
        seed=seed * 1000,
        kinds=ALL,
        slow_seconds=SLOW_SECONDS,
        hang_seconds=HANG_SECONDS,
        fetch_timeout_seconds=FETCH_SECONDS,
    )
    await sandbox.start()
    desk.register(sandbox)
    environment = desk.hub_environment()
    running = {HUB: Process(HUB, ["-m", "tests.delivery.process", "serve"], environment)}
    for number in range(1, workers + 1):
        name = f"worker {number}"
        running[name] = Process(name, ["-m", "tests.delivery.process", "work"], environment)
    sent: dict[UUID, Sent] = {}
    try:
        feeding = asyncio.create_task(_feed(desk, planned, sent))
        for pause, victim in planned.kills:
            await asyncio.sleep(pause)
            match victim:
                case "partner":
                    await _reborn(sandbox)
                case "database":
                    assert crash is not None
                    await asyncio.to_thread(crash)
                case _:
                    verdict.ended += running[victim].ended
                    await asyncio.to_thread(running[victim].kill)
                    running[victim].start()
            verdict.kills[victim] += 1
        await feeding
        await _settled(desk, patience_seconds)
        verdict.ended += sum(each.ended for each in running.values())
        entries = await sandbox.books()
        theirs = {UUID(row["id"]): row["state"] for row in (await sandbox.control("handoffs"))["handoffs"]}
    finally:
        for each in running.values():
            each.kill()
        sandbox.stop()
        desk.close()
    _judge(desk.engine, verdict, sent, entries, theirs)
    desk.close()
    verdict.seconds = round(time.monotonic() - began, 1)
    return verdict


async def _reborn(sandbox: Sandbox) -> None:
    sandbox.kill()
    # Another life, other bad days.
    sandbox.config["seed"] += 1
    await sandbox.start()


# ---- What is handed over, and taken back -----------------------------------------------------------------------------


async def _feed(desk: Desk, planned: Plan, sent: dict[UUID, Sent]) -> None:
    async with asyncio.TaskGroup() as stopping:
        for pause, stop in zip(planned.pauses, planned.stops, strict=True):
            await asyncio.sleep(pause)
            made = await _insist(desk.ready)
            sent[made.referral_id] = Sent(made.consent_id)
            await _insist(partial(_send, desk, made.referral_id))
            if stop is not None:
                stopping.create_task(_stop(desk, made.referral_id, sent[made.referral_id], *stop))


def _send(desk: Desk, referral: UUID) -> None:
    """Send it once, also when it is not known whether the last try was committed."""
    try:
        desk.send(referral)
    except StateConflict:
        assert desk.state(referral) is not S.READY


async def _stop(desk: Desk, referral: UUID, sent: Sent, how: str, seconds: float) -> None:
    await asyncio.sleep(seconds)

    def stop() -> bool:
        try:
            desk.withdraw(referral) if how == "withdraw" else desk.revoke(sent.consent)
        except StateConflict:
            # The partner had reported how it ended before; or the try before was committed.
            return desk.state(referral) is STOPS[how]
        return True

    if await _insist(stop):
        sent.stop, sent.stopped_at = how, time.time()


async def _insist(work: Callable[[], T]) -> T:
    """Do it again until the database is there."""
    end = time.monotonic() + 60
    while True:
        try:
            return await asyncio.to_thread(work)
        except (OperationalError, InterfaceError):
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.1)


async def _settled(desk: Desk, seconds: float) -> None:
    """Wait until nothing waits to be brought, and what was sent has its outcome or was taken back."""
    open_ones = REFERRAL.c.state.not_in([S.OUTCOME_REPORTED, S.WITHDRAWN, S.CONSENT_REVOKED])
    waiting = select(HANDOFF.c.id).where(HANDOFF.c.state == DeliveryState.WAITING)
    both = select(REFERRAL.c.id).where(or_(open_ones, waiting.exists())).limit(1)

    def over() -> bool:
        with desk.engine.connect() as connection:
            return connection.execute(both).first() is None

    with suppress(AssertionError):
        await until(lambda: _insist(over), seconds=seconds)


# ---- What the books say ----------------------------------------------------------------------------------------------


def _judge(
    engine: Any, verdict: Verdict, sent: dict[UUID, Sent], entries: list[dict[str, Any]], theirs: dict[UUID, str]
) -> None:
    with engine.connect() as connection:
        states = {row.id: row.state for row in connection.execute(select(REFERRAL))}
        steps = Counter((row.referral_id, row.kind) for row in connection.execute(select(EVENT)))
        waiting = set(
            connection.execute(select(HANDOFF.c.referral_id).where(HANDOFF.c.state == DeliveryState.WAITING)).scalars()
        )
        verdict.attempts = sum(connection.execute(select(HANDOFF.c.attempts)).scalars())
    written: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for entry in entries:
        if entry["handoff"] is not None:
            written[UUID(entry["handoff"])].append(entry)
    verdict.troubles = Counter(entry["detail"]["kind"] for entry in entries if entry["kind"] == "trouble")
    verdict.forged_taken = sum(entry["kind"] == "forged_taken" for entry in entries)
    for stranger in written.keys() - sent.keys():
        verdict.counts("doubled", stranger, "nobody sent it")
    for referral, one in sent.items():
        book, state = written[referral], states[referral]
        kinds = Counter(entry["kind"] for entry in book)
        if referral in waiting:
            verdict.counts("stuck", referral, f"something waits to be brought; {state}")
        if kinds["packet"] > 1 or any(entry["detail"].get("problem") == "reused" for entry in book):
            verdict.counts("doubled", referral, f"{kinds}")
        twice = [kind for kind in ONCE if steps[referral, kind] > 1]
        if twice:
            verdict.counts("doubled", referral, f"{twice} in our books")
        if one.stop is None:
            verdict.delivered += kinds["packet"] == 1 and state is S.OUTCOME_REPORTED
            if kinds["packet"] == 0:
                verdict.counts("lost", referral, f"not in the partner's books; {state}")
            elif state is not S.OUTCOME_REPORTED or theirs.get(referral) != S.OUTCOME_REPORTED.value:
                verdict.counts("stuck", referral, f"{state} here, {theirs.get(referral)} there")
            continue
        verdict.stopped += 1
        verdict.stopped_before += kinds["packet"] == 0
        if state is not STOPS[one.stop]:
            verdict.counts("lost", referral, f"taken back, and {state}")
        if kinds["packet"] and not kinds["stop"]:
            verdict.counts("lost", referral, "taken back, and the partner was not told to delete it")
        elif kinds["stop"] and not steps[referral, E.ANSWER_STOP_NOTICE]:
            verdict.counts("lost", referral, "deleted there, and no certificate here")
        for why in _late(book, one.stopped_at or 0.0):
            verdict.counts("after_stop", referral, why)


def _late(book: list[dict[str, Any]], stopped_at: float) -> list[str]:
    """Tell what of a handoff left after it was taken back."""
    found, asked_at, stopped = [], 0.0, False
    for entry in book:
        match entry["kind"]:
            case "fetch":
                asked_at = entry["at"]
            case "packet":
                if asked_at > stopped_at:
                    found.append(f"asked for {asked_at - stopped_at:.3f} s after it was taken back, and given")
                if stopped:
                    found.append("taken in after the stop notice")
            case "notice" if entry["detail"]["signed_at"] > stopped_at + HURRIED.attempt_seconds:
                found.append(f"told of, by a notice of {entry['detail']['signed_at'] - stopped_at:.3f} s after that")
            case "stop":
                stopped = True
    return found


# ---- By command ------------------------------------------------------------------------------------------------------


async def _main(told: argparse.Namespace) -> Verdict:
    folder = Path(tempfile.mkdtemp(prefix="hub-kill-"))
    settings = Settings(data_dir=folder / "data")
    database = open_database(settings)
    again: list[Database] = []

    def crash() -> None:
        note = settings.data_dir / "postgres" / "postmaster.pid"
        os.kill(int(note.read_text().split()[0]), signal.SIGQUIT)
        while note.exists():
            time.sleep(0.01)
        again.append(open_database(settings))

    try:
        engine = database.engine()
        upgrade(engine)
        engine.dispose()
        return await loop(
            database,
            folder,
            _planned(told),
            seed=told.seed,
            workers=told.workers,
            rate=told.rate,
            crash=crash,
            patience_seconds=told.patience,
        )
    finally:
        for each in [*again, database]:
            each.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _planned(told: argparse.Namespace) -> Plan:
    workers = [f"worker {number}" for number in range(1, told.workers + 1)]
    victims = [HUB, HUB, *workers] + [PARTNER] * told.partner_kills + [DATABASE] * told.database_kills
    return plan(told.seed, handoffs=told.handoffs, kills=told.kills, victims=tuple(victims), every_seconds=told.every)


def _told() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.delivery.kill", description=__doc__.partition("\n")[0])
    parser.add_argument("--handoffs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--every", type=float, default=4.0, help="seconds from one kill to the next, on the average")
    parser.add_argument("--workers", type=int, default=2, help="beside the one that serves")
    parser.add_argument("--rate", type=float, default=0.3, help="share of calls that meet a bad day")
    parser.add_argument("--patience", type=float, default=180.0, help="seconds for all to come to its end")
    parser.add_argument("--partner-kills", action="store_true")
    parser.add_argument("--database-kills", action="store_true")
    parser.add_argument("--plan", action="store_true", help="print what would happen, and nothing else")
    return parser.parse_args()


if __name__ == "__main__":
    given = _told()
    if given.plan:
        print(_planned(given))  # noqa: T201  # that is the answer
        sys.exit(0)
    result = asyncio.run(_main(given))
    print(result, *result.why, sep="\n")  # noqa: T201  # that is the answer
    print("holds" if result.holds else "DOES NOT HOLD", "never met:", sorted(set(ALL) - set(result.troubles)))  # noqa: T201
    sys.exit(not result.holds)
