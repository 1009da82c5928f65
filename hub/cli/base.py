"""What every command needs: the settings, the database, the terminal."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hub import log
from hub.settings import Environment, Settings
from hub.store import Database, open_database, upgrade

app = typer.Typer(no_args_is_help=True, add_completion=False)
WIDE: Final = 160
"""Letters to a line where nobody looks at a terminal: programs that read a table lose no word of it."""
out: Final = Console(width=None if sys.stdout.isatty() else WIDE)
err: Final = Console(stderr=True)


@app.callback()
def hub() -> None:
    """The ICORN hub: one graph for cities of refuge."""


def read_settings(*, quiet: bool = False) -> Settings:
    """Read the settings from the environment, refuse unsafe ones, and set up the log.

    Args:
        quiet: log warnings and errors only, whatever HUB_LOG_LEVEL says: the terminal belongs to the command.
    """
    settings = Settings.from_env(os.environ)
    settings.refuse_unsafe(euid=os.geteuid() if hasattr(os, "geteuid") else None)
    log.configure(
        strict=settings.environment is not Environment.PRODUCTION, level="warning" if quiet else settings.log_level
    )
    return settings


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """Open the database, with its tables up to date; an embedded server ends with its last user."""
    database = open_database(settings)
    engine = database.engine()
    try:
        upgrade(engine)
        yield database
    finally:
        engine.dispose()
        database.stop()


def bar() -> Progress:
    """Make a progress bar for whatever takes long."""
    return Progress(
        TextColumn("{task.description:>20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=err
    )
