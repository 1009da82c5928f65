"""A connection with bounds that uvicorn leaves to a proxy: how large a request's head may be, how long it may take.

Nothing is done for a request that comes whole, in one piece. One timer for each connection looks, now and then, whether
what was unfinished at the last look is unfinished still.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MAX: Final = 32 * 1024
LOOK_SECONDS: Final = 15.0
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Connection(HttpToolsProtocol):
    """uvicorn's connection, given up when a request does not get on: after one to two times `LOOK_SECONDS`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Begin to look at it."""
        super().connection_made(transport)
        self._head_bytes = 0
        self._unfinished: object = None
        self._look_next = self.loop.call_later(LOOK_SECONDS, self._look)

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

    def _in_head(self) -> bool:
        return self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)

    def _look(self) -> None:
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return
        unfinished = self._what_is_unfinished()
        if unfinished is not None and unfinished is self._unfinished:
            self.transport.close()
            return
        self._unfinished = unfinished
        self._look_next = self.loop.call_later(LOOK_SECONDS, self._look)

    def _what_is_unfinished(self) -> Any:  # whatever is the same as long as it is unfinished
        """Give the request whose head or body is not whole; the connection where nothing came yet, or no more."""
        if self.scope is None:
            return self
        if self._in_head():
            return self.scope
        if self.cycle.more_body:
            return self.cycle
        if self.cycle.response_complete and self.timeout_keep_alive_task is None:
            return self.cycle
        return None


UVICORN: Final[dict[str, Any]] = {  # arguments of many kinds
    "http": Connection,
    "ws": "none",
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
    "limit_concurrency": 2_000,
}
"""How uvicorn is to serve the hub: arguments for `uvicorn.Config`."""
