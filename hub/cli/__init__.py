"""What operators type. Each command reads the settings, does one thing, and ends with 0 or says why not.

A command loads its own file and what that needs: loading the whole hub takes seconds.
"""

import gc
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final

from hub.errors import HubError
from hub.signals import ENDING, STOPPED, at_once, heeded

if TYPE_CHECKING:
    import typer

__all__ = ["FILES", "load", "main"]

FILES: Final = {
    "client": ("clients",),
    "key": ("clients", "persons"),
    "body": ("clients",),
    "init": ("data",),
    "import": ("data",),
    "synthetic": ("data",),
    "demo": ("demo",),
    "demo-code": ("demo",),
    "schema": ("develop",),
    "explain": ("develop",),
    "partner": ("partners",),
    "worker": ("worker",),
    "serve": ("serve",),
    "user": ("users",),
}
"""In which files of this room a command stands."""


def load(command: str = "") -> "typer.Typer":
    """Load a command; all of them where it is none, for the help or to say what there is."""
    files = FILES.get(command) or tuple(dict.fromkeys(file for files in FILES.values() for file in files))
    gc.disable()
    try:
        base = import_module("hub.cli.base")
        for file in files:
            import_module(f"hub.cli.{file}")
    finally:
        gc.enable()
    app: typer.Typer = base.app
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; what the hub answers for is told in one sentence, what it does not is a crash.

    Args:
        arguments: the words after the name of the program; those of this process when absent.
    """
    try:
        with heeded():
            _run(list(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    except Exception as error:
        if _interrupted(error):
            sys.exit(STOPPED)
        raise
    finally:
        if arguments is None:
            # All is closed: what is left of this process is for Python to tidy up, and may be cut short.
            for each in ENDING:
                signal.signal(each, signal.SIG_DFL)


def _interrupted(error: BaseException | None) -> bool:
    """Tell whether an error came of closing what an interrupt had left half done."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _run(words: list[str]) -> None:
    try:
        with at_once():
            command = load(words[0] if words else "")
        # What is loaded stays. Looking for garbage in it, as it grows and at the end, takes a third of a short command.
        gc.freeze()
        command(words)
    except HubError as error:
        from rich.console import Console  # noqa: PLC0415  # not before signals are heeded

        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
