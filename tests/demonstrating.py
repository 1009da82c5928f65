"""The demonstration as a process, as `make demo` starts it: its own folder, a free port, ended by Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from web.serving import until

ROOT = Path(__file__).parents[1]
START_SECONDS = 180
END_SECONDS = 60


@dataclass
class Demonstration:
    """One that runs, or has ended."""

    folder: Path
    """Where its data are, and what it said."""
    process: subprocess.Popen[bytes]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def said(self) -> str:
        """What stands in the terminal."""
        return (self.folder / "said").read_text(encoding="utf-8")

    @property
    def log(self) -> str:
        """What went to standard error: the hub's log, and the sandboxes'."""
        return (self.folder / "log").read_text(encoding="utf-8")

    @property
    def told(self) -> dict[str, Any]:
        """What it wrote down: `demo.json`."""
        return json.loads((self.data / "demo.json").read_text(encoding="utf-8"))

    def partner(self, body: str) -> str:
        """Give the address of a sandbox partner."""
        return next(each["address"] for each in self.told["sandboxes"] if each["body"] == body)

    def end(self) -> set[int]:
        """End it by Ctrl-C, as in a terminal; give the processes that were its own, the database's among them."""
        if self.process.poll() is not None:
            return set()
        family = _below(self.process.pid)
        family.add(int((self.data / "postgres" / "postmaster.pid").read_text().split()[0]))
        self.process.send_signal(signal.SIGINT)
        self.process.wait(END_SECONDS)
        assert (self.process.returncode, "Traceback" in self.log) == (0, False), self.log
        return family


@contextmanager
def folder() -> Iterator[Path]:
    """Give a folder of the demonstration's own: those of pytest are shut to the database when another run begins."""
    with tempfile.TemporaryDirectory(prefix="hub-demo-") as found:
        yield Path(found)


@contextmanager
def demonstration(folder: Path, port: int, **settings: str) -> Iterator[Demonstration]:
    """Run the demonstration, from when it says that it is ready."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    environment |= {"PYTHONPATH": str(ROOT), "HUB_DATA_DIR": str(folder / "data"), "HUB_PORT": str(port)} | settings
    command = [sys.executable, "-c", "from hub.cli import main; main()", "demo"]
    with (folder / "said").open("w") as said, (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=said, stderr=log, env=environment)
    running = Demonstration(folder, process)
    try:
        until(lambda: process.poll() is not None or "passkey" in running.said, seconds=START_SECONDS)
        assert process.poll() is None, running.log
        yield running
    finally:
        if process.poll() is None:
            running.end()


def a_free_port() -> int:
    """Find a port nobody listens at."""
    with closing(socket.create_server(("127.0.0.1", 0))) as found:
        return found.getsockname()[1]


def alive(process: int) -> bool:
    """Tell whether a process is there, and more than an entry that nobody has taken note of yet."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    stat = Path(f"/proc/{process}/stat")
    with suppress(OSError):
        return stat.read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    return not Path("/proc/self/stat").exists()


def until_ended(family: set[int]) -> None:
    """Wait for processes to end, who were told to."""
    until(lambda: not any(alive(process) for process in family), seconds=END_SECONDS)


def _below(parent: int) -> set[int]:
    """Find the processes that a process started, and those they started."""
    if Path("/proc/self/stat").exists():
        pairs = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it may have ended meanwhile
                pairs.append((int(stat.parent.name), int(stat.read_text().rpartition(")")[2].split()[1])))
    else:
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        pairs = [(int(line.split()[0]), int(line.split()[1])) for line in listed.splitlines()]
    found: set[int] = set()
    new = {parent}
    while new:
        new = {pid for pid, above in pairs if above in new} - found
        found |= new
    return found
