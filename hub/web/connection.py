"""A connection with bounds that uvicorn leaves to a proxy: how large a request's head may be, how long it may take.

Nothing is done for a request that comes whole, in one piece. One timer for each connection looks, now and then, whether
what was unfinished at the last look is unfinished still, and whether it has lain idle too long: uvicorn's own timer is
set and unset with every request, which costs more than all that is here.

`read_whole` and `write_whole` are the short ways for bodies that have come whole, and for answers that are whole, past
the messages of ASGI and the checks that uvicorn makes header by header.
"""

import asyncio
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar, Final

from starlette.types import Receive, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from hub.settings import Settings
from hub.web.frames import LOOK_SECONDS, STOP, Frames

HEAD_BYTES_MAX: Final = 32 * 1024
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Connection(HttpToolsProtocol):
    """uvicorn's connection, given up when a request does not get on: after one to two times `look_seconds`."""

    look_seconds: ClassVar[float] = LOOK_SECONDS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Begin to look at it."""
        super().connection_made(transport)
        self._head_bytes = 0
        self._unfinished: object = None
        self._idle_since = 0.0
        self._look_next = self.loop.call_later(self.look_seconds, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop looking."""
        self._look_next.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, and count it as long as the head of the request is not whole."""
        super().data_received(data)
        if self._in_head():
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
                self.transport.write(_TOO_LARGE)
                self.transport.close()
        elif self._head_bytes:
            self._head_bytes = 0

    def on_response_complete(self) -> None:
        """Go on with the next request, or lie idle. As uvicorn's, but that no timer is set."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self._idle_since = self.loop.time()
        self.flow.resume_reading()

    def shutdown(self) -> None:
        """End it: at once, or after the answer under way. A stream is told, as it would not end by itself."""
        if self.cycle is not None and not self.cycle.response_complete:
            stop: asyncio.Event | None = self.cycle.scope.get(STOP)  # type: ignore[assignment]  # who put it there says so
            if stop is not None:
                stop.set()
        super().shutdown()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over to one that speaks WebSocket. Called for requests that ask for it, and no others."""
        if self.cycle is not None and not self.cycle.response_complete:
            # An answer under way would be written into the socket.
            self.send_400_response("Invalid HTTP request received.")
            return
        self._look_next.cancel()
        super().handle_websocket_upgrade()
        self.scope = None  # type: ignore[assignment]  # as uvicorn's: nothing is to be looked at here any more

    def _in_head(self) -> bool:
        return self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)

    def _look(self) -> None:
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return
        unfinished = self._what_is_unfinished()
        if self._idle_too_long() or (unfinished is not None and unfinished is self._unfinished):
            self.transport.close()
            return
        self._unfinished = unfinished
        self._look_next = self.loop.call_later(self.look_seconds, self._look)

    def _idle_too_long(self) -> bool:
        idle = self.cycle is not None and self.cycle.scope is self.scope and self.cycle.response_complete
        return idle and self.loop.time() - self._idle_since > self.timeout_keep_alive

    def _what_is_unfinished(self) -> Any:  # whatever is the same as long as it is unfinished
        """Give the request whose head or body is not whole; the connection where nothing came yet."""
        if self.scope is None:
            return self
        if self._in_head():
            return self.scope
        if self.cycle.more_body:
            return self.cycle
        return None


def read_whole(receive: Receive, bytes_max: int) -> bytes | None:
    """Take a body that has come already, where uvicorn itself holds the other end.

    Args:
        receive: from ASGI.
        bytes_max: largest body that is taken so.

    Returns:
        None where nothing was taken, as the body must be read the usual way.
    """
    cycle = getattr(receive, "__self__", None)
    if (
        type(cycle) is not RequestResponseCycle
        or cycle.more_body
        or cycle.disconnected
        or cycle.waiting_for_100_continue
        or len(cycle.body) > bytes_max
    ):
        return None
    body = bytes(cycle.body)
    cycle.body = bytearray()
    cycle.message_event.clear()
    return body


def write_whole(send: Send, head: Sequence[bytes], body: bytes) -> bool:
    """Write an answer with status 200 at once, where uvicorn itself holds the other end.

    Args:
        send: from ASGI.
        head: lines of the head, each with its end; none of them tells the length.
        body: the whole body.

    Returns:
        False where nothing was written, as the answer must go the usual way.
    """
    cycle = getattr(send, "__self__", None)
    if (
        type(cycle) is not RequestResponseCycle
        or cycle.response_started
        or cycle.disconnected
        or not cycle.keep_alive
        or cycle.flow.write_paused
    ):
        return False
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    standing = _standing(tuple(cycle.default_headers))
    cycle.transport.writelines((standing, *head, b"content-length: %d\r\n\r\n" % len(body), body))
    cycle.message_event.set()
    cycle.on_response()
    return True


async def hang_up(send: Send) -> None:
    """Cut the connection of a client that takes nothing."""
    cycle = getattr(send, "__self__", None)
    if type(cycle) is RequestResponseCycle:
        cycle.transport.abort()
        # uvicorn notes it at the next turn of the loop, and says nothing of an answer that is not whole then.
        await asyncio.sleep(0)
        await asyncio.sleep(0)


@lru_cache(4)
def _standing(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """Write what all answers begin with; the date in it changes once a second."""
    return b"".join((b"HTTP/1.1 200 OK\r\n", *(b"%b: %b\r\n" % header for header in headers)))


def bounds(settings: Settings) -> dict[str, int]:
    """Give the arguments of `UVICORN` that go by the settings."""
    # Streams, sockets of bodies and of strangers stay open, and leave room for what does not.
    return {"ws_max_size": settings.body_bytes_max, "limit_concurrency": 500 + 3 * settings.streams}


UVICORN: Final[dict[str, Any]] = {  # arguments of many kinds
    "http": Connection,
    "ws": Frames,
    # It saves little here, costs memory for each connection, and sizes would tell of what is alike.
    "ws_per_message_deflate": False,
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
    "access_log": False,
    "log_config": None,
    # Below this it tells of each request that is no HTTP.
    "log_level": "error",
    "server_header": False,
    # The hub asks for no client's address and takes its own from the settings, so it trusts no proxy's word.
    "proxy_headers": False,
    # Longer than common proxies keep theirs, so that none sends a request into a connection about to close.
    "timeout_keep_alive": 75,
    "timeout_graceful_shutdown": 10,
    **bounds(Settings()),
}
"""How uvicorn is to serve the hub: arguments for `uvicorn.Config`."""
