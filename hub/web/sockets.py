"""Subscriptions over WebSocket, by graphql-transport-ws, beside server-sent events and through the same service.

Who asks is said in one place: in the headers that open the socket, or in `connection_init`, where those have room that
cannot send headers. Either way the door looks at the same things by the same checks, and asks for the same proof: one
for GET at the graph's address, used up at once. Whether they may listen still is asked at every subscription, before
each event and with every beat; when they may not, the socket ends with all that was told through it.

A page of another origin gets no socket at all. Source: RFC 6455, section 10.2; OWASP, cross-site WebSocket hijacking.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any, Final, Protocol

from starlette.types import Receive, Scope, Send

from hub.auth.errors import PurposeRefused, TokenDenied
from hub.auth.resource import SessionEnded, TokenExpired, Unauthorized
from hub.errors import HubError
from hub.live import Places, ServerStopping, StreamPatience, TooManyStreams
from hub.operations import Answer, Operations, reading_price
from hub.web.frames import STOP
from hub.web.http import ALWAYS, REQUEST_ID, request_id
from hub.web.media import MODERN
from hub.web.messages import (
    ACK,
    CREDENTIALS,
    PING,
    PONG,
    SUBPROTOCOL,
    Close,
    Complete,
    Init,
    Message,
    Params,
    Ping,
    Pong,
    Subscribe,
    complete_of,
    credentials,
    error_of,
    next_of,
    read,
)
from hub.web.rates import LEAST, Rates, payer
from hub.web.refusals import Refusal, RequestMalformed, refusal_of
from hub.web.streams import Asking, Streams
from schema.access import ANONYMOUS, AccessProfile

_ONCE: Final = CREDENTIALS | {b"origin"}
_OVER: Final = frozenset(
    (TokenDenied.code, TokenExpired.code, Unauthorized.code, SessionEnded.code, PurposeRefused.code.upper())
)
"""Codes of errors by which not a subscription ends but the right to any."""


class ForeignOrigin(RequestMalformed):
    """A page of somebody else's opens a socket."""

    code = "FOREIGN_ORIGIN"

    def __init__(self) -> None:
        super().__init__("Pages of other origins get no WebSocket.", 403)


class Doorkeeper(Protocol):
    """Tells who asks."""

    async def profile(self, method: str, headers: dict[bytes, bytes], /, *, socket: bool = False) -> AccessProfile:
        """Read the profile off what was said.

        Raises:
            Unauthorized: credentials came that do not hold.
        """
        ...

    async def still(self, headers: dict[bytes, bytes], /, *, socket: bool = False) -> AccessProfile:
        """Look who it is now.

        Raises:
            HubError: nobody any more.
        """
        ...


class Sockets:
    """The graph's address, for those who open a WebSocket there."""

    def __init__(
        self,
        operations: Operations,
        streams: Streams,
        *,
        known: Places,
        strangers: Places,
        door: Doorkeeper,
        rates: Rates,
        address: Callable[[Scope], str],
        origins: Iterable[str],
        patience: StreamPatience,
    ) -> None:
        """Take what answers.

        Args:
            operations: understands subscriptions.
            streams: tells them.
            known: how many sockets of bodies there may be, and how many subscriptions in each of them.
            strangers: how many there may be of whom it is not known, or not yet, who they are.
            door: tells who asks.
            rates: what each client may ask.
            address: tells where a socket comes from, to count those who have no token.
            origins: our own.
            patience: how long to wait for what.
        """
        self.operations: Final = operations
        self.streams: Final = streams
        self.known: Final = known
        self.strangers: Final = strangers
        self.door: Final = door
        self.rates: Final = rates
        self.address: Final = address
        self.patience: Final = patience
        self._origins: Final = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket."""
        id_ = request_id(scope)
        scope[STOP] = asyncio.Event()
        await receive()
        with ExitStack() as place:
            try:
                headers = self._checked(scope)
                address = self.address(scope)
                self.rates.charge(address, LEAST)
                place.enter_context(self.strangers.one_of(address))
                socket = _Socket(self, scope, receive, send, id_=id_, headers=headers, place=place)
                if not CREDENTIALS.isdisjoint(headers):
                    await socket.introduce()
            except Exception as error:  # noqa: BLE001  # the last door: nothing of it may reach a stranger
                await _refuse(send, refusal_of(error, id_), id_)
                return
            spoken = SUBPROTOCOL in scope["subprotocols"]
            told = [*ALWAYS, (REQUEST_ID, id_.encode())]
            await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if spoken else None, "headers": told})
            await socket.serve(spoken=spoken)

    def _checked(self, scope: Scope) -> dict[bytes, bytes]:
        """Give the headers, having looked whose page it is, and that what may come once came once."""
        names = [name for name, _ in scope["headers"] if name in _ONCE]
        if len(names) != len(set(names)):
            raise RequestMalformed("A header came twice that may come once.")
        headers: dict[bytes, bytes] = dict(scope["headers"])
        # Browsers name the origin of every socket, other programs none.
        if b"origin" in headers and headers[b"origin"] not in self._origins:
            raise ForeignOrigin
        return headers


class _Socket:
    """One socket under way."""

    def __init__(
        self,
        house: Sockets,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        id_: str,
        headers: dict[bytes, bytes],
        place: ExitStack,
    ) -> None:
        self._house = house
        self._scope = scope
        self._receive = receive
        self._to_client = send
        self._headers = headers
        self._place = place
        self._id = id_
        self._stop: asyncio.Event = scope[STOP]
        self._profile: AccessProfile | None = None
        self._pays = payer(ANONYMOUS, scope, house.address)
        self._asked_in = False
        self._let_in = False
        self._closed = False
        self._sending = asyncio.Lock()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._quiet_since = asyncio.get_running_loop().time()

    async def introduce(self, more: dict[bytes, bytes] | None = None) -> None:
        """Look who it is, and count the socket as theirs.

        Args:
            more: what was said beside the headers.

        Raises:
            HubError: nobody who may come in.
        """
        self._headers |= more or {}
        profile = await self._house.door.profile("GET", self._headers, socket=True)
        pays = payer(profile, self._scope, self._house.address)
        if profile is not ANONYMOUS:
            self._place.close()
            self._place.enter_context(self._house.known.one_of(pays[1]))
        self._profile, self._pays = profile, pays

    async def serve(self, *, spoken: bool) -> None:
        """Take messages until the end.

        Args:
            spoken: whether the client speaks the protocol.
        """
        watching = asyncio.create_task(self._watch())
        try:
            if not spoken:
                await self._close(Close.SUBPROTOCOL, "Subprotocol not acceptable")
            while (event := await self._receive())["type"] == "websocket.receive":
                if not self._closed:
                    await self._take(event.get("text"))
        finally:
            self._closed = True
            tasks = {watching, *self._tasks}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # ---- What clients say --------------------------------------------------------------------------------------------

    async def _take(self, text: str | None) -> None:
        try:
            self._house.rates.charge(self._pays[0], LEAST)
            await self._act(read(text))
        except Exception as error:  # noqa: BLE001  # the last door: nothing of it may reach a stranger
            refusal = refusal_of(error, self._id)
            said = refusal.message if isinstance(error, RequestMalformed) else refusal.code
            await self._close(Close.of(refusal), said)

    async def _act(self, message: Message) -> None:
        match message:
            case Ping():
                await self._send(PONG)
            case Pong():
                pass
            case Init():
                await self._init(message)
            case Subscribe():
                await self._subscribe(message)
            case Complete():
                await self._leave(message.id)

    async def _init(self, message: Init) -> None:
        if self._asked_in:
            await self._close(Close.INTRODUCED_TWICE, "Too many initialisation requests")
            return
        self._asked_in = True
        given = credentials(message.payload)
        if self._profile is None:
            await self.introduce(given)
        elif given:
            raise RequestMalformed("Who asks is said in one place: in headers, or in connection_init.")
        self._let_in = True
        self._quiet_since = asyncio.get_running_loop().time()
        await self._send(ACK)

    async def _subscribe(self, message: Subscribe) -> None:
        if not self._let_in:
            await self._close(Close.NOT_INTRODUCED, "Unauthorized")
        elif message.id in self._running:
            await self._close(Close.SUBSCRIBER_EXISTS, "Subscriber already exists")
        elif len(self._running) >= self._house.known.most_each:
            await self._send(error_of(message.id, Operations.refused(TooManyStreams()).body))
        else:
            task = asyncio.create_task(self._run(message.id, message.payload))
            self._running[message.id] = task
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _leave(self, id_: str) -> None:
        task = self._running.pop(id_, None)
        if task is not None:
            self._quiet_since = asyncio.get_running_loop().time()
            task.cancel()
            # Its place is free when the client is heard again.
            await asyncio.wait({task})

    # ---- What they are told ------------------------------------------------------------------------------------------

    async def _run(self, id_: str, asked: Params) -> None:
        """Tell one subscription to its end."""
        last = await self._tell(id_, asked)
        if last is not None and last.code in _OVER:
            await self._end(last, Close.FORBIDDEN)
        elif self._running.pop(id_, None) is not None:
            self._quiet_since = asyncio.get_running_loop().time()
            await self._send(complete_of(id_) if last is None else error_of(id_, last.body))

    async def _tell(self, id_: str, asked: Params) -> Answer | None:
        """Send answers as they come; give back the one that is an error."""
        house = self._house
        try:
            turn = house.rates.enter(*self._pays)
            try:
                profile = await house.door.still(self._headers, socket=True)
                following = await house.operations.followed(
                    asked.query, asked.variables or {}, asked.operationName or None, profile
                )
            finally:
                house.rates.leave(turn, reading_price(asked.query))
            asking = Asking(
                profile=profile,
                headers=self._headers,
                pays=payer(profile, self._scope, house.address),
                stop=self._stop,
                request_id=self._id,
                socket=True,
            )
            async with house.streams.telling(following, asking) as answers:
                async for answer in answers:
                    if answer is None:
                        await self._send(PING)
                    elif answer.code is None:
                        await self._send(next_of(id_, answer.body))
                    else:
                        return answer
        except HubError as error:
            return Operations.refused(error)
        except Exception as error:  # noqa: BLE001  # the last door: nothing of it may reach a stranger
            refusal = refusal_of(error, self._id)
            return Answer(refusal.body, refusal.code)
        return None

    async def _end(self, why: Answer, code: Close) -> None:
        """Tell each subscription why it ends, and hang up."""
        running, self._running = self._running, {}
        for task in running.values():
            if task is not asyncio.current_task():
                task.cancel()
        for id_ in running:
            await self._send(error_of(id_, why.body))
        await self._close(code, why.code or "")

    async def _watch(self) -> None:
        """End a socket that is of no use, or whose server stops."""
        loop, patience = asyncio.get_running_loop(), self._house.patience
        while not self._closed:
            useless = not (self._let_in and self._running)
            known = self._let_in and self._profile is not ANONYMOUS
            seconds = patience.idle if known else patience.introduction
            left = self._quiet_since + seconds - loop.time() if useless else seconds
            if left <= 0:
                code = Close.IDLE if self._let_in else Close.INTRODUCED_LATE
                await self._close(code, "Idle" if self._let_in else "Connection initialisation timeout")
                return
            try:
                async with asyncio.timeout(left):
                    await self._stop.wait()
            except TimeoutError:
                continue
            await self._end(Operations.refused(ServerStopping()), Close.STOPPING)

    async def _send(self, text: str) -> None:
        async with self._sending:
            if not self._closed:
                await self._told({"type": "websocket.send", "text": text})

    async def _close(self, code: Close, reason: str) -> None:
        if self._closed:
            return
        self._closed = True
        async with self._sending:
            await self._told({"type": "websocket.close", "code": int(code), "reason": reason})

    async def _told(self, message: dict[str, Any]) -> None:
        try:
            await self._to_client(message)
        except OSError:
            # They have gone; who takes messages hears of it.
            self._closed = True


async def _refuse(send: Send, refusal: Refusal, id_: str) -> None:
    """Answer a request for a socket by HTTP: there will be none."""
    headers = [MODERN.header, *ALWAYS, (REQUEST_ID, id_.encode()), *refusal.headers]
    await send({"type": "websocket.http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": refusal.body})
