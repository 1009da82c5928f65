"""Answers as server-sent events: subscriptions as they happen, all else as one event and the end.

Source: GraphQL over Server-Sent Events, distinct connections mode; HTML, 9.2 Server-sent events.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any, Final

from starlette.types import Receive, Scope, Send

from hub.errors import HubError
from hub.operations import Answer, Operations
from hub.web.connection import hang_up
from hub.web.frames import STOP
from hub.web.http import ALWAYS, REQUEST_ID, request_id
from hub.web.media import STREAM
from hub.web.refusals import refusal_of
from hub.web.streams import Asking, Streams
from schema.access import AccessProfile

BEAT: Final = b":\n\n"
COMPLETE: Final = b"event: complete\ndata:\n\n"
_UNBUFFERED: Final = (b"x-accel-buffering", b"no")


class EventStreams:
    """Tells subscriptions to those who asked for events."""

    def __init__(self, operations: Operations, streams: Streams, *, send_seconds: float, beat: bytes = BEAT) -> None:
        """Take what answers.

        Args:
            operations: understands subscriptions.
            streams: tells them.
            send_seconds: how long a client may take nothing at all.
            beat: what shows that a stream is open.
        """
        self._operations: Final = operations
        self._streams: Final = streams
        self._send_seconds: Final = send_seconds
        self._beat: Final = beat

    async def follow(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        asked: tuple[str, dict[str, Any] | None, str | None],
        profile: AccessProfile,
        pays: tuple[str, str],
    ) -> None:
        """Tell a subscription until it ends.

        Args:
            scope: of the request, whose body was read.
            receive: from ASGI.
            send: from ASGI.
            asked: document, variables, name of the operation.
            profile: who listens.
            pays: the client that pays, and the body among whose streams it counts.

        Raises:
            TooManyStreams: before anything was sent.
        """
        document, variables, name = asked
        try:
            following = self._operations.follow(document, variables or {}, name, profile)
        except HubError as error:
            await told_once(scope, send, self._operations.refused(error).body)
            return
        stop = scope[STOP] = asyncio.Event()
        asking = Asking(
            profile=profile, headers=dict(scope["headers"]), pays=pays, stop=stop, request_id=request_id(scope)
        )
        async with self._streams.telling(following, asking) as answers:
            pouring = asyncio.create_task(self._pour(asking.request_id, send, answers))
            leaving = asyncio.create_task(_gone(receive))
            try:
                await asyncio.wait({pouring, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (pouring, leaving):
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task

    async def _pour(self, id_: str, send: Send, answers: AsyncGenerator[Answer | None, None]) -> None:
        """Send answers as they come, until the last or until the client takes no more."""
        try:
            await send(_head(id_))
            try:
                async for answer in answers:
                    await self._sent(send, self._beat if answer is None else _next(answer.body))
            except _Stuck:
                raise
            except Exception as error:  # noqa: BLE001  # the last door: nothing of it may reach a stranger
                await self._sent(send, _next(refusal_of(error, id_).body))
            await self._sent(send, COMPLETE)
            await send({"type": "http.response.body", "body": b""})
        except _Stuck:
            await hang_up(send)

    async def _sent(self, send: Send, text: bytes) -> None:
        message = {"type": "http.response.body", "body": text, "more_body": True}
        try:
            async with asyncio.timeout(self._send_seconds):
                await send(message)
        except TimeoutError:
            raise _Stuck from None


async def told_once(scope: Scope, send: Send, body: bytes) -> None:
    """Tell one answer, and that there is no other."""
    await send(_head(request_id(scope)))
    await send({"type": "http.response.body", "body": _next(body) + COMPLETE})


class _Stuck(Exception):
    """The client takes nothing."""


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _head(id_: str) -> dict[str, Any]:
    headers = [STREAM.header, *ALWAYS, _UNBUFFERED, (REQUEST_ID, id_.encode())]
    return {"type": "http.response.start", "status": 200, "headers": headers}


def _next(body: bytes) -> bytes:
    """Write an event; a line break of the answer's begins a line of the event's."""
    lines = body.replace(b"\r", b"").split(b"\n")
    return b"event: next\n" + b"".join(b"data: %b\n" % line for line in lines) + b"\n"
