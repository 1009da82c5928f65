"""The command that brings deliveries in a process of its own."""

import asyncio
import signal
from contextlib import suppress

from hub.app import deliver
from hub.cli.base import START_SECONDS, app, opened, out, read_settings
from hub.settings import Settings
from hub.store import Database


@app.command()
def worker() -> None:
    """Bring deliveries to partners, without serving, until Ctrl-C or SIGTERM."""
    settings = read_settings()
    with opened(settings, wait_seconds=START_SECONDS) as database:
        asyncio.run(_working(settings, database))
    out.print("The worker has stopped.")


async def _working(settings: Settings, database: Database) -> None:
    task = asyncio.current_task()
    assert task is not None
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, task.cancel)
    out.print("The worker brings deliveries.")
    with suppress(asyncio.CancelledError):
        await deliver(settings, database)
