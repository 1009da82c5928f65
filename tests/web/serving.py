"""A hub that listens on loopback: uvicorn as in production, in a thread of the test or as a process of its own."""

import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from hub.store import Database
from hub.web.connection import UVICORN

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
SERVE = ("-c", "from hub.cli import main; main()", "serve")


@contextmanager
def serving(app: ASGIApp, *, port: int = 0, **settings: Any) -> Iterator[str]:
    """Serve an application in a thread, as the hub is served but for these settings of uvicorn; give its address."""
    with closing(socket.create_server(("127.0.0.1", port), backlog=256)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, lifespan="on", **(UVICORN | settings)))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            until(lambda: server.started or not thread.is_alive())
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@cache
def root_key() -> Path:
    """One root key for all hubs over the database that tests share: what one sealed another opens."""
    return Path(tempfile.mkdtemp(prefix="hub-key-")) / "root.key"


@contextmanager
def hub_process(
    database: Database, host: str = "127.0.0.1", *, serve: Sequence[str] = SERVE, **more: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve the hub as operators do; give its address and its process.

    Args:
        database: where its data are.
        host: its name; browsers take passkeys for `localhost`.
        serve: what Python is to run.
        more: settings beside its own.
    """
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        port = found.getsockname()[1]
    environment = {
        "HUB_DATABASE_URL": database.conninfo,
        "HUB_PORT": str(port),
        "HUB_LOG_LEVEL": "warning",
        "HUB_ROOT_KEY_FILE": str(root_key()),
        "HUB_COST_PER_MINUTE": "1000000000",
        "HUB_REQUESTS_AT_ONCE": "100000",
        "HUB_BASE_URL": f"http://{host}:{port}",
    } | more
    process = subprocess.Popen(
        [sys.executable, *serve],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    url = f"http://{host}:{port}"
    try:
        until(lambda: process.poll() is not None or _answers(f"{url}/ready"))
        yield url, process
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def until(holds, seconds: float = START_SECONDS) -> None:
    """Wait for something to come true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  # our own loopback address
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
