"""What a run found, and the numbers that are shown of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tests.bench.rounds import Cell, Pace

CASES: Final = ("city", "directory_50", "bodies", "events")
PERSON_CASES: Final = ("inbox", "casefile")
NAMES: Final = {"limit": "SQL by hand", "hub": "hub", "plain": "plain Strawberry"}
TITLES: Final = {
    "city": "point read",
    "directory_50": "directory of 50",
    "bodies": "filtered page",
    "events": "deep events",
    "inbox": "partner's inbox",
    "casefile": "case file",
}
OTHERS: Final = ("hub", "plain")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured, and for how long."""

    concurrencies: tuple[int, ...]
    pace: Pace
    rows: int
    cases: int
    directory_rows: tuple[int, ...]
    database_rows: tuple[int, ...]
    size_pace: Pace
    warm_seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """What a run found."""

    began: datetime
    seconds: float
    machine: str
    plan: Plan
    grid: Sequence[Cell]
    directory: Sequence[Cell]
    tokens: Sequence[Cell]
    """With a token verified on each request, on both sides."""
    proofs: Sequence[Cell]
    """With a proof of its key besides, as the hub demands."""
    persons: Sequence[Cell]
    """About persons, with a token and a leaf of the audit, on both sides."""
    sizes: dict[int, list[Cell]]
    memory_mb: dict[str, float]


@dataclass(frozen=True, slots=True)
class Figures:
    """One server in one cell, relative to the limit of the same rounds."""

    throughput: float
    lowest: float
    highest: float
    server_cpu: float
    database_cpu: float
    p50: float
    p99: float


def figures(cell: Cell, server: str) -> Figures:
    """Work out the relations; above 1 the server is faster than the limit, or costs more CPU, or takes longer."""
    own, limit = cell.samples[server], cell.samples["limit"]
    ratios = cell.ratios(server)
    return Figures(
        throughput=cell.ratio(server),
        lowest=min(ratios),
        highest=max(ratios),
        server_cpu=own.server_us / limit.server_us,
        database_cpu=own.database_us / limit.database_us,
        p50=own.percentile(50) / limit.percentile(50),
        p99=own.percentile(99) / limit.percentile(99),
    )
