"""Each check of the authorization server, switched off: the attack it stands against must then succeed, and be seen.

    python -m tests.auth.mutants            all of them, two at a time
    python -m tests.auth.mutants pkce code  those whose names hold one of the words
    AT_ONCE=1 python -m tests.auth.mutants  one after the other, on a machine that has other work

A mutant is a piece of a module's text and what takes its place, in `mutants.txt`. It lives in the memory of one process
of pytest, put there by the plugin `mutating`; the product knows nothing of it. Before the first mutant the same tests
must pass with nothing switched off.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 600
AT_ONCE = int(os.environ.get("AT_ONCE", "2"))


@dataclass(frozen=True)
class Mutant:
    """One check, off."""

    name: str
    module: str
    changes: tuple[tuple[str, str], ...]
    """What is there, once, and what takes its place. More than one where a check is made twice."""
    test: str
    """Expression of pytest -k for the tests that must fail."""
    file: str
    """The file they are in."""

    def applied(self, text: str) -> str:
        for old, new in self.changes:
            assert text.count(old) == 1, f"{self.name}: the check is there {text.count(old)} times"
            text = text.replace(old, new)
        return text


def read(text: str) -> tuple[Mutant, ...]:
    """Read blocks of a name, a place with its tests, and the text before and after."""
    mutants = []
    for block in text.strip().split("\n\n"):
        name, place, changes = block.split("\n", 2)
        module, file, test = place.removeprefix("@ ").split(" | ")
        parts = [part.splitlines() for part in changes.split("\n=\n")]
        pairs = tuple(tuple("\n".join(line[1:] for line in part if line[0] == sign) for sign in "-+") for part in parts)
        mutants.append(Mutant(name.removeprefix("# "), module, pairs, test, file))
    return tuple(mutants)


MUTANTS = read(Path(__file__).with_suffix(".txt").read_text())


def run(file: str, test: str, mutant: str = "") -> tuple[int, str]:
    """Run tests in a process of their own; give its exit status and what it said. Without a name nothing is changed."""
    quiet = ["-x", "-q", "--no-header", "-p", "no:cacheprovider"]
    pytest = [sys.executable, "-m", "pytest", *quiet, f"tests/auth/{file}", "-k", test]
    try:
        done = subprocess.run(
            [*pytest, "-p", "tests.auth.mutating"] if mutant else pytest,
            cwd=ROOT,
            env=dict(os.environ) | {"ICORN_MUTANT": mutant, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS_MAX,
        )
    except subprocess.TimeoutExpired:
        # Nobody waits for it, so it counts as one that lives; the others go on.
        return -1, f"no end after {SECONDS_MAX} s"
    return done.returncode, done.stdout[-1500:]


def tried(mutant: Mutant) -> tuple[Mutant, bool, str]:
    """Run the tests against a mutant. True when they failed, as they must."""
    status, said = run(mutant.file, mutant.test, mutant.name)
    # 1: a test failed. Anything else is a mutant that lives, or one that never was: no test found, nothing loaded.
    failed = status == 1 and "failed" in said and "error" not in said.splitlines()[-1]
    return mutant, failed, said


def sound(mutants: Sequence[Mutant]) -> bool:
    """Run the tests with nothing switched off. True when all pass: only then a failure means something."""
    files: dict[str, set[str]] = {}
    for mutant in mutants:
        files.setdefault(mutant.file, set()).add(f"({mutant.test})")
    fine = True
    for file, tests in files.items():
        status, said = run(file, " or ".join(sorted(tests)))
        sys.stdout.write(f"{'sound' if status == 0 else 'FAILS'}   {file}, nothing switched off\n")
        sys.stdout.flush()
        if status:
            fine = False
            sys.stdout.write(said + "\n")
    return fine


def main(words: list[str]) -> int:
    """Try the mutants, and say which live."""
    chosen = [mutant for mutant in MUTANTS if not words or any(word in mutant.name for word in words)]
    alive, begun = [], time.monotonic()
    if not sound(chosen):
        return 1
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for mutant, failed, output in pool.map(tried, chosen):
            sys.stdout.write(f"{'caught' if failed else 'ALIVE '}  {mutant.name}\n")
            sys.stdout.flush()
            if not failed:
                alive.append(mutant)
                sys.stdout.write(output + "\n")
    caught = len(chosen) - len(alive)
    sys.stdout.write(f"{caught} of {len(chosen)} caught in {time.monotonic() - begun:.0f} s\n")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
