"""The load: a process of its own that asks one server in a closed loop and tells how long each answer took.

One line of JSON in, one line out. It only looks for the end of each answer, so that it costs a small part of what the
servers do. HTTP/1.1 with keep-alive; each connection sends its next request when its answer is there.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, cycle, islice
from subprocess import PIPE
from typing import Any, Final, Self

import uvloop

from tests.bench.tokens import Wallet

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END: Final = b"\r\n\r\n"


class LoadFailed(Exception):
    """A server answered with something else than a plain 200, or not at all."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What one slice of load found: how long it took until the last answer, and each answer's time."""

    seconds: float
    bytes_per_answer: float
    microseconds: Sequence[int]

    @property
    def requests(self) -> int:
        return len(self.microseconds)


@dataclass(slots=True)
class _Course:
    """What the connections of one slice share."""

    requests: Iterator[bytes]
    until: float
    left: int
    open: int
    done: asyncio.Future[None]
    microseconds: list[int]
    octets: int = 0


class _Connection(asyncio.Protocol):
    __slots__ = ("_begun", "_course", "_need", "_parts", "_transport")

    def __init__(self, course: _Course) -> None:
        self._course = course
        self._need = 0
        self._parts = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def ask(self) -> None:
        course = self._course
        if course.left <= 0 and time.perf_counter() >= course.until:
            self._transport.close()
            course.open -= 1
            if course.open == 0 and not course.done.done():
                course.done.set_result(None)
            return
        course.left -= 1
        self._begun = time.perf_counter()
        self._transport.write(next(course.requests))

    def data_received(self, data: bytes) -> None:
        if self._need == 0:
            data = self._parts + data
            end = data.find(_END)
            if end < 0:
                self._parts = data
                return
            self._parts = b""
            length = _LENGTH.search(data, 0, end)
            if length is None or not data.startswith(b"HTTP/1.1 200 "):
                self._fail(LoadFailed(data[:500].decode(errors="replace")))
                return
            octets = int(length[1])
            self._course.octets += octets
            self._need = end + len(_END) + octets
        self._need -= len(data)
        if self._need == 0:
            self._course.microseconds.append(int((time.perf_counter() - self._begun) * 1e6))
            self.ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._course.open and self._need:
            self._fail(exc or LoadFailed("the server closed the connection"))

    def _fail(self, error: Exception) -> None:
        if not self._course.done.done():
            self._course.done.set_exception(error)


HEAD: Final = (
    "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\naccept: application/json\r\n"
)


def request_of(body: bytes) -> bytes:
    """Write out one request of a stranger."""
    return f"{HEAD}content-length: {len(body)}\r\n\r\n".encode() + body


async def run_slice(
    port: int,
    bodies: Sequence[str],
    concurrency: int,
    seconds: float,
    least: int,
    *,
    wallet: dict[str, Any] | None = None,
) -> Slice:
    """Ask until the time is over and at least so many requests are sent; every answer is waited for and counts."""
    loop = asyncio.get_running_loop()
    octets = [body.encode() for body in bodies]
    if wallet is None:
        requests: Iterator[bytes] = cycle([request_of(body) for body in octets])
    else:
        # Proofs are signed before the clock runs.
        written = Wallet(**wallet).requests(octets, HEAD)
        requests = chain(list(islice(written, 1)), written)
    course = _Course(requests, 0.0, least, concurrency, loop.create_future(), [])
    connections = [
        (await loop.create_connection(lambda: _Connection(course), "127.0.0.1", port))[1] for _ in range(concurrency)
    ]
    begun = time.perf_counter()
    course.until = begun + seconds
    for connection in connections:
        connection.ask()
    await course.done
    took = time.perf_counter() - begun
    return Slice(took, course.octets / len(course.microseconds), course.microseconds)


class Load:
    """The load process, from outside."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    @classmethod
    async def start(cls) -> Self:
        """Start the process."""
        arguments = (sys.executable, "-m", "tests.bench.load")
        process = await asyncio.create_subprocess_exec(*arguments, stdin=PIPE, stdout=PIPE, limit=2**26)
        return cls(process)

    async def run(  # the words of a slice
        self,
        port: int,
        bodies: Sequence[str],
        concurrency: int,
        seconds: float,
        *,
        least: int = 1,
        wallet: Wallet | None = None,
    ) -> Slice:
        """Run one slice."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked: dict[str, Any] = {
            "port": port,
            "bodies": bodies,
            "concurrency": concurrency,
            "seconds": seconds,
            "least": least,
        }
        if wallet is not None:
            asked["wallet"] = asdict(wallet)
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        answer = json.loads(await self._process.stdout.readline() or '{"failed": "the load process ended"}')
        if "failed" in answer:
            raise LoadFailed(answer["failed"])
        return Slice(**answer)

    async def stop(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


def main() -> None:
    for line in sys.stdin:
        try:
            answer = asdict(uvloop.run(run_slice(**json.loads(line))))
        except Exception as error:  # noqa: BLE001  # told to the process that asked
            answer = {"failed": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
