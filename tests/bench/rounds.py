"""Measuring: short slices of load, one server after another in changing order, so that noise hits all alike.

Only numbers of the same rounds are compared. A slice's CPU is that of the server's process and of the database's end of
its connections, from before the first request until after the last answer.
"""

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.bench.load import Load
from tests.bench.meter import cpu_seconds
from tests.bench.servers import Server
from tests.bench.tokens import Wallet
from tests.bench.world import World

Bodies = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to measure."""

    rounds: int
    seconds: float
    """Of one slice."""
    most_seconds: float
    """A server that has taken this long in one cell is left out of its further rounds."""


@dataclass(slots=True)
class Sample:
    """What one server did in one cell, slice by slice."""

    server: str
    rounds: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    server_cpu: list[float] = field(default_factory=list)
    database_cpu: list[float] = field(default_factory=list)
    microseconds: list[int] = field(default_factory=list)
    bytes_per_answer: float = 0.0

    @property
    def per_second(self) -> float:
        """Answers per second over all slices."""
        return sum(self.requests) / sum(self.seconds)

    @property
    def server_us(self) -> float:
        """CPU of the server's process for one request, in microseconds."""
        return 1e6 * sum(self.server_cpu) / sum(self.requests)

    @property
    def database_us(self) -> float:
        """CPU of the database for one request, in microseconds."""
        return 1e6 * sum(self.database_cpu) / sum(self.requests)

    def percentile(self, percent: int) -> float:
        """Give a percentile of the time to the answer, in milliseconds."""
        ordered = sorted(self.microseconds)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] / 1000


@dataclass(frozen=True, slots=True)
class Cell:
    """One case at one concurrency, all servers."""

    case: str
    concurrency: int
    samples: Mapping[str, Sample]

    def ratios(self, server: str) -> list[float]:
        """Give the throughput relative to the limit, for each round in which both took part."""
        own, limit = (self._by_round(name) for name in (server, "limit"))
        return [own[number] / limit[number] for number in sorted(own.keys() & limit.keys())]

    def ratio(self, server: str) -> float:
        """Give the median of the ratios."""
        return statistics.median(self.ratios(server))

    def _by_round(self, server: str) -> dict[int, float]:
        sample = self.samples[server]
        return {
            number: requests / seconds
            for number, requests, seconds in zip(sample.rounds, sample.requests, sample.seconds, strict=True)
        }


class Bench:
    """What is needed for measuring: the load, the servers, the meters."""

    def __init__(
        self,
        load: Load,
        world: World,
        servers: Mapping[str, Server],
        bodies: Mapping[str, Bodies],
        mint: Callable[[], Wallet] | None = None,
    ) -> None:
        self._load = load
        self._mint = mint
        """Gives tokens that are good for the time a cell takes."""
        self._wallet: Wallet | None = None
        self._world = world
        self._servers = servers
        self._bodies = bodies

    async def warm(self, cases: Sequence[str], concurrency: int, seconds: float) -> None:
        """Let every server open its connections and prepare its statements."""
        wallet = self._mint() if self._mint else None
        for case in cases:
            for name, server in self._servers.items():
                await self._load.run(server.port, self._bodies[name][case], concurrency, seconds, wallet=wallet)

    async def cell(self, case: str, concurrency: int, pace: Pace, *, seed: int) -> Cell:
        """Measure one case at one concurrency."""
        self._wallet = self._mint() if self._mint else None
        chance = random.Random(f"{seed} {case} {concurrency}")  # noqa: S311  # not for secrets
        samples = {name: Sample(name) for name in self._servers}
        for number in range(pace.rounds):
            order = [name for name in samples if sum(samples[name].seconds) < pace.most_seconds]
            chance.shuffle(order)
            for name in order:
                await self._slice(samples[name], number, case, concurrency, pace.seconds)
        return Cell(case, concurrency, samples)

    async def _slice(self, sample: Sample, number: int, case: str, concurrency: int, seconds: float) -> None:
        server = self._servers[sample.server]
        backends = self._world.backends(sample.server)
        own, database = cpu_seconds([server.process.pid]), cpu_seconds(backends)
        bodies = self._bodies[sample.server][case]
        found = await self._load.run(server.port, bodies, concurrency, seconds, wallet=self._wallet)
        sample.server_cpu.append(cpu_seconds([server.process.pid]) - own)
        sample.database_cpu.append(cpu_seconds(backends) - database)
        sample.rounds.append(number)
        sample.seconds.append(found.seconds)
        sample.requests.append(found.requests)
        sample.microseconds.extend(found.microseconds)
        sample.bytes_per_answer = found.bytes_per_answer
