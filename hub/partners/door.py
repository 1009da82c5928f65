"""The door partners come to: who is it, is it signed, and only then what it is about.

Nothing is looked up for who has not shown who it is. An issuer nobody registered, one that is suspended, and a
signature that does not hold are answered alike; so are a referral that is not there, not theirs, not to be fetched.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, ParamSpec, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from connectors import handoff as wire
from connectors.errors import ConnectorError, Invalid, Refused, Unauthorized, Unavailable
from connectors.handoff import LEEWAY_SECONDS, Read
from connectors.messages import INBOX, Message, Notice, Packet
from connectors.messages import Request as WireRequest
from connectors.signing import Letter, seal
from connectors.transports.credentials import SCHEME
from hub.auth import denials, once
from hub.auth.resource import Headers, ResourceServer
from hub.clock import Clock
from hub.consent import NotFound
from hub.delivery.inbound import Exchange
from hub.errors import HubError, StoreUnavailable
from hub.partners import registry
from hub.partners.book import Book, Speaking
from hub.partners.errors import PartnerUnknown
from hub.partners.registry import Known
from schema.access import AccessProfile
from schema.vocabulary import AccessScope

FETCH_SECONDS: Final = 10.0
"""How long the packet of a notice may take to come; who sent the notice waits meanwhile."""
TOKEN_CHARS_MAX: Final = 8_192
_THREADS: Final = ThreadPoolExecutor(15, "partners")
"""As many as the engine has connections: nobody waits for one in a thread."""
_SIGNED: Final = SCHEME.lower()
P = ParamSpec("P")
T = TypeVar("T")


class NotThere(NotFound):
    """There is no such packet for who asks."""

    public = "There is no such packet."


class ScopeMissing(HubError):
    """The token does not let its client read packets."""

    code = "insufficient_scope"
    public = "The token does not allow this."


class _Altered(Unavailable):
    """The partner is registered otherwise than it was a moment ago: what was looked up of it does not hold."""

    def __init__(self) -> None:
        super().__init__("it is registered otherwise by now")


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, by a token or by a signed request; not used up yet."""

    known: Known
    speaking: Speaking
    profile: AccessProfile | None = None
    request: WireRequest | None = None


class Door:
    """Takes messages in and serves what partners read."""

    def __init__(
        self, engine: Engine, book: Book, resource: ResourceServer, exchange: Exchange, clock: Clock, *, base: str
    ) -> None:
        """Take what is needed.

        Args:
            engine: writes.
            book: knows the partners.
            resource: reads who asks off a token.
            exchange: who takes in and serves.
            clock: tells the time.
            base: address under which the world sees the hub: requests are signed for addresses below it.
        """
        self._engine: Final = engine
        self._book: Final = book
        self._resource: Final = resource
        self._exchange: Final = exchange
        self._clock: Final = clock
        self._base: Final = base

    # ---- What comes -------------------------------------------------------------------------------------------------

    async def known(self, body: bytes) -> tuple[Known, Speaking, Read[Message]]:
        """Read a message and tell who signed it.

        Raises:
            Invalid: it is no message that comes to an inbox.
            Unauthorized: it was not signed by a registered partner, for us, for now.
            Unavailable: the partner's keys cannot be had.
        """
        if not body.isascii():
            raise Invalid("it is no signed token")
        text = body.decode("ascii")
        letter = wire.open_letter(text, await _blocking(self._book.me))
        _formal(letter)
        known, speaking = await self._issuer(letter.iss)
        return known, speaking, await speaking.verify_push(text)

    async def take(self, known: Known, speaking: Speaking, read: Read[Message]) -> str | None:
        """Take a message in, and give the token to answer with, sealed.

        The packet that a notice tells of is fetched first. Where that fails the notice is not taken either: its sender
        comes again, so that nothing hangs on our memory.

        Raises:
            ConnectorError: it is not taken, and why.
        """
        inbound = self._exchange.inbound
        if inbound is None:
            raise Unavailable("nothing is taken in here")
        if isinstance(read.message, Notice):
            read = await self._fetched(speaking, read.message)

        def work(connection: Connection) -> str | None:
            return inbound.receive(connection, known.organisation_id, read)

        token = await self._within(known, work)
        return None if token is None else await self._sealed(speaking, token)

    async def _fetched(self, speaking: Speaking, notice: Notice) -> Read[Packet]:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                packet = await speaking.fetch(notice.handoff)
        except (Refused, Invalid) as error:
            raise Refused("there is no such packet to fetch, or it is none", problem="not_fetchable") from error
        except (ConnectorError, TimeoutError) as error:
            raise Unavailable("the packet could not be fetched") from error
        if (packet.message.version, packet.digest) != (notice.version, notice.digest):
            if packet.message.version > notice.version:
                raise Refused("a later version has taken its place", problem="superseded")
            raise Invalid("it is not the packet the notice told of")
        return packet

    # ---- What is read -----------------------------------------------------------------------------------------------

    async def asked(self, method: str, path: str, headers: Headers) -> Asked:
        """Tell who asks for an address below ours.

        Raises:
            Unauthorized, hub.auth.resource.Unauthorized: nobody we know.
            ScopeMissing: a token that is not for this.
            Unavailable: the partner's keys cannot be had.
        """
        url = self._base + path
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if scheme.lower() != _SIGNED:
            return await self._by_token(method, url, headers)
        if len(token) > TOKEN_CHARS_MAX or not token.isascii():
            raise Invalid("it is no signed token")
        me = await _blocking(self._book.me)
        letter = wire.open_letter(token, me)
        if letter.typ != WireRequest.typ:
            raise Invalid("it is another message", typ=letter.typ)
        known, speaking = await self._issuer(letter.iss)
        peer = await speaking.peer(letter.kid)
        read = wire.verify_request(letter, peer, me, method=method, url=url, now=self._clock.now())
        return Asked(known, speaking, request=read.message)

    async def packet(self, asked: Asked, referral_id: UUID) -> str:
        """Give a packet word for word, sealed to who asks.

        Raises:
            NotThere: there is none, it is not theirs, or it may not be fetched.
        """
        return await self._as_it_is_now(asked, partial(self._packet, referral_id=referral_id))

    async def _packet(self, asked: Asked, referral_id: UUID) -> str:
        # Before anything is looked up: whether it can be sealed tells nothing of the referral.
        peer = await asked.speaking.peer()
        if peer.sealing is None and not self._base.startswith("https:"):
            raise Refused("there is no key to seal to", problem="no_sealing_key")
        packets, now = self._exchange.packets, self._clock.now()

        def work(connection: Connection) -> str | None:
            self._use_up(connection, asked, now)
            if packets is None:
                return None
            return packets.packet(connection, asked.known.organisation_id, referral_id, now)

        token = await self._within(asked.known, work)
        if token is None:
            raise NotThere
        return token if peer.sealing is None else seal(token, peer)

    async def status(self, asked: Asked, referral_id: UUID) -> str:
        """Tell what our books say, signed and sealed. Of one that is unknown or not theirs: that it is unknown."""
        return await self._as_it_is_now(asked, partial(self._status, referral_id=referral_id))

    async def _status(self, asked: Asked, referral_id: UUID) -> str:
        packets, now = self._exchange.packets, self._clock.now()

        def work(connection: Connection) -> Mapping[str, object] | None:
            self._use_up(connection, asked, now)
            if packets is None:
                return None
            return packets.status(connection, asked.known.organisation_id, referral_id, now)

        told = await self._within(asked.known, work)
        what = {"known": False} if told is None else {"known": True, **told}
        me = await _blocking(self._book.me)
        return await self._sealed(
            asked.speaking, wire.sign_status(me, asked.known.issuer, now=now, handoff=referral_id, **what)
        )

    # ---- Within -----------------------------------------------------------------------------------------------------

    async def _as_it_is_now(self, asked: Asked, answer: Callable[[Asked], Awaitable[str]]) -> str:
        """Answer a partner as it is registered now: once more where it was altered since it was last asked for."""
        try:
            try:
                return await answer(asked)
            except _Altered:
                known, speaking = await self._as_body(asked.known.organisation_id)
                return await answer(replace(asked, known=known, speaking=speaking))
        except Unauthorized:
            if asked.profile is None:
                raise
            raise self._resource.denied() from None

    async def _issuer(self, issuer: str) -> tuple[Known, Speaking]:
        try:
            return await _blocking(self._book.of_issuer, issuer)
        except PartnerUnknown:
            raise Unauthorized("no such key") from None

    async def _by_token(self, method: str, url: str, headers: Headers) -> Asked:
        # A cookie is for the console; here it is nobody's.
        own = {name: value for name, value in headers.items() if name != b"cookie"}
        profile = await self._resource.profile(method, own, url=url)
        if profile.organisation_id is None:
            raise self._resource.denied()
        if AccessScope.REFERRAL_RECEIVE not in profile.scopes:
            raise ScopeMissing
        # Who that is, is asked in the transaction that reads for it.
        found = self._book.remembered(profile.organisation_id)
        known, speaking = found or await self._as_body(profile.organisation_id)
        return Asked(known, speaking, profile=profile)

    async def _as_body(self, organisation_id: UUID) -> tuple[Known, Speaking]:
        try:
            return await _blocking(self._book.of_body, organisation_id)
        except PartnerUnknown:
            raise self._resource.denied() from None

    async def _within(self, known: Known, work: Callable[[Connection], T]) -> T:
        """Do it in one transaction, in which the partner is still one.

        Raises:
            _Altered: it is registered otherwise by now.
        """

        def run() -> T:
            with self._engine.begin() as connection:
                now = registry.by_body(connection, known.organisation_id)
                if now is None:
                    raise Unauthorized("no such key")
                if now != known:
                    raise _Altered
                return work(connection)

        return await _blocking(run)

    def _use_up(self, connection: Connection, asked: Asked, now: datetime) -> None:
        """Let a signed request be good once, and a token until it was denied."""
        if asked.profile is not None:
            issued_at = asked.profile.issued_at
            if issued_at is None or denials.denied(connection, asked.profile.subjects, issued_at=issued_at, now=now):
                raise self._resource.denied()
        if asked.request is not None:
            hashed = once.hashed("handoff", asked.request.iss, str(asked.request.jti))
            until = datetime.fromtimestamp(asked.request.exp, UTC) + timedelta(seconds=LEEWAY_SECONDS)
            if not once.use_proof(connection, hashed, expires_at=until):
                raise Unauthorized("the request was used before")

    @staticmethod
    async def _sealed(speaking: Speaking, token: str) -> str:
        peer = await speaking.peer()
        return token if peer.sealing is None else seal(token, peer)


async def _blocking(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run what asks the database. Where that is away nothing was done, or will be known again when it comes once more.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    try:
        return await asyncio.get_running_loop().run_in_executor(_THREADS, partial(work, *args, **kwargs))
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise StoreUnavailable("no connection to the database") from error


def _formal(letter: Letter) -> None:
    """Look at what stands outside of the signature first: it is the same whoever wrote it."""
    kind = INBOX.get(letter.typ)
    if kind is None:
        raise Invalid("no such message comes to an inbox", typ=letter.typ)
    if kind.sealed_only and not letter.sealed:
        raise Invalid("this message must be sealed", typ=letter.typ)
