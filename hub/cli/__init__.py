"""What operators type. Each command reads the settings, does one thing, and ends with 0 or says why not.

A command loads its own file and what that needs: loading the whole hub takes seconds.
"""

import gc
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import typer
from rich.console import Console

from hub.errors import HubError

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


def load(command: str = "") -> typer.Typer:
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
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        command = load(words[0] if words else "")
        # What is loaded stays. Looking for garbage in it, as it grows and at the end, takes a third of a short command.
        gc.freeze()
        command(words)
    except HubError as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
