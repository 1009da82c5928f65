"""What every command needs: the settings, the database, the terminal."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import psycopg
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy.exc import OperationalError

from hub import log
from hub.auth.root import RootKey
from hub.errors import SettingsRefused, StoreUnavailable
from hub.settings import Environment, LogLevel, Settings
from hub.store import Database, open_database, upgrade
from hub.store.embedded import EmbeddedServer
from hub.store.sealed import Sealing

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True, add_completion=False)
WIDE: Final = 160
"""Letters to a line where nobody looks at a terminal: programs that read a table lose no word of it."""
START_SECONDS: Final = 60.0
"""How long what runs for ever waits for its database at the start."""
WAIT_SECONDS: Final = 1.0
out: Final = Console(width=None if sys.stdout.isatty() else WIDE)
err: Final = Console(stderr=True)


@app.callback()
def hub() -> None:
    """The ICORN hub: one graph for cities of refuge."""


def read_settings(*, quiet: bool = False) -> Settings:
    """Read the settings from the environment, refuse unsafe ones, and set up the log.

    Args:
        quiet: log warnings and errors only, unless HUB_LOG_LEVEL is set: the terminal belongs to the command.
    """
    settings = Settings.from_env(os.environ)
    settings.refuse_unsafe(euid=os.geteuid() if hasattr(os, "geteuid") else None)
    level = LogLevel.WARNING if quiet and "HUB_LOG_LEVEL" not in os.environ else settings.log_level
    log.configure(strict=settings.environment is not Environment.PRODUCTION, level=level)
    return settings


@contextmanager
def opened(settings: Settings, *, makes: bool = False, wait_seconds: float = 0.0) -> Iterator[Database]:
    """Open the database, with its tables up to date; an embedded server ends with its last user.

    Args:
        settings: which one.
        makes: make an embedded one where there is none. Else a folder that was mistyped, or not named in this terminal,
            would give an empty hub in place of the one that is meant.
        wait_seconds: how long to wait for one that does not answer. What runs for ever waits, as it may come up before
            its database, or while that recovers from a crash.

    Raises:
        SettingsRefused: there is no hub in the folder, and none is to be made.
    """
    folder = settings.data_dir.expanduser().resolve()
    if settings.embedded and not makes and not EmbeddedServer(folder).made:
        reason = (
            f"there is no hub in {folder}: name its folder with export HUB_DATA_DIR=..., or make one: icorn-hub init"
        )
        raise SettingsRefused(setting="HUB_DATA_DIR", reason=reason)
    found: list[Database] = []
    try:
        patiently(lambda: found.append(_up_to_date(settings)), seconds=wait_seconds)
        yield found[0]
    finally:
        for database in found:
            database.stop()


def patiently(work: Callable[[], T], *, seconds: float) -> T:
    """Do something; where the database goes away meanwhile, do it again, for so long."""
    end = time.monotonic() + seconds
    while True:
        try:
            return work()
        except (StoreUnavailable, OperationalError) as error:
            away = isinstance(error, OperationalError) or isinstance(error.__cause__, psycopg.OperationalError)
            if not away or time.monotonic() >= end:
                raise
            log.logger().warning("store.awaited", error=type(error).__name__, retry_seconds=WAIT_SECONDS)
        time.sleep(WAIT_SECONDS)


def _up_to_date(settings: Settings) -> Database:
    database = open_database(settings)
    try:
        engine = database.engine()
        try:
            upgrade(engine, lambda: Sealing(RootKey.load(settings.root_key).derive))
        finally:
            engine.dispose()
    except BaseException:
        database.stop()
        raise
    return database


def bar() -> Progress:
    """Make a progress bar for whatever takes long."""
    return Progress(
        TextColumn("{task.description:>20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=err
    )
