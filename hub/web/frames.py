"""A WebSocket connection with bounds that uvicorn leaves open: what waits, in both directions, and who takes nothing.

uvicorn answers pings whether or not anybody takes the answers, keeps every piece of a message however small, and waits
for ever for the last bytes to be taken. Here nothing is read while nothing can be written, messages and pieces are
counted, and a client that takes nothing is cut off after one to two times `look_seconds`.
"""

import asyncio
from asyncio.transports import BaseTransport
from typing import Any, ClassVar, Final

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

STOP: Final = "hub.stop"
"""Where in a scope an `asyncio.Event` may stand that is set when the server stops."""
LOOK_SECONDS: Final = 15.0
GOODBYE_SECONDS: Final = 2.0
"""How long a client's goodbye is waited for."""
MESSAGES_MOST: Final = 1_000
"""Messages that wait to be taken up."""
PIECES_MOST: Final = 1_000
"""Pieces of one message."""
_BYTES_AT_ONCE: Final = 16 * 1024


class Frames(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket connection, within bounds."""

    look_seconds: ClassVar[float] = LOOK_SECONDS

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin to look at it."""
        super().connection_made(transport)
        self.close_timeout = GOODBYE_SECONDS
        self._stuck = False
        self._look_next = self.loop.call_later(self.look_seconds, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop looking."""
        self._look_next.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, as long as there is room for it."""
        if not self.handshake_initiated:
            super().data_received(data)
            if not self.handshake_initiated:
                # uvicorn hands over a whole head; one that cannot be read makes no event that it would answer.
                self.transport.write(b"".join(self.conn.data_to_send()))
                self.transport.close()
            return
        for at in range(0, len(data), _BYTES_AT_ONCE):
            if self.close_sent and self.transport.is_closing():
                return
            super().data_received(data[at : at + _BYTES_AT_ONCE])
            if self.queue.qsize() > MESSAGES_MOST:
                self._give_up(CloseCode.POLICY_VIOLATION, "too many messages at once")

    def handle_cont(self, event: Frame) -> None:
        """Take a piece of a message. Empty ones add nothing to its size, so they are counted."""
        if len(self.frames) >= PIECES_MOST:
            self._give_up(CloseCode.MESSAGE_TOO_BIG, "too many pieces")
            return
        super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        """Hand a message on. As uvicorn's, but that a text that is none is no line in the log."""
        data = b"".join(self.frames)
        self.frames = []
        if self.close_sent:
            return
        message: Any = {"type": "websocket.receive"}
        if self.curr_msg_data_type == "bytes":
            message["bytes"] = data
        else:
            try:
                message["text"] = data.decode()
            except UnicodeDecodeError:
                self._give_up(CloseCode.INVALID_DATA, "no UTF-8")
                return
        self.queue.put_nowait(message)
        self.read_paused = True
        self._read_no_more()

    def pause_writing(self) -> None:
        """Read nothing while nothing is taken: pings would be answered all the same."""
        super().pause_writing()
        self._read_no_more()

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        self._stuck = False
        if not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    async def receive(self) -> Any:  # one of ASGI's events
        """Give the next message."""
        event = await super().receive()
        if not self.writable.is_set():
            self._read_no_more()
        return event

    async def send(self, message: Any) -> None:  # one of ASGI's events
        """Send. As uvicorn's, but that it is no fault of the sender's when the connection was given up meanwhile."""
        try:
            await super().send(message)
        except RuntimeError:
            if self.close_sent:
                raise ClientDisconnected from None
            raise
        if self.initial_response is not None and self.close_sent:
            # uvicorn would log that there was no answer.
            self.handshake_complete = True

    def shutdown(self) -> None:
        """End it. Who serves it is told where it wants to say more than uvicorn would."""
        stop = self.scope.get(STOP) if self.handshake_initiated and not self.close_sent else None
        if isinstance(stop, asyncio.Event) and not self.transport.is_closing():
            self.stop_keepalive()
            stop.set()
        else:
            super().shutdown()

    def _read_no_more(self) -> None:
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def _give_up(self, code: CloseCode, reason: str) -> None:
        if not self.close_sent:
            self.conn.fail(code, reason)
            self.handle_parser_exception()

    def _look(self) -> None:
        stuck = self.transport.is_closing() or not self.writable.is_set()
        if stuck and self._stuck:
            self.transport.abort()
            return
        self._stuck = stuck
        self._look_next = self.loop.call_later(self.look_seconds, self._look)
