"""The command that serves the hub for real."""

import signal
import socket

import uvicorn

from hub.app import create_app
from hub.cli.base import app, opened, out, read_settings
from hub.settings import Settings
from hub.store import Database
from hub.web.connection import UVICORN, bounds


class _Announcing(uvicorn.Server):
    """A server that says when it answers."""

    def __init__(self, config: uvicorn.Config, line: str) -> None:
        super().__init__(config)
        self._line = line

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to answer, then say so."""
        await super().startup(sockets)
        if self.started:
            out.print(self._line, highlight=False, soft_wrap=True, markup=False)


@app.command()
def serve() -> None:
    """Serve the graph until Ctrl-C or SIGTERM; requests under way are answered first."""
    settings = read_settings()
    with opened(settings) as database:
        serve_until_told(settings, database, f"The hub answers at {settings.public_url}/graphql")


def serve_until_told(settings: Settings, database: Database, line: str) -> None:
    """Serve until Ctrl-C or SIGTERM, and come back: what was opened is closed by who opened it.

    Args:
        settings: what the operator decided.
        database: open, with its tables up to date.
        line: what to say when it answers.
    """
    # uvicorn hands a signal on when it has stopped; by itself SIGTERM would end the process there and then.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    arguments = UVICORN | bounds(settings)
    config = uvicorn.Config(create_app(settings, database), host=settings.host, port=settings.port, **arguments)
    try:
        _Announcing(config, line).run()
    except KeyboardInterrupt:
        out.print("The hub has stopped.")
