"""The command that serves the hub for real."""

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import uvicorn

from hub.app import create_app
from hub.cli.base import START_SECONDS, app, opened, out, patiently, read_settings
from hub.errors import SettingsRefused
from hub.settings import PORT_MAX, Settings
from hub.signals import heed
from hub.web.connection import UVICORN, bounds
from hub.web.routes import Site

_WAITING = 2048
"""How many may wait for the hub to answer, as many as uvicorn lets."""


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
    with bound(settings) as sockets, opened(settings, makes=True, wait_seconds=START_SECONDS) as database:
        line = f"The hub answers at {settings.public_url}/graphql"
        serve_until_told(settings, partial(create_app, settings, database), line, sockets)


@contextmanager
def bound(
    settings: Settings, *, program: str = "icorn-hub serve", listen: bool = False
) -> Iterator[list[socket.socket]]:
    """Take the port, before anything else is done; let go of it at the end.

    Args:
        settings: which one.
        program: what to type with another port, where this one is taken.
        listen: let who comes wait until the hub answers, so that nobody else can take the port meanwhile.

    Raises:
        SettingsRefused: somebody listens there, or this machine has no such address.
    """
    with ExitStack() as closing:
        found: list[socket.socket] = []
        where = settings.host, settings.port, socket.AF_UNSPEC, socket.SOCK_STREAM
        try:
            for family, kind, _, _, address in dict.fromkeys(socket.getaddrinfo(*where, flags=socket.AI_PASSIVE)):
                each = closing.enter_context(socket.socket(family, kind))
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                each.bind(address)
                if listen:
                    each.listen(_WAITING)
                found.append(each)
        except OSError as error:
            raise _refusal(settings, program, error) from error
        yield found


def _refusal(settings: Settings, program: str, error: OSError) -> SettingsRefused:
    if error.errno == errno.EADDRINUSE:
        other = settings.port + 1 if settings.port < PORT_MAX else settings.port - 1
        reason = f"port {settings.port} is in use: HUB_PORT={other} {program}"
        return SettingsRefused(setting="HUB_PORT", reason=reason)
    if error.errno == errno.EACCES:
        return SettingsRefused(setting="HUB_PORT", reason=f"port {settings.port} is not for this user")
    return SettingsRefused(setting="HUB_HOST", reason=f"{settings.host} is no address of this machine ({error})")


def serve_until_told(
    settings: Settings,
    site: Callable[[], Site],
    line: str,
    sockets: list[socket.socket],
    program: str = "icorn-hub serve",
) -> None:
    """Serve until Ctrl-C or SIGTERM, and come back: what was opened is closed by who opened it.

    Args:
        settings: what the operator decided.
        site: makes the hub.
        line: what to say when it answers.
        sockets: where to listen, of `bound`.
        program: what to type with another port, where this one was taken meanwhile.
    """
    arguments = UVICORN | bounds(settings)
    serving = patiently(site, seconds=START_SECONDS)
    config = uvicorn.Config(serving, host=settings.host, port=settings.port, **arguments)
    heed()
    try:
        # uvicorn hands a signal on when it has stopped.
        _Announcing(config, line).run(sockets)
    except KeyboardInterrupt:
        out.print("The hub has stopped.")
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise _refusal(settings, program, error) from error
