"""All addresses of the hub. The graph's own is looked at first, by hand: routing would cost as much as answering."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from hub.web.problems import HANDLERS, Safe

GRAPHQL: Final = "/graphql"


class Site:
    """The hub as one ASGI application."""

    def __init__(
        self,
        graphql: ASGIApp,
        ready: Callable[[], Awaitable[bool]],
        sdl: Callable[[], str],
        lifespan: Lifespan[Starlette] | None = None,
        more: Sequence[Route] = (),
        *,
        sockets: ASGIApp | None = None,
    ) -> None:
        self._graphql = graphql
        self._sockets = sockets
        pages = Starlette(routes=[*_routes(ready, sdl), *more], lifespan=lifespan, exception_handlers=HANDLERS)
        # A redirect would be built from the Host header, which the client chooses.
        pages.router.redirect_slashes = False
        self._pages = Safe(pages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the graph's requests straight; hand all else to Starlette."""
        if scope["type"] == "http" and scope["path"] == GRAPHQL:
            await self._graphql(scope, receive, send)
        elif scope["type"] == "websocket" and scope["path"] == GRAPHQL and self._sockets is not None:
            await self._sockets(scope, receive, send)
        else:
            await self._pages(scope, receive, send)


def _routes(ready: Callable[[], Awaitable[bool]], sdl: Callable[[], str]) -> list[Route]:
    async def health(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def readiness(_request: Request) -> JSONResponse:
        if await ready():
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready"}, status_code=503)

    def printed(_request: Request) -> PlainTextResponse:  # beside the event loop: the first time it is printed
        return PlainTextResponse(sdl())

    return [
        Route("/health", health),
        Route("/ready", readiness),
        Route("/schema.graphql", printed),
    ]
