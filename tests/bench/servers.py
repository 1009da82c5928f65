"""The three servers, each as one process of its own: uvicorn on loopback with uvloop and httptools, no access log."""

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.questions import Answer, body_of
from tests.bench.tokens import Wallet

ROOT: Final = Path(__file__).parents[2]
SERVERS: Final = {"limit": "limit", "hub": "hub", "plain": "plain"}
TOKEN: Final = {"limit": "limit-token", "hub": "hub-token"}
PROOF: Final = {"limit": "limit-proof", "hub": "hub"}
NOBODY: Final = body_of("city", slug="nobody")
PERSONS: Final = {"limit": "limit-persons", "hub": "hub-token"}
CONNECTIONS: Final = 8
_START_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Server:
    """One of the three servers, running."""

    name: str
    port: int
    process: subprocess.Popen[bytes]


def ask(port: int, body: str, *, wallet: Wallet | None = None) -> Answer:
    """Ask one thing, apart from any measurement."""
    lines = "" if wallet is None else wallet.lines()
    request = urllib.request.Request(  # our own loopback address
        f"http://127.0.0.1:{port}/graphql",
        data=body.encode(),
        headers={"content-type": "application/json", "accept": "application/json"}
        | dict(line.split(": ", 1) for line in lines.splitlines()),
    )
    with urllib.request.urlopen(request, timeout=_START_SECONDS) as response:  # noqa: S310  # as above
        answer: Answer = json.load(response)
        return answer


@contextmanager
def servers(
    conninfo: str,
    folder: Path,
    kinds: Mapping[str, str] = SERVERS,
    *,
    wallet: Wallet | None = None,
    first: str = NOBODY,
) -> Iterator[dict[str, Server]]:
    """Start servers by name and kind, each as one process, and end them afterwards."""
    running: dict[str, Server] = {}
    try:
        for name, kind in kinds.items():
            running[name] = _start(name, kind, conninfo, folder)
        for server in running.values():
            # Its socket listens already: this waits until the server is up, or fails when it cannot start.
            ask(server.port, first, wallet=wallet)
        yield running
    finally:
        for server in running.values():
            server.process.terminate()
        for server in running.values():
            server.process.wait(timeout=30)


def _start(name: str, kind: str, conninfo: str, folder: Path) -> Server:
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.bench.serve", kind, "--dsn", conninfo),
                *("--connections", str(CONNECTIONS), "--fd", str(listening.fileno()), "--folder", str(folder)),
            ],
            cwd=ROOT,
            pass_fds=[listening.fileno()],
        )
        return Server(name, listening.getsockname()[1], process)
