"""Sandbox partners for the demonstration: real servers on this machine, as processes that end with the hub.

They stand among the tests, so that they cannot ship: a checkout has them, an installed hub has not.
"""

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hub.cli.private import write_private
from hub.errors import HubError
from hub.signals import held_back

CHECKOUT: Final = Path(__file__).resolve().parents[2]
START_SECONDS: Final = 60.0
END_SECONDS: Final = 10.0
_LOOPBACK: Final = "127.0.0.1"


class SandboxRefused(HubError):
    """A sandbox partner does not start."""

    code = "sandbox_refused"
    public = "A sandbox partner does not start."


def present() -> bool:
    """Tell whether the sandbox is here."""
    return (CHECKOUT / "tests" / "sandbox" / "__main__.py").exists()


def port_for(wanted: int | None) -> int:
    """Find a free port on loopback, the wanted one if it is free."""
    for port in (wanted, 0):
        if port is not None:
            with suppress(OSError), closing(socket.create_server((_LOOPBACK, port))) as found:
                number: int = found.getsockname()[1]
                return number
    raise SandboxRefused(reason="there is no free port")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """One partner to be."""

    slug: str
    network: str
    port: int
    folder: Path
    hub: Mapping[str, Any]  # Any: JSON

    @property
    def url(self) -> str:
        """Where it answers, and what it is called in messages."""
        return f"http://{_LOOPBACK}:{self.port}"


@contextmanager
def running(sandboxes: list[Sandbox]) -> Iterator[None]:
    """Start all of them, wait until they answer, and end them afterwards.

    Raises:
        SandboxRefused: one does not answer in time.
    """
    processes: list[subprocess.Popen[str]] = []
    try:
        for sandbox in sandboxes:
            with held_back():
                processes.append(_start(sandbox))
        for process in processes:
            _await(process)
        yield
    finally:
        with held_back():
            for process in processes:
                process.terminate()
            for process in processes:
                _end(process)


def _start(sandbox: Sandbox) -> subprocess.Popen[str]:
    sandbox.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = sandbox.folder / "config.json"
    behaviour = {"take_seconds": 3, "decide_seconds": 5, "start_seconds": 5, "outcome_seconds": 10}
    told = {"network": sandbox.network, "data": str(sandbox.folder), "port": sandbox.port, "hub": dict(sandbox.hub)}
    write_private(file, json.dumps(told | {"behaviour": behaviour}))
    # Its standard input ends when the hub does, however that comes about; Ctrl-C reaches the hub alone, which ends it.
    return subprocess.Popen(  # noqa: S603  # our own program
        [sys.executable, "-m", "tests.sandbox", "--config", str(file), "--until-input-ends"],
        cwd=CHECKOUT,
        env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _await(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    if not ready or not process.stdout.readline():
        raise SandboxRefused(reason="it did not answer in time")


def _end(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
