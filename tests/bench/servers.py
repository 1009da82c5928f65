"""The three servers, each as one process of its own: uvicorn on loopback with uvloop and httptools, no access log."""

import json
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.questions import Answer, body_of

ROOT: Final = Path(__file__).parents[2]
SERVERS: Final = ("limit", "hub", "plain")
CONNECTIONS: Final = 8
_START_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Server:
    """One of the three servers, running."""

    name: str
    port: int
    process: subprocess.Popen[bytes]


def ask(port: int, body: str) -> Answer:
    """Ask one thing, apart from any measurement."""
    request = urllib.request.Request(  # our own loopback address
        f"http://127.0.0.1:{port}/graphql",
        data=body.encode(),
        headers={"content-type": "application/json", "accept": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=_START_SECONDS) as response:  # noqa: S310  # as above
        answer: Answer = json.load(response)
        return answer


@contextmanager
def servers(conninfo: str, names: tuple[str, ...] = SERVERS) -> Iterator[dict[str, Server]]:
    """Start the servers, each as one process, and end them afterwards."""
    running: dict[str, Server] = {}
    with tempfile.TemporaryDirectory(prefix="icorn-bench-") as folder:
        try:
            for name in names:
                running[name] = _start(name, conninfo, folder)
            for server in running.values():
                # Its socket listens already: this waits until the server is up, or fails when it cannot start.
                ask(server.port, body_of("city", slug="nobody"))
            yield running
        finally:
            for server in running.values():
                server.process.terminate()
            for server in running.values():
                server.process.wait(timeout=30)


def _start(name: str, conninfo: str, folder: str) -> Server:
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.bench.serve", name, "--dsn", conninfo),
                *("--connections", str(CONNECTIONS), "--fd", str(listening.fileno()), "--folder", folder),
            ],
            cwd=ROOT,
            pass_fds=[listening.fileno()],
        )
        return Server(name, listening.getsockname()[1], process)
