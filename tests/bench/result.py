"""What a run found, and the numbers that are shown of it."""

import statistics
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
    """The median of the rounds."""
    quartiles: tuple[float, float]
    """Half of the rounds lie between them."""
    server_cpu: float
    database_cpu: float
    p50: float
    p99: float


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """Give the first and the third quartile."""
    if len(values) == 1:
        return values[0], values[0]
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, third


def figures(cell: Cell, server: str) -> Figures:
    """Work out the relations; above 1 the server is faster than the limit, or costs more CPU, or takes longer."""
    own, limit = cell.samples[server], cell.samples["limit"]
    return Figures(
        throughput=cell.ratio(server),
        quartiles=quartiles(cell.ratios(server)),
        server_cpu=own.server_us / limit.server_us,
        database_cpu=own.database_us / limit.database_us,
        p50=own.percentile(50) / limit.percentile(50),
        p99=own.percentile(99) / limit.percentile(99),
    )
