"""The bench: the hub against hand-written SQL and against plain Strawberry, on this machine, now.

python -m tests.bench            about ten minutes
python -m tests.bench --quick    under one minute, to see that all is well
python -m tests.bench --full     longer rounds, and a million rows
python -m tests.bench --docs     also writes the measured part of docs/performance.md and its plots
python -m tests.bench --only bodies --at 1 --rounds 30    one operation against SQL by hand, as often as wanted
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from rich.console import Console

from tests.bench import documents, plots, tables
from tests.bench.load import Load
from tests.bench.meter import machine, peak_mb
from tests.bench.questions import DIRECTORY_ROWS, ask_alike, ask_of_persons, body_of
from tests.bench.result import CASES, PERSON_CASES, TITLES, Plan, Result
from tests.bench.rounds import Bench, Cell, Pace
from tests.bench.servers import PERSONS, PROOF, ROOT, SERVERS, TOKEN, Server, ask, servers
from tests.bench.tokens import wallet
from tests.bench.world import World

SMOKE: Final = Plan((2,), Pace(1, 0.05, 1), 2_000, 60, (), (), Pace(1, 0.05, 1), warm_seconds=0.0)
QUICK: Final = Plan((1, 16), Pace(2, 0.3, 2), 20_000, 500, DIRECTORY_ROWS, (), Pace(2, 0.3, 2), warm_seconds=0.1)
NORMAL: Final = Plan(
    (1, 16, 64),
    Pace(16, 0.2, 3.5),
    100_000,
    2_000,
    DIRECTORY_ROWS,
    (1_000, 10_000, 100_000),
    Pace(8, 0.2, 2),
    warm_seconds=0.3,
)
FULL: Final = Plan(
    (1, 16, 64),
    Pace(50, 0.4, 20),
    100_000,
    10_000,
    DIRECTORY_ROWS,
    (1_000, 10_000, 100_000, 1_000_000),
    Pace(16, 0.4, 8),
    warm_seconds=1.0,
)
SIZED_AT: Final = 16
"""Concurrency at which sizes are compared."""
SIZED: Final = ("city", "bodies")

SIZE_BESIDE_CASES: Final = 2_000
FILES: Final = 40
"""How many case files are read in turn."""

PARTS: Final = ("tokens", "persons")

Say = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Run:
    """One run through a plan."""

    plan: Plan
    seed: int
    say: Say
    world: World
    load: Load

    async def measure(self) -> Result:
        """Measure everything the plan names."""
        began = datetime.now(UTC)
        grid, directory, memory = await self._grid()
        tokens = await self.guarded(TOKEN, self.plan.concurrencies, proofs=False)
        proofs = await self.guarded(PROOF, self.plan.concurrencies, proofs=True)
        persons = await self.of_persons()
        sizes = {rows: await self._size(rows) for rows in self.plan.database_rows}
        return Result(
            began=began,
            seconds=(datetime.now(UTC) - began).total_seconds(),
            machine=f"{machine()}, {self.world.version()}",
            plan=self.plan,
            grid=grid,
            directory=directory,
            tokens=tokens,
            proofs=proofs,
            persons=persons,
            sizes=sizes,
            memory_mb=memory,
        )

    async def _grid(self) -> tuple[list[Cell], list[Cell], dict[str, float]]:
        """Measure every operation at every concurrency, then the directory by its size."""
        plan, grid, directory = self.plan, [], []
        with self._servers(plan.rows) as (bench, running):
            await bench.warm(CASES, max(plan.concurrencies), plan.warm_seconds)
            for case in CASES:
                for concurrency in plan.concurrencies:
                    self.say(f"{TITLES[case]}, {concurrency} at once")
                    grid.append(await bench.cell(case, concurrency, plan.pace, seed=self.seed))
            for rows in plan.directory_rows:
                self.say(f"directory of {rows}")
                directory.append(await bench.cell(f"directory_{rows}", SIZED_AT, plan.size_pace, seed=self.seed))
            return grid, directory, {name: peak_mb(each.process.pid) for name, each in running.items()}

    async def guarded(self, kinds: Mapping[str, str], concurrencies: Sequence[int], *, proofs: bool) -> list[Cell]:
        """Measure every operation with a token on each request, against SQL by hand with the same check."""
        with self._servers(self.plan.rows, kinds, proofs=proofs) as (bench, _):
            await bench.warm(CASES, max(concurrencies), self.plan.warm_seconds)
            found = []
            for case in CASES:
                for concurrency in concurrencies:
                    self.say(f"{TITLES[case]}, {concurrency} at once, with a {'proof' if proofs else 'token'}")
                    found.append(await bench.cell(case, concurrency, self.plan.pace, seed=self.seed))
            return found

    async def of_persons(self) -> list[Cell]:
        """Measure what a partner reads about persons, each time with a token and a leaf of the audit."""
        plan = self.plan
        self.say(f"making {plan.cases:,} cases")
        with tempfile.TemporaryDirectory(prefix="icorn-bench-") as keys:
            folder = Path(keys)
            conninfo, bearer, handed = self.world.cases(SIZE_BESIDE_CASES, plan.cases, folder)
            shown = [self.world.shown(folder, bearer, case) for case in handed[:FILES]]
            mint = partial(wallet, conninfo, folder, bearer, proofs=False)
            first = body_of("inbox", first=1)
            with servers(conninfo, folder, PERSONS, wallet=(mine := mint()), first=first) as running:
                asking = {name: partial(ask, server.port, wallet=mine) for name, server in running.items()}
                bodies = ask_of_persons(asking, conninfo, shown)
                self.say(f"{', '.join(running)} answer alike about persons, and leave the same word of it")
                bench = Bench(self.load, self.world, running, bodies, mint)
                await bench.warm(PERSON_CASES, max(plan.concurrencies), plan.warm_seconds)
                found = []
                for case in PERSON_CASES:
                    for concurrency in plan.concurrencies:
                        self.say(f"{TITLES[case]}, {concurrency} at once")
                        found.append(await bench.cell(case, concurrency, plan.pace, seed=self.seed))
                return found

    async def part(self, which: str, concurrencies: Sequence[int]) -> list[Cell]:
        """Measure a part at the pace of the whole: one operation, all with a token, or those about persons."""
        plan = replace(self.plan, concurrencies=tuple(concurrencies))
        run = replace(self, plan=plan)
        match which:
            case "tokens":
                return await run.guarded(TOKEN, concurrencies, proofs=False)
            case "persons":
                return await run.of_persons()
            case case:
                return await run.one(case, concurrencies)

    async def one(self, case: str, concurrencies: Sequence[int]) -> list[Cell]:
        with self._servers(self.plan.rows, {name: SERVERS[name] for name in ("limit", "hub")}) as (bench, _):
            await bench.warm([case], max(concurrencies), self.plan.warm_seconds)
            return [await bench.cell(case, each, self.plan.pace, seed=self.seed) for each in concurrencies]

    async def _size(self, rows: int) -> list[Cell]:
        """Measure point read and filtered page in a database of one size."""
        with self._servers(rows) as (bench, _):
            await bench.warm(SIZED, SIZED_AT, self.plan.warm_seconds)
            return [await bench.cell(case, SIZED_AT, self.plan.size_pace, seed=self.seed) for case in SIZED]

    @contextmanager
    def _servers(
        self, rows: int, kinds: Mapping[str, str] = SERVERS, *, proofs: bool | None = None
    ) -> Iterator[tuple[Bench, dict[str, Server]]]:
        """Start servers over a database of one size, and make sure that they answer alike.

        Args:
            rows: in the database.
            kinds: what to start.
            proofs: whether requests carry a proof besides a token; neither where None.
        """
        self.say(f"making {rows:,} rows")
        conninfo = self.world.database(rows)
        with tempfile.TemporaryDirectory(prefix="icorn-bench-") as folder:
            mint = None if proofs is None else partial(wallet, conninfo, Path(folder), proofs=proofs)
            mine = mint and mint()
            with servers(conninfo, Path(folder), kinds, wallet=mine) as running:
                asking = {name: partial(ask, server.port, wallet=mine) for name, server in running.items()}
                bodies = ask_alike(asking, conninfo, seed=self.seed)
                self.say(f"{', '.join(running)} answer alike")
                yield Bench(self.load, self.world, running, bodies, mint), running


async def run(plan: Plan, *, seed: int, say: Say, measure: Callable[[Run], Awaitable[T]]) -> T:
    """Run a plan in a database server of its own that is thrown away afterwards."""
    with tempfile.TemporaryDirectory(prefix="icorn-bench-") as folder:
        world = World(Path(folder))
        load = await Load.start()
        try:
            return await measure(Run(plan, seed, say, world, load))
        finally:
            await load.stop()
            world.close()


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument("--smoke", action="store_const", const=SMOKE, dest="plan", help="only prove that it works")
    pace.add_argument("--quick", action="store_const", const=QUICK, dest="plan", help="under one minute")
    pace.add_argument("--full", action="store_const", const=FULL, dest="plan", help="longer, and a million rows")
    parser.add_argument("--out", type=Path, help="folder for results.json and the plots")
    parser.add_argument("--docs", action="store_true", help="write the measured part of docs/performance.md")
    parser.add_argument("--seed", type=int, default=1, help="of the order of slices and the choice of keys")
    parser.add_argument("--only", choices=(*CASES, *PARTS), help="a part, the hub against SQL by hand")
    parser.add_argument("--at", type=int, nargs="+", help="how many at once")
    parser.add_argument("--rounds", type=int, help="how often each server has its turn")
    asked = parser.parse_args()
    # Beside a terminal, nothing needs to be folded.
    console = Console(width=None if sys.stdout.isatty() else 150)
    plan = asked.plan or NORMAL
    if asked.rounds:
        plan = replace(plan, pace=replace(plan.pace, rounds=asked.rounds, most_seconds=float("inf")))
    measuring = partial(run, plan, seed=asked.seed, say=lambda text: console.print(text, style="dim"))
    if asked.only:
        at = asked.at or plan.concurrencies
        tables.show_cells(asyncio.run(measuring(measure=lambda run: run.part(asked.only, at))), console)
        return
    result = asyncio.run(measuring(measure=Run.measure))
    tables.show(result, console)
    if asked.out is not None:
        asked.out.mkdir(parents=True, exist_ok=True)
        documents.write_json(result, asked.out / "results.json")
        plots.draw(result, asked.out, "svg", "png")
    if asked.docs:
        documents.write_markdown(result, ROOT / "docs" / "performance.md")
        plots.draw(result, ROOT / "docs" / "performance", "svg")


if __name__ == "__main__":
    main()
