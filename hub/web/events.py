"""Answers as server-sent events: subscriptions as they happen, all else as one event and the end.

Source: GraphQL over Server-Sent Events, distinct connections mode; HTML, 9.2 Server-sent events.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from functools import partial
from typing import Any, Final, Protocol

from starlette.types import Receive, Scope, Send

from hub.errors import HubError
from hub.live import Listener, Live
from hub.log import logger
from hub.operations import Operations
from hub.web.connection import STOP, hang_up
from hub.web.http import ALWAYS, REQUEST_ID, request_id
from hub.web.media import STREAM
from hub.web.rates import Rates
from schema.access import AccessProfile

SEND_SECONDS: Final = 15.0
"""How long a client may take nothing at all."""
BEAT: Final = b":\n\n"
COMPLETE: Final = b"event: complete\ndata:\n\n"
_UNBUFFERED: Final = (b"x-accel-buffering", b"no")
_log = logger()


class Doorkeeper(Protocol):
    """Tells who asks still."""

    async def still(self, headers: dict[bytes, bytes], /) -> AccessProfile:
        """Look who it is now that opened a stream by these headers.

        Raises:
            HubError: nobody any more.
        """
        ...


class EventStreams:
    """Tells subscriptions to those who asked for events."""

    def __init__(self, operations: Operations, live: Live, *, door: Doorkeeper, rates: Rates) -> None:
        """Take what reads, what hears, who is at the door, and what each client may ask."""
        self._operations: Final = operations
        self._live: Final = live
        self._door: Final = door
        self._rates: Final = rates

    async def follow(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        asked: tuple[str, dict[str, Any] | None, str | None],
        profile: AccessProfile,
        payer: tuple[str, str],
    ) -> None:
        """Tell a subscription until it ends.

        Args:
            scope: of the request, whose body was read.
            receive: from ASGI.
            send: from ASGI.
            asked: document, variables, name of the operation.
            profile: who listens.
            payer: the client that pays, and the body among whose streams it counts.

        Raises:
            TooManyStreams: before anything was sent.
        """
        document, variables, name = asked
        client, body = payer
        try:
            following = self._operations.follow(document, variables or {}, name, profile)
        except HubError as error:
            await told_once(scope, send, self._operations.refused(error).body)
            return
        id_ = request_id(scope)
        stop = scope[STOP] = asyncio.Event()
        listener = Listener(
            profile=profile,
            still=partial(self._door.still, dict(scope["headers"])),
            pay=partial(self._rates.charge, client),
            stop=stop,
            request_id=id_,
        )
        async with self._live.counted(body):
            pouring = asyncio.create_task(_pour(id_, send, self._live.told(following, listener)))
            leaving = asyncio.create_task(_gone(receive))
            try:
                await asyncio.wait({pouring, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (pouring, leaving):
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task


async def told_once(scope: Scope, send: Send, body: bytes) -> None:
    """Tell one answer, and that there is no other."""
    await send(_head(request_id(scope)))
    await send({"type": "http.response.body", "body": _next(body) + COMPLETE})


async def _pour(id_: str, send: Send, answers: AsyncGenerator[bytes | None, None]) -> None:
    """Send answers as they come, until the last or until the client takes no more."""
    try:
        await send(_head(id_))
        try:
            async with aclosing(answers):
                async for answer in answers:
                    await _sent(send, BEAT if answer is None else _next(answer))
        except _Stuck:
            raise
        except Exception as error:  # noqa: BLE001  # the last door: nothing of it may reach a stranger
            _log.error("graphql.failed", request_id=id_, error=type(error).__name__)
            message = f"Something went wrong in the hub. Tell us this id: {id_}"
            refused = {"errors": [{"message": message, "extensions": {"code": "INTERNAL_ERROR"}}]}
            await _sent(send, _next(json.dumps(refused).encode()))
        await _sent(send, COMPLETE)
        await send({"type": "http.response.body", "body": b""})
    except _Stuck:
        await hang_up(send)


class _Stuck(Exception):
    """The client takes nothing."""


async def _sent(send: Send, text: bytes) -> None:
    try:
        await asyncio.wait_for(send({"type": "http.response.body", "body": text, "more_body": True}), SEND_SECONDS)
    except TimeoutError:
        raise _Stuck from None


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
