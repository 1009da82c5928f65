"""What networks that speak the handoff protocol have in common: all of it but their words."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Generic, TypeVar
from uuid import UUID

import msgspec

from connectors import handoff as wire
from connectors.content import Content
from connectors.egress import Egress
from connectors.errors import ConnectorError, Invalid, Refused, Unauthorized, Uncertain, Unsupported
from connectors.handoff import Read
from connectors.jose import Key
from connectors.messages import (
    PROTOCOL,
    Answer,
    Certificate,
    Form,
    Health,
    Message,
    Notice,
    Openings,
    Packet,
    Receipt,
    ServiceAnswer,
    Status,
    Unmapped,
    Withdrawal,
)
from connectors.messages import Page as WirePage
from connectors.peers import PeerKeys
from connectors.protocol import Capability, Decoded, Page
from connectors.signing import Letter, Me, Peer, digest, seal, typ_of, unchecked
from connectors.transports.credentials import Credentials, OAuthClient, SignedRequest
from connectors.transports.https import Https
from connectors.words import CLOSING_REASONS, DECLINE_REASONS

_CURSOR: Final = re.compile(r"[A-Za-z0-9_.~-]{1,200}")
ALL: Final = frozenset(Capability)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """We read with a token of the partner's own authorization server."""

    issuer: str
    client_id: str
    kid: str
    key: Key
    scope: str | None = None
    resource: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where a partner is, and how it is known."""

    issuer: str
    """Its name in messages."""
    base: str
    """Address below which it speaks the protocol."""
    jwks_uri: str
    """Where it publishes its keys."""
    pins: tuple[str, ...] = ()
    """Keys its certificate may hold, see `egress.pin_of`."""
    capabilities: frozenset[Capability] | None = None
    """What its system can do; None for all that its network can."""
    token: Token | None = None
    """How we read from it; by signed requests when absent."""
    loopback: bool = False
    """True for a sandbox on this machine, never else."""
    timeout_seconds: float = 20.0
    keep_seconds: float = 0.0
    """How long a connection to it is kept for the next request; not at all by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What every network's settings hold."""

    reach: Reach


S_co = TypeVar("S_co", bound=Settings, covariant=True)


class SignedPartner(Generic[S_co]):
    """A partner that speaks the handoff protocol over HTTPS. Networks add their words."""

    network: ClassVar[str]
    form: ClassVar[str]
    can: ClassVar[frozenset[Capability]] = ALL
    """What the network's system can do at most."""
    decline_reasons: ClassVar[Mapping[str, str]] = {}
    """Its words for why it says no, to the hub's. The hub's own words are always understood."""
    closing_reasons: ClassVar[Mapping[str, str]] = {}
    """Its words for how it ended, to the hub's."""

    def __init__(self, settings: S_co, me: Me, *, now: Callable[[], datetime], egress: Egress | None = None) -> None:
        """Take settings, our side, the clock, and where we may go; by default to the partner's own places only."""
        reach = settings.reach
        self.settings: Final = settings
        self._me: Final = me
        self._now: Final = now
        urls = [reach.base, reach.jwks_uri] + ([reach.token.issuer] if reach.token else [])
        egress = egress or Egress.to(
            *urls,
            pins=reach.pins,
            loopback=reach.loopback,
            timeout_seconds=reach.timeout_seconds,
            keep_seconds=reach.keep_seconds,
        )
        self._keys: Final = PeerKeys(reach.issuer, reach.jwks_uri, egress)
        self._egress: Final = egress
        self._wire: Final = Https(reach.base, egress, self._credentials(), now)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What its system can do."""
        told = self.settings.reach.capabilities
        return self.can if told is None else told & self.can

    def _credentials(self) -> Credentials:
        reach = self.settings.reach
        if reach.token is None:
            return SignedRequest(self._me, reach.issuer, self._now)
        return OAuthClient(
            issuer=reach.token.issuer,
            client_id=reach.token.client_id,
            kid=reach.token.kid,
            key=reach.token.key,
            egress=self._egress,
            now=self._now,
            scope=reach.token.scope,
            resource=reach.token.resource,
        )

    @property
    def issuer(self) -> str:
        """Its name in messages."""
        return self.settings.reach.issuer

    # ---- Words: networks write these ----------------------------------------------------------------------------

    def encode(self, content: Content) -> Form:
        """Write content in the network's words."""
        raise NotImplementedError

    def decode(self, form: Form) -> Decoded:
        """Read a form of the network's."""
        raise NotImplementedError

    def decode_answer(self, answer: Answer) -> Answer:
        """Put the reasons of an answer into the hub's words; what has none is kept in `unmapped`."""
        unmapped = list(answer.unmapped)
        closing = answer.event in {"report_outcome", "person_safe"}
        words = self.closing_reasons if closing else self.decline_reasons
        known = CLOSING_REASONS if closing else DECLINE_REASONS
        reason = _worded(answer.reason, words, known, "reason", unmapped) if answer.event != "pause" else answer.reason
        services = tuple(
            ServiceAnswer(
                kind=each.kind,
                given=each.given,
                reason=_worded(
                    each.reason, self.decline_reasons, DECLINE_REASONS, f"services.{each.kind}.reason", unmapped
                ),
            )
            for each in answer.services
        )
        return msgspec.structs.replace(answer, reason=reason, services=services, unmapped=tuple(unmapped))

    # ---- Calls --------------------------------------------------------------------------------------------------

    async def health(self) -> Health:
        """Ask whether it takes handoffs now."""
        health = _json(await self._wire.read("/health"), Health)
        if health.protocol != PROTOCOL:
            raise Unsupported("it speaks another protocol", protocol=health.protocol)
        return health

    async def send(self, packet: str) -> Read[Receipt] | None:
        """Bring a packet: by notice where it fetches, else sealed."""
        if Capability.NOTICE not in self.capabilities:
            return await self.submit(packet)
        return await self._sent(packet, wire.make_notice(packet, self._me, now=self._now()))

    async def submit(self, packet: str) -> Read[Receipt] | None:
        """Bring a packet itself, sealed."""
        self._need(Capability.SUBMIT)
        return await self._sent(packet, packet)

    async def _sent(self, packet: str, body: str) -> Read[Receipt] | None:
        claims = self._ours(packet)
        key = str(claims["handoff"]) if claims["version"] == 1 else f"{claims['handoff']}.v{claims['version']}"
        answer = await self._delivered(body, key)
        if answer is None:
            return None
        with _doubting():
            letter = wire.open_letter(answer, self._me)
            peer = await self._keys.find(letter.kid)
            return wire.verify_receipt(letter, peer, self._me, packet=packet, now=self._now())

    async def status(self, handoff: UUID) -> Read[Status]:
        """Ask what its books say."""
        self._need(Capability.STATUS)
        letter = self._letter(await self._wire.read(f"/referrals/{handoff}/status"))
        peer = await self._keys.find(letter.kid)
        return wire.verify_status(letter, peer, self._me, handoff=handoff, now=self._now())

    async def held(self, status: Read[Status], packet: str) -> Read[Receipt] | None:
        """Take the receipt for a packet out of a status; None when it holds none for this one."""
        said = status.message
        if said.receipt is None or said.digest != digest(packet):
            return None
        return wire.held_receipt(said, await self._keys.find(), self._me, packet=packet)

    async def withdraw(self, stop: str) -> Read[Certificate] | None:
        """Bring a stop notice."""
        self._need(Capability.WITHDRAW)
        claims = self._ours(stop)
        answer = await self._delivered(stop, f"{claims['handoff']}.{claims['number']}")
        if answer is None:
            return None
        with _doubting():
            letter = wire.open_letter(answer, self._me)
            peer = await self._keys.find(letter.kid)
            return wire.verify_certificate(letter, peer, self._me, stop=stop, now=self._now())

    async def tell(self, answer: str) -> None:
        """Bring an answer."""
        self._need(Capability.ANSWERS)
        claims = self._ours(answer)
        await self._delivered(answer, f"{claims['handoff']}.{claims['number']}")

    async def fetch(self, handoff: UUID) -> Read[Packet]:
        """Fetch the packet a notice of theirs told of."""
        self._need(Capability.SENDS)
        try:
            text = await self._wire.read(f"/referrals/{handoff}/packet")
        except Unsupported as error:
            raise Refused("there is no such packet, or no longer", **error.facts) from error
        letter = self._letter(text)
        peer = await self._keys.find(letter.kid)
        read = wire.open_packet(letter, peer, self._me, now=self._now(), fetched=True)
        if read.message.handoff != handoff:
            raise Unauthorized("it is the packet of another handoff")
        return read

    async def openings(self) -> Read[Openings]:
        """Ask what help it has to give."""
        self._need(Capability.OPENINGS)
        letter = self._letter(await self._wire.read("/openings"))
        peer = await self._keys.find(letter.kid)
        return wire.verify_openings(letter, peer, self._me, now=self._now())

    async def inbox(self, after: str | None = None) -> Page:
        """Ask for what it could not bring, after a cursor of its own."""
        self._need(Capability.OUTBOX)
        if after is not None and not _CURSOR.fullmatch(after):
            raise Invalid("it is no cursor")
        page = _json(await self._wire.read("/outbox" + (f"?after={after}" if after else "")), WirePage)
        messages: list[Read[Message]] = []
        refused: list[str] = []
        for each in page.messages:
            try:
                messages.append(await self.verify_push(each))
            except (Invalid, Unauthorized) as error:
                refused.append(error.code)
        return Page(tuple(messages), tuple(refused), page.cursor)

    async def verify_push(self, body: str) -> Read[Message]:
        """Read what came to our inbox under its name."""
        letter = wire.open_letter(body, self._me)
        if letter.iss != self.settings.reach.issuer:
            raise Unauthorized("it was not written by this partner")
        peer = await self._keys.find(letter.kid)
        return wire.read_message(letter, peer, self._me, now=self._now())

    async def bring(self, message: str) -> None:
        """Bring a receipt or certificate that could not be given at once."""
        claims = self._ours(message)
        await self._delivered(message, str(claims["jti"]))

    async def peer(self, kid: str | None = None) -> Peer:
        """Give its keys, as it publishes them; looked at again for a key that is not known."""
        return await self._keys.find(kid)

    async def sealed(self, message: str) -> str:
        """Seal one of our messages for an answer of ours."""
        return seal(message, await self._keys.find())

    async def aclose(self) -> None:
        """Let go of what is held."""
        await self._wire.aclose()

    # ---- Within -------------------------------------------------------------------------------------------------

    def _need(self, capability: Capability) -> None:
        if capability not in self.capabilities:
            raise Unsupported("it does not do this", capability=capability.value)

    def _ours(self, token: str) -> dict[str, object]:
        """Look that a token is ours, for this partner."""
        claims = unchecked(token)
        if claims.get("iss") != self._me.issuer or claims.get("aud") != self.settings.reach.issuer:
            raise Refused("the message is for another partner")
        return claims

    def _letter(self, text: bytes) -> Letter:
        if not text.isascii():
            raise Invalid("it is no signed token")
        return wire.open_letter(text.decode("ascii"), self._me)

    async def _delivered(self, token: str, key: str) -> str | None:
        peer = await self._keys.find()
        # Only what says nothing may go unsealed, to a partner without a key to seal to.
        sealed = seal(token, peer) if peer.sealing is not None or not _thin(token) else token
        return await self._wire.deliver(sealed, key=key)


@contextmanager
def _doubting() -> Iterator[None]:
    """What came back cannot be believed, yet something was done: ask before sending again."""
    try:
        yield
    except ConnectorError as error:
        raise Uncertain("the answer is not to be believed", kind=error.code) from error


def _thin(token: str) -> bool:
    return typ_of(token) in {kind.typ for kind in (Notice, Receipt, Withdrawal, Certificate)}


def _worded(
    reason: str | None, words: Mapping[str, str], known: tuple[str, ...], where: str, unmapped: list[Unmapped]
) -> str | None:
    if reason is None or reason in known:
        return reason
    if reason in words:
        return words[reason]
    unmapped.append(Unmapped(field=where, value=reason))
    return "no_outcome" if "no_outcome" in known else "other"


T = TypeVar("T", Health, WirePage)


def _json(text: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Invalid("the answer breaks its form") from error
