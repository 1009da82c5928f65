"""The command that serves the hub for real."""

import signal
import socket
from collections.abc import Callable
from functools import partial

import uvicorn

from hub.app import create_app
from hub.cli.base import START_SECONDS, app, opened, out, patiently, read_settings
from hub.settings import Settings
from hub.web.connection import UVICORN, bounds
from hub.web.routes import Site


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
    with opened(settings, wait_seconds=START_SECONDS) as database:
        line = f"The hub answers at {settings.public_url}/graphql"
        serve_until_told(settings, partial(create_app, settings, database), line)


def serve_until_told(settings: Settings, site: Callable[[], Site], line: str) -> None:
    """Serve until Ctrl-C or SIGTERM, and come back: what was opened is closed by who opened it.

    Args:
        settings: what the operator decided.
        site: makes the hub.
        line: what to say when it answers.
    """
    # uvicorn hands a signal on when it has stopped; by itself SIGTERM would end the process there and then.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    arguments = UVICORN | bounds(settings)
    serving = patiently(site, seconds=START_SECONDS)
    config = uvicorn.Config(serving, host=settings.host, port=settings.port, **arguments)
    try:
        _Announcing(config, line).run()
    except KeyboardInterrupt:
        out.print("The hub has stopped.")
