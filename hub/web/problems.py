"""Errors outside the graph as problem details (RFC 9457): the status says what kind, the id finds the log's line."""

from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.log import logger
from hub.web.http import REQUEST_ID, request_id

_ID_HEADER: Final = REQUEST_ID.decode()
_SAFE: Final = (
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)
_log = logger()


def problem(
    request: Request, status: int, headers: MutableMapping[str, str] | None = None, *, code: str | None = None
) -> JSONResponse:
    """Make the answer for one error; what it tells depends on nothing but the status, and a code where there is one."""
    id_ = request_id(request.scope)
    told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "requestId": id_}
    return JSONResponse(
        told if code is None else {**told, "code": code},
        status_code=status,
        headers={**(headers or {}), _ID_HEADER: id_},
        media_type="application/problem+json",
    )


async def refused(request: Request, error: Exception) -> JSONResponse:
    """Tell what a page refuses: no such address, no such method."""
    assert isinstance(error, HTTPException)
    return problem(request, error.status_code, dict(error.headers or {}))


async def failed(request: Request, error: Exception) -> JSONResponse:
    """Tell of an unexpected error: its id, and nothing of what it is."""
    answer = problem(request, HTTPStatus.INTERNAL_SERVER_ERROR)
    _log.error("web.failed", request_id=answer.headers[_ID_HEADER], error=type(error).__name__)
    return answer


HANDLERS: Final[dict[Any, Any]] = {HTTPException: refused, Exception: failed}


class Safe:
    """Adds the security headers that a page has not set itself, and ends errors that were told already."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of any kind but the graph's."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def safely(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = list(message.get("headers", ()))
                given = {name for name, _ in headers}
                message["headers"] = headers + [each for each in _SAFE if each[0] not in given]
            await send(message)

        try:
            await self._app(scope, receive, safely)
        except Exception:
            # Starlette raises again what `failed` has answered and logged.
            if not started:
                raise
